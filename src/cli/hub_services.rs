//! The dashboard over a hub: what a hub can tell is asked there, and of everything else it is said that it cannot.

use super::dashboard::AskedServices;
use crate::act::rights::TokenRights;
use crate::act::service::{ActionEnd, ActionOutcome};
use crate::collect::explain_service::{ExplainAnswer, ExplainRequest};
use crate::collect::job_needs::NeedsAnswer;
use crate::collect::log_service::{LogMessage, LogNews};
use crate::collect::older_pipeline::OlderAnswer;
use crate::collect::pipeline_page::PipelinePageAnswer;
use crate::domain::failure::{Failure, FailureKind};
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
    let AskedServices { explain, mut logs, mut actions, past: _past, mut older, mut needs, mut pages, mut rights } =
        asked;
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
                outcome: Err(not_from_a_hub("older pipelines")),
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
    let pages = async {
        while pages.0.changed().await.is_ok() {
            let Some(project) = pages.0.borrow_and_update().as_ref().map(|request| Arc::clone(&request.project)) else {
                continue;
            };
            let outcome = Err(not_from_a_hub("older pipelines"));
            pages.1.send_replace(Some(PipelinePageAnswer { project, outcome }));
        }
    };
    let rights = async {
        while rights.0.recv().await.is_some() {
            let _ = rights.1.send(TokenRights::Lacks("--from reads a hub, which lends none".into()));
        }
    };
    tokio::join!(explain_from(hub, time, explain), logs, actions, older, needs, pages, rights);
}

/// Asks the hub why pipelines are not green: the latest question wins.
async fn explain_from(
    hub: Arc<HubClient>,
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
