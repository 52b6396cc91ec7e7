//! What other front ends build on to act on jobs and to follow logs, without the program around it.

use super::cost::scenario;
use crate::support::running::DEADLINE;
use chrono::Utc;
use glwatch::act;
use glwatch::act::plan::{PipelineTarget, PlannedAction};
use glwatch::collect::find::{self, SearchScope, TargetQuery};
use glwatch::collect::job_choice::{JobQuery, NotChosenReason, PipelineJobs};
use glwatch::collect::log_follow::{LogEnd, LogEvent, LogFollow, LogOptions, LogSink};
use glwatch::domain::host::Host;
use glwatch::domain::id::{JobId, ProjectRef};
use glwatch::domain::job::Job;
use glwatch::domain::status::Status;
use glwatch::gitlab::client::{Action, ActionResult, Client};
use glwatch::gitlab::{Credentials, RetryOptions, Token, TransportOptions};
use glwatch_sim::{Clock, Fault, Sim, TOKEN_API};
use std::ops::ControlFlow;
use std::time::Duration;

fn sim() -> Sim {
    scenario(
        "red = [[\"test\", \"unit | 40s | fails\", \"lint | 20s | fails\"]]",
        "[[project]]\npath = \"acme/red\"\nrun = [{ jobs = \"red\", age = \"1h\" }]",
    )
}

