//! The dashboard over a hub: what a hub can tell is asked there, and of everything else it is said that it cannot.

use super::dashboard::AskedServices;
use crate::act::rights::TokenRights;
use crate::act::service::{ActionEnd, ActionOutcome};
use crate::collect::explain_service::{ExplainAnswer, ExplainRequest};
use crate::collect::job_needs::NeedsAnswer;
use crate::collect::log_service::{LogMessage, LogNews};
use crate::collect::older_pipeline::OlderAnswer;
use crate::collect::pipeline_page::{NextPage, PageStart, PipelinePage, PipelinePageAnswer, PipelinePageRequest};
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::past::{HubPast, PastAnswer, PastLack, PastRest};
use crate::domain::project::Project;
use crate::hub_client::client::HubClient;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// What is said of a thing that only GitLab has.
fn not_from_a_hub(what: &str) -> Failure {
    Failure::new(FailureKind::NotHub, format!("a hub has no {what}: run glwatch without --from"))
}

/// Answers until the view is gone.
pub(super) async fn answer(asked: AskedServices, hub: Arc<HubClient>, time: Duration) {
    let AskedServices { explain, mut logs, mut actions, past, mut older, mut needs, pages, mut rights } = asked;
    let logs = async {
        while logs.0.changed().await.is_ok() {
            let Some(request) = logs.0.borrow_and_update().as_ref().map(|request| request.number) else { continue };
            let news = LogNews::Failed(not_from_a_hub("logs"));
            // Without a listener there is no one to tell.
            let _ = logs.1.send(LogMessage { request, news }).await;
        }
    };
    let actions = async {
        while let Some(planned) = actions.0.recv().await {
            let end = ActionEnd::Refused(not_from_a_hub("actions"));
            let _ = actions.1.send(ActionOutcome { planned, end });
        }
    };
    let older = async {
        while older.0.changed().await.is_ok() {
            let Some(id) = older.0.borrow_and_update().as_ref().map(|request| request.known.id) else { continue };
            older.1.send_replace(Some(OlderAnswer {
                id,
                outcome: Err(not_from_a_hub("jobs of pipelines that are not in the list")),
                needs: None,
            }));
        }
    };
    // A hub does not tell what jobs need; that is less, and nothing wrong.
    let needs = async {
        while needs.0.changed().await.is_ok() {
            let Some(pipeline) = needs.0.borrow_and_update().as_ref().map(|request| request.pipeline) else { continue };
            needs.1.send_replace(Some(NeedsAnswer { pipeline, outcome: Ok(None) }));
        }
    };
    let rights = async {
        while rights.0.recv().await.is_some() {
            let _ = rights.1.send(TokenRights::Lacks("--from reads a hub, which lends none".into()));
        }
    };
    let (past, pages) = (past_from(&hub, time, past), pages_from(&hub, time, pages));
    tokio::join!(explain_from(&hub, time, explain), logs, actions, older, needs, past, pages, rights);
}

/// Asks the hub what it remembers of a project: the latest question wins.
async fn past_from(
    hub: &HubClient,
    time: Duration,
    (mut asked, answers): (watch::Receiver<Option<Arc<Project>>>, watch::Sender<Option<PastAnswer>>),
) {
    while asked.changed().await.is_ok() {
        let Some(project) = asked.borrow_and_update().clone() else { continue };
        let outcome = tokio::select! {
            outcome = hub.past(&project, None, Instant::now() + time) => outcome,
            Ok(()) = asked.changed() => {
                asked.mark_changed();
                continue;
            }
        };
        answers.send_replace(Some(PastAnswer::OfHub(project.id, outcome)));
    }
}

/// Asks the hub for older pipelines, as far as it remembers them.
async fn pages_from(
    hub: &HubClient,
    time: Duration,
    (mut asked, answers): (watch::Receiver<Option<PipelinePageRequest>>, watch::Sender<Option<PipelinePageAnswer>>),
) {
    while asked.changed().await.is_ok() {
        let Some(PipelinePageRequest { project, start, .. }) = asked.borrow_and_update().clone() else { continue };
        let before = match start {
            PageStart::Before(before) => Some(before),
            // The other places are in lists of GitLab's.
            PageStart::Newest | PageStart::Number(_) | PageStart::Behind(_) => None,
        };
        let told = hub.past(&project, before, Instant::now() + time).await;
        let outcome = told.map_err(lack).map(|HubPast { past, rest, .. }| PipelinePage {
            pipelines: past.pipelines,
            next: match rest {
                PastRest::Before(last) => NextPage::Begins(PageStart::Before(last)),
                PastRest::Nothing => NextPage::NotRemembered,
            },
        });
        answers.send_replace(Some(PipelinePageAnswer { project, outcome }));
    }
}

/// The same in words: it was told before what the hub is like.
fn lack(lack: PastLack) -> Failure {
    match lack {
        PastLack::NoMemory => not_from_a_hub("memory of them"),
        PastLack::NotTold => not_from_a_hub("older pipelines"),
        PastLack::Failed(failure) => failure,
    }
}

/// Asks the hub why pipelines are not green: the latest question wins.
async fn explain_from(
    hub: &HubClient,
    time: Duration,
    (mut requests, answers): (watch::Receiver<Option<ExplainRequest>>, watch::Sender<Option<ExplainAnswer>>),
) {
    while requests.changed().await.is_ok() {
        let Some(ExplainRequest { subject, updated_at }) = requests.borrow_and_update().clone() else { continue };
        let pipeline = subject.pipeline;
        let asking = hub.explain(&subject.full_path, Some(pipeline.0), Instant::now() + time);
        let read = tokio::select! {
            read = asking => read.map_err(|error| error.failure),
            Ok(()) = requests.changed() => {
                requests.mark_changed();
                continue;
            }
        };
        let only = read.and_then(|mut answer| answer.explained.pop().ok_or_else(|| not_from_a_hub("answer")));
        let (evidence, judged) = match only {
            Ok((evidence, judged)) => (Ok(Arc::new(evidence)), Some(Arc::new(judged))),
            Err(failure) => (Err(failure), None),
        };
        answers.send_replace(Some(ExplainAnswer { pipeline, updated_at, evidence, judged }));
    }
}
