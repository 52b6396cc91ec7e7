use super::*;
use crate::domain::example;
use crate::domain::health::tests::failure;
use crate::domain::id::{JobId, PipelineId};
use crate::domain::job::{JobKind, stages};
use crate::domain::status::Status;
use crate::domain::usage::Usage;
use crate::history::store::tests::{all_jobs, all_pipelines};
use std::fs;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);
const NOW: i64 = 1_790_000_000;

fn attempt(id: u64, status: Status) -> Job {
    Job {
        id: JobId(id),
        name: "unit".into(),
        stage: "test".into(),
        kind: JobKind::Job,
        status,
        allow_failure: false,
        attempts: None,
        earlier: Vec::new(),
        started_at: None,
        finished_at: DateTime::from_timestamp(NOW, 999_000_000),
        duration: Some(Duration::from_millis(61_900)),
        failure_reason: None,
        web_url: None,
        description: None,
        downstream_id: None,
    }
}

fn ran(id: u64, status: Status, attempts: Vec<Job>) -> RowState {
    let pipeline = Pipeline { id: PipelineId(id), stages: stages(attempts), ..example::pipeline(status, vec![]) };
    RowState::Ok([pipeline].into())
}

fn row(project: u64, state: RowState) -> ProjectRow {
    ProjectRow { project: example::project(project), state, as_of: DateTime::from_timestamp(NOW, 0).unwrap() }
}

fn reading(rows: Vec<ProjectRow>) -> Arc<Snapshot> {
    Arc::new(Snapshot {
        host: "https://gitlab.example.com".into(),
        taken_at: DateTime::from_timestamp(NOW, 0).unwrap(),
        groups: vec![],
        rows,
        problems: vec![],
        usage: Usage::default(),
    })
}

fn place(folder: &TempDir) -> HistoryPlace {
    HistoryPlace::in_folder(folder.path(), "https://gitlab.example.com")
}

/// Records readings, and returns the pipelines and jobs that are remembered, each with its status, and the notices.
fn remembered(folder: &TempDir, readings: &[Arc<Snapshot>]) -> (Vec<String>, Vec<HistoryNotice>) {
    let recorder = HistoryRecorder::start(place(folder), Duration::from_secs(400 * 24 * 3600), RecorderTask::Answer);
    readings.iter().for_each(|reading| recorder.record(reading));
    let notices = recorder.end(PATIENCE);
    let Ok(store) = HistoryStore::open(&place(folder), NOW) else { return (Vec::new(), notices) };
    let (pipelines, jobs) = (all_pipelines(&store), all_jobs(&store));
    let pipelines = pipelines.iter().map(|fact| format!("#{} {}", fact.id, fact.course.status.word()));
    let jobs = jobs.iter().map(|fact| format!("job {} {}", fact.id, fact.course.status.word()));
    (pipelines.chain(jobs).collect(), notices)
}

#[test]
fn a_reading_becomes_facts_of_every_attempt_that_has_ended() {
    use Status::{Failed, Running, Success};
    let attempts = || vec![attempt(3, Success), attempt(2, Failed)];
    let cases: [(&str, Vec<RowState>, &[&str]); 7] = [
        ("with a retry", vec![ran(1, Success, attempts())], &["#1 success", "job 2 failed", "job 3 success"]),
        ("a job that runs", vec![ran(1, Running, vec![attempt(2, Running)])], &["#1 running"]),
        (
            "it ran and then failed",
            vec![ran(1, Running, vec![attempt(2, Running)]), ran(1, Failed, vec![attempt(2, Failed)])],
            &["#1 failed", "job 2 failed"],
        ),
        (
            "two pipelines one after the other",
            vec![ran(1, Failed, vec![]), ran(2, Success, vec![])],
            &["#1 failed", "#2 success"],
        ),
        (
            "the same reading again",
            vec![ran(1, Success, attempts()), ran(1, Success, attempts())],
            &["#1 success", "job 2 failed", "job 3 success"],
        ),
        ("no pipeline", vec![RowState::NoPipeline { ever_ran: Some(false) }], &[]),
        ("not readable", vec![RowState::NoAccess(failure()), RowState::Error(failure())], &[]),
    ];
    for (sentence, states, expected) in cases {
        let folder = TempDir::new().unwrap();
        let readings: Vec<_> = states.into_iter().map(|state| reading(vec![row(7, state)])).collect();
        assert_eq!(
            remembered(&folder, &readings),
            (expected.iter().map(ToString::to_string).collect(), vec![]),
            "{sentence}"
        );
    }
}

#[test]
fn what_is_stale_was_recorded_when_it_was_read() {
    let folder = TempDir::new().unwrap();
    let RowState::Ok(pipelines) = ran(1, Status::Failed, vec![]) else { unreachable!() };
    let stale = reading(vec![row(7, RowState::Stale { pipelines, failure: failure() })]);
    assert_eq!(remembered(&folder, &[stale]), (vec![], vec![]));
}