fn client(sim: &Sim) -> Client {
    let options = TransportOptions {
        host: Host::parse(sim.url()).unwrap(),
        credentials: Credentials { token: Token::new(TOKEN_API), ..Credentials::default() },
        concurrency: 8,
        rps: Some(1000.0),
        timeout: DEADLINE,
        ca: None,
        identity: None,
        insecure: false,
        proxy: None,
        retry: RetryOptions::default(),
        now: Utc::now,
    };
    Client::new(options).unwrap()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Finds the newest pipeline of `acme/red` and its jobs.
async fn jobs(client: &Client) -> (PipelineTarget, PipelineJobs) {
    let query = TargetQuery::parse("acme/red", client.host()).unwrap();
    let found = find::find(client, SearchScope { groups: &[], known: &[] }, &query).await.unwrap();
    let jobs = PipelineJobs::read(client, &found.project_ref(), found.pipeline).await.unwrap();
    let project = found.project;
    (PipelineTarget { project: project.id, full_path: project.full_path, pipeline: found.pipeline }, jobs)
}

/// Notes what is handed out of one attempt, and lets time go by so that it ends.
struct RecordingSink {
    job: u64,
    clock: Clock,
    bytes: Vec<u8>,
    events: Vec<&'static str>,
}

impl LogSink for RecordingSink {
    async fn take(&mut self, job: &Job, event: LogEvent<'_>) -> ControlFlow<()> {
        assert_eq!(job.id.0, self.job);
        match event {
            LogEvent::Piece(piece) => self.bytes.extend_from_slice(piece),
            // By then it runs, and ends.
            LogEvent::UpToDate => self.clock.advance(Duration::from_secs(60)),
            LogEvent::Waits => {
                self.events.push("waits");
                self.clock.advance(Duration::from_secs(10));
            }
            LogEvent::Over => self.events.push("over"),
            odd => panic!("{odd:?}"),
        }
        ControlFlow::Continue(())
    }
}

/// Counts the events, and wants no more after the first.
struct SatisfiedSink(usize);

impl LogSink for SatisfiedSink {
    async fn take(&mut self, _: &Job, _: LogEvent<'_>) -> ControlFlow<()> {
        self.0 += 1;
        ControlFlow::Break(())
    }
}

#[test]
fn a_job_is_chosen_retried_and_followed_to_its_end() {
    let sim = sim();
    block_on(async {
        let client = client(&sim);
        let (target, jobs) = jobs(&client).await;
        let open = jobs.choose(JobQuery::MostTelling).unwrap_err();
        assert_eq!((open.reason, open.candidates.len()), (NotChosenReason::Unclear, 2));
        let unit = jobs.choose(JobQuery::Named("unit")).unwrap().clone();

        let planned = PlannedAction::on_job(Action::Retry, &target, unit.clone());
        let acting = tokio::spawn({
            let client = client.clone();
            async move { act::perform(&client, &planned).await }
        });
        let ActionResult::Done(answer) = acting.await.unwrap() else { panic!("it was not done") };
        assert_ne!(answer.id, unit.id.0, "a retried job has a new id");

        let project = ProjectRef::Id(target.project);
        let retried = client.job(&project, JobId(answer.id)).await.unwrap().job;
        let options = LogOptions { most: 1 << 20, first_pause: Duration::from_millis(1), look_time: DEADLINE };
        let mut log = LogFollow::new(&client, (project.clone(), target.pipeline), retried, options);
        let mut sink = RecordingSink { job: answer.id, clock: sim.clock().clone(), bytes: vec![], events: vec![] };
        let following = tokio::spawn(async move {
            let end = log.follow(&mut sink).await;
            (end.unwrap(), log, sink)
        });
        let (end, log, RecordingSink { bytes, events, .. }) = following.await.unwrap();
        assert_eq!(end, LogEnd::Complete);
        assert_eq!(events.last(), Some(&"over"), "{events:?}");
        assert!(matches!(log.job().status, Status::Failed | Status::Success), "{:?}", log.job().status);

        // What was handed out in pieces is what there is.
        let mut again = LogFollow::new(&client, (project, target.pipeline), log.job().clone(), options);
        let mut sink = RecordingSink { job: answer.id, clock: sim.clock().clone(), bytes: vec![], events: vec![] };
        assert_eq!(again.read_once(&mut sink).await.unwrap(), LogEnd::Complete);
        let whole = sink.bytes;
        assert!(!whole.is_empty() && whole == bytes, "{} and {} bytes", whole.len(), bytes.len());
    });
    assert_eq!(sim.panics(), 0);
}

#[test]
fn a_caller_that_wants_no_more_stops_it() {
    let sim = sim();
    block_on(async {
        let client = client(&sim);
        let (target, jobs) = jobs(&client).await;
        let unit = jobs.choose(JobQuery::Named("unit")).unwrap().clone();
        let subject = (ProjectRef::Id(target.project), target.pipeline);
        let options = LogOptions { most: 1 << 20, first_pause: Duration::from_millis(1), look_time: DEADLINE };
        let mut sink = SatisfiedSink(0);
        let mut log = LogFollow::new(&client, subject, unit, options);
        let end = log.follow(&mut sink).await;
        assert_eq!((end.unwrap(), sink.0), (LogEnd::Stopped, 1));
    });
}

#[test]
fn what_became_of_an_action_is_done_refused_or_unsure_and_it_is_sent_once() {
    type Answered = fn() -> Option<Fault>;
    let cases: [(&str, Answered, &str); 4] = [
        ("GitLab does it", || None, "done"),
        ("GitLab refuses it", || Some(Fault::on("/retry").status(403)), "refused"),
        ("a proxy answers", || Some(Fault::on("/retry").status(502)), "unsure"),
        ("the answer breaks off", || Some(Fault::on("/retry").cut()), "unsure"),
    ];
    for (sentence, fault, expected) in cases {
        let sim = sim();
        block_on(async {
            let client = client(&sim);
            let (target, jobs) = jobs(&client).await;
            let unit = jobs.choose(JobQuery::Named("test/unit")).unwrap().clone();
            fault().into_iter().for_each(|fault| sim.add_fault(fault));
            let result = act::perform(&client, &PlannedAction::on_job(Action::Retry, &target, unit)).await;
            let word = match &result {
                ActionResult::Done(_) => "done",
                ActionResult::Refused(_) => "refused",
                ActionResult::Unsure(_) => "unsure",
            };
            assert_eq!((word, result.ends_plan()), (expected, false), "{sentence}: {result:?}");
        });
        let posts = sim.requests().iter().filter(|request| request.method == "POST").count();
        assert_eq!(posts, 1, "{sentence}");
    }
}