#[test]
fn times_are_whole_seconds_as_both_apis_know_them() {
    let RowState::Ok(pipelines) = ran(1, Status::Success, vec![attempt(2, Status::Success)]) else { unreachable!() };
    let fact = job_facts(ProjectId(7), &pipelines[0]).remove(0);
    assert_eq!((fact.course.finished_at, fact.course.duration), (Some(NOW), Some(61)));
}

#[test]
fn a_memory_that_cannot_be_written_is_reported_once_and_nothing_else_happens() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("gitlab.example.com.sqlite3"), "").unwrap();
    fs::hard_link(folder.path().join("gitlab.example.com.sqlite3"), folder.path().join("two")).unwrap();
    let readings = [1, 2, 3].map(|id| reading(vec![row(7, ran(id, Status::Success, vec![]))]));
    let (_, notices) = remembered(&folder, &readings);
    let [HistoryNotice::Off(why)] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(why.contains("has a second name"), "{why}");
}

#[test]
fn a_damaged_memory_is_begun_again_and_reported() {
    let folder = TempDir::new().unwrap();
    let file = place(&folder).file;
    fs::write(&file, "this is no database, whatever its name says".repeat(100)).unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (facts, notices) = remembered(&folder, &[reading(vec![row(7, ran(1, Status::Success, vec![]))])]);
    assert_eq!(facts, ["#1 success"]);
    let [HistoryNotice::SetAside(aside)] = notices.as_slice() else { panic!("{notices:?}") };
    assert!(aside.exists());
}

/// Hands a recorder one reading and waits for its answer.
async fn answer(recorder: &HistoryRecorder, reading: &Arc<Snapshot>) -> Arc<KnownPast> {
    let mut past = recorder.past();
    past.mark_unchanged();
    recorder.record(reading);
    past.changed().await.unwrap();
    Arc::clone(&past.borrow())
}

fn recorder(folder: &TempDir, task: RecorderTask) -> HistoryRecorder {
    HistoryRecorder::start(place(folder), Duration::from_secs(400 * 24 * 3600), task)
}

#[tokio::test]
async fn what_was_red_and_passed_when_it_was_run_again_is_not_red_any_more() {
    let folder = TempDir::new().unwrap();
    let recorder = recorder(&folder, RecorderTask::Answer);
    let steps = [
        ("it passed", 1, Status::Success, false),
        ("the next one failed", 2, Status::Failed, true),
        ("it was run again", 2, Status::Success, false),
    ];
    for (sentence, id, status, is_red) in steps {
        let reading = reading(vec![row(7, ran(id, status, vec![]))]);
        let past = answer(&recorder, &reading).await;
        assert_eq!(past.pipelines[&PipelineId(id)].red_since.is_some(), is_red, "{sentence}");
        assert_eq!(past.reading, Some(reading.taken_at), "{sentence}");
    }
}

#[tokio::test]
async fn what_has_not_changed_is_looked_up_again_after_a_while() {
    let folder = TempDir::new().unwrap();
    let recorder = recorder(&folder, RecorderTask::Serve);
    let at = |seconds: i64, rows: Vec<ProjectRow>| {
        let taken_at = DateTime::from_timestamp(NOW + seconds, 0).unwrap();
        Arc::new(Snapshot { taken_at, ..(*reading(rows)).clone() })
    };
    let red = row(7, ran(5, Status::Failed, vec![]));
    let is_green_before = |past: &KnownPast| past.pipelines[&PipelineId(5)].red_since.as_ref().unwrap().last_green;
    let first = answer(&recorder, &at(0, vec![red.clone()])).await;
    assert_eq!(is_green_before(&first), None);
    // Another process adds an older one.
    let RowState::Ok(older) = ran(4, Status::Success, vec![]) else { unreachable!() };
    let facts = FactBatch { pipelines: vec![PipelineFact::of(ProjectId(7), &older[0])], ..FactBatch::default() };
    HistoryStore::open(&place(&folder), NOW).unwrap().write(&facts, NOW).unwrap();
    let soon = answer(&recorder, &at(ASK_AGAIN - 1, vec![red.clone()])).await;
    assert_eq!(is_green_before(&soon), None);
    let later = answer(&recorder, &at(ASK_AGAIN, vec![red])).await;
    assert_eq!(is_green_before(&later), Some(PipelineId(4)));
}

#[tokio::test]
async fn a_server_is_answered_again_when_the_memory_works_again() {
    let folder = TempDir::new().unwrap();
    let file = place(&folder).file;
    fs::write(&file, "").unwrap();
    fs::hard_link(&file, folder.path().join("two")).unwrap();
    let recorder = recorder(&folder, RecorderTask::Serve);
    let reading = reading(vec![row(7, ran(5, Status::Failed, vec![]))]);
    let past = answer(&recorder, &reading).await;
    assert!(past.pipelines.is_empty() && past.reading.is_some(), "no one waits for what does not come");
    fs::remove_file(&file).unwrap();
    let past = answer(&recorder, &reading).await;
    assert!(past.pipelines.contains_key(&PipelineId(5)));
}
