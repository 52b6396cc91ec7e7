use super::*;
use crate::domain::fact::{JobCourse, JobFact, PipelineCourse, PipelineFact, ProjectFact, TestFailureFact};
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::domain::job::JobKind;
use crate::domain::pipeline::RefKind;
use crate::domain::status::Status;
use proptest::prelude::*;
use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const HOST: &str = "https://gitlab.example.com";
const NOW: UnixSeconds = 1_790_000_000;
/// Makes the process of `a_process_that_writes` write; its value is the folder.
const FOLDER: &str = "GLWATCH_TEST_HISTORY_FOLDER";
/// Jobs of each pipeline that the other process writes.
const JOBS_EACH: usize = 50;

fn place(folder: &TempDir) -> HistoryPlace {
    HistoryPlace::in_folder(folder.path(), HOST)
}

fn open(folder: &TempDir) -> HistoryStore {
    HistoryStore::open(&place(folder), NOW).unwrap()
}

pub(crate) fn pipeline_fact(id: u64, status: Status) -> PipelineFact {
    PipelineFact {
        project: ProjectId(7),
        id: PipelineId(id),
        iid: Some(id),
        ref_name: "main".into(),
        ref_kind: RefKind::Branch,
        sha: Some(format!("{id:040x}")),
        source: Some("push".into()),
        author: Some("ada".into()),
        commit_title: Some("Fix it".into()),
        created_at: Some(NOW),
        course: PipelineCourse {
            updated_at: Some(NOW + 60),
            status,
            started_at: Some(NOW + 1),
            finished_at: Some(NOW + 60),
            duration: Some(59),
            queued: Some(1),
        },
    }
}

pub(crate) fn job_fact(pipeline: u64, id: u64, status: Status) -> JobFact {
    JobFact {
        project: ProjectId(7),
        pipeline: PipelineId(pipeline),
        id: JobId(id),
        name: "unit".into(),
        stage: "test".into(),
        kind: JobKind::Job,
        ref_kind: RefKind::Branch,
        allow_failure: false,
        created_at: Some(NOW),
        tags: vec!["linux".into(), "large".into()],
        course: JobCourse {
            finished_at: Some(NOW + 50),
            status,
            started_at: Some(NOW + 2),
            duration: Some(48),
            queued: Some(2),
            failure_reason: Some("script_failure".into()),
        },
    }
}

/// One pipeline and its jobs, as a reading brings them.
fn batch(id: u64, jobs: usize) -> FactBatch {
    let job = |n: usize| job_fact(id, id * 1000 + n as u64, Status::Failed);
    FactBatch {
        projects: vec![ProjectFact {
            id: ProjectId(7),
            full_path: "acme/api".into(),
            default_branch: Some("main".into()),
            seen_at: NOW,
        }],
        pipelines: vec![pipeline_fact(id, Status::Failed)],
        jobs: (0..jobs).map(job).collect(),
        test_failures: vec![TestFailureFact { project: ProjectId(7), job: JobId(id * 1000), test: "a::b".into() }],
    }
}

pub(crate) fn all_jobs(store: &HistoryStore) -> Vec<JobFact> {
    let mut jobs = Vec::new();
    store.each_job(|fact| jobs.push(fact)).unwrap();
    jobs
}

pub(crate) fn all_pipelines(store: &HistoryStore) -> Vec<PipelineFact> {
    let mut pipelines = Vec::new();
    store.each_pipeline(|fact| pipelines.push(fact)).unwrap();
    pipelines
}

#[test]
fn what_is_written_is_read_back_by_the_next_process() {
    let folder = TempDir::new().unwrap();
    open(&folder).write(&batch(1, 3), NOW).unwrap();
    let store = open(&folder);
    assert_eq!((all_pipelines(&store), all_jobs(&store)), (batch(1, 3).pipelines, batch(1, 3).jobs));
    let mode = fs::metadata(store.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(store.file().file_name().unwrap(), "gitlab.example.com.sqlite3");
}

#[test]
fn odd_values_come_back_as_they_were() {
    let folder = TempDir::new().unwrap();
    let mut odd = batch(1, 1);
    odd.pipelines[0].ref_name = "a'; DROP TABLE job; -- \u{0}\u{202e}\n".into();
    odd.pipelines[0].course.status = Status::Other("quarantined".into());
    odd.pipelines[0].course.updated_at = None;
    odd.jobs[0].name = String::new();
    odd.jobs[0].tags = vec![];
    odd.jobs[0].course.duration = Some(u64::MAX);
    odd.jobs[0].course.finished_at = Some(i64::MIN);
    odd.jobs[0].id = JobId(u64::MAX);
    open(&folder).write(&odd, NOW).unwrap();
    let store = open(&folder);
    assert_eq!((all_pipelines(&store), all_jobs(&store)), (odd.pipelines, odd.jobs));
}

#[test]
fn what_cannot_be_used_is_left_alone_and_named() {
    type Spoil = fn(&Path);
    let sql = |path: &Path, sql: &str| Connection::open(path).unwrap().execute_batch(sql).unwrap();
    let cases: [(&str, Spoil, &str); 6] = [
        (
            "a newer version",
            |path| Connection::open(path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap(),
            "a newer glwatch wrote it (version 99",
        ),
        (
            "another program's",
            |path| Connection::open(path).unwrap().execute_batch("PRAGMA application_id = 1").unwrap(),
            "another program's file",
        ),
        (
            "another host's",
            |path| Connection::open(path).unwrap().execute_batch("UPDATE meta SET value = 'https://else'").unwrap(),
            "it is about https://else",
        ),
        (
            "others may write to it",
            |path| fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap(),
            "other users may write to",
        ),
        ("it has a second name", |path| fs::hard_link(path, path.with_extension("two")).unwrap(), "has a second name"),
        (
            "it is a link",
            |path| {
                fs::rename(path, path.with_extension("away")).unwrap();
                symlink(path.with_extension("away"), path).unwrap();
            },
            "",
        ),
    ];
    for (sentence, spoil, expected) in cases {
        let folder = TempDir::new().unwrap();
        let path = open(&folder).file().to_owned();
        sql(&path, "PRAGMA wal_checkpoint(TRUNCATE)");
        spoil(&path);
        let before = fs::read(&path).unwrap();
        let error = HistoryStore::open(&place(&folder), NOW).unwrap_err().to_string();
        assert!(error.contains(expected), "{sentence}: {error}");
        assert!(error.contains(&*folder.path().to_string_lossy()) || expected.is_empty(), "{sentence}: {error}");
        assert_eq!(fs::read(&path).unwrap(), before, "{sentence}: it was changed");
    }
}

#[test]
fn a_foreign_database_without_a_mark_is_not_taken_over() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gitlab.example.com.sqlite3");
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let error = HistoryStore::open(&place(&folder), NOW).unwrap_err();
    assert!(matches!(error, HistoryError::NotOurs { .. }), "{error}");
}

#[test]
fn a_damaged_file_is_set_aside_and_a_new_one_begun() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil); 4] = [
        ("text", |path| {
            fs::write(path, "no database at all, but long enough to be read as a header by anyone").unwrap()
        }),
        ("cut in the middle", |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(5000).unwrap()),
        ("pages overwritten", |path| {
            let mut file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.seek(SeekFrom::Start(4096)).unwrap();
            file.write_all(&vec![0xA5; 100_000]).unwrap();
        }),
        ("a table is gone", |path| {
            let mut bytes = Vec::new();
            fs::File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
            bytes[100..4096].fill(0xFF);
            fs::write(path, bytes).unwrap();
        }),
    ];
    for (sentence, spoil) in cases {
        let folder = TempDir::new().unwrap();
        let mut store = open(&folder);
        store.write(&batch(1, 200), NOW).unwrap();
        let path = store.file().to_owned();
        drop(store);
        spoil(&path);
        let mut store = HistoryStore::open(&place(&folder), NOW).expect(sentence);
        store.write(&batch(2, 200), NOW).expect(sentence);
        let aside = store.take_set_aside().expect(sentence);
        assert!(aside.exists() && aside.to_string_lossy().contains(".corrupt-1790000000"), "{sentence}: {aside:?}");
        assert_eq!(all_pipelines(&store), batch(2, 0).pipelines, "{sentence}");
        drop(store);
        assert_eq!(open(&folder).take_set_aside(), None, "{sentence}: the new one is sound");
    }
}

#[test]
fn pruning_removes_what_ended_before_the_limit_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let mut store = open(&folder);
    let mut old = batch(1, 10);
    old.pipelines[0].course.finished_at = Some(NOW - 1000);
    store.write(&old, NOW - 500 * SECONDS_PER_DAY).unwrap();
    store.write(&batch(2, 10), NOW).unwrap();
    assert_eq!(store.prune(NOW).unwrap(), 13, "a pipeline, ten jobs, a test, a day");
    assert_eq!((all_pipelines(&store), all_jobs(&store)), (batch(2, 0).pipelines, batch(2, 10).jobs));
    assert_eq!(store.prune(NOW).unwrap(), 0);
}

fn any_status() -> impl Strategy<Value = Status> {
    prop_oneof![Just(Status::Running), Just(Status::Failed), Just(Status::Success), Just(Status::Canceled)]
}

prop_compose! {
    /// What some answer said about one of three pipelines; fields are missing as answers lack them.
    fn any_pipeline()(id in 1_u64..4, status in any_status(), updated in prop::option::of(0_i64..4),
        duration in prop::option::of(0_u64..3), sha in prop::option::of("[ab]"), kind in 0_usize..3) -> PipelineFact {
        let mut fact = pipeline_fact(id, status);
        fact.course.updated_at = updated;
        fact.course.duration = duration;
        fact.sha = sha;
        fact.ref_kind = [RefKind::Branch, RefKind::Other, RefKind::MergeRequest][kind];
        fact
    }
}

prop_compose! {
    fn any_job()(id in 1_u64..4, status in any_status(), finished in prop::option::of(0_i64..4),
        queued in prop::option::of(0_u64..3), reason in prop::option::of("[ab]"), allowed: bool, tagged: bool) -> JobFact {
        let mut fact = job_fact(1, id, status);
        fact.course.finished_at = finished;
        fact.course.queued = queued;
        fact.course.failure_reason = reason;
        fact.allow_failure = allowed;
        if !tagged { fact.tags.clear(); }
        fact
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_facts_and_their_number_do_not_matter(
        pipelines in prop::collection::vec(any_pipeline(), 0..12),
        jobs in prop::collection::vec(any_job(), 0..12),
        turn in 0_usize..12,
    ) {
        let memory = |batches: Vec<FactBatch>| {
            let folder = TempDir::new().unwrap();
            let mut store = open(&folder);
            for batch in batches {
                store.write(&batch, NOW).unwrap();
            }
            (all_pipelines(&store), all_jobs(&store))
        };
        let one = FactBatch { pipelines: pipelines.clone(), jobs: jobs.clone(), ..FactBatch::default() };
        let mut turned = one.clone();
        turned.pipelines.rotate_left(turn.min(pipelines.len()));
        turned.jobs.reverse();
        let each = pipelines.iter().rev().map(|fact| FactBatch { pipelines: vec![fact.clone()], ..FactBatch::default() });
        let each = each.chain(jobs.iter().map(|fact| FactBatch { jobs: vec![fact.clone()], ..FactBatch::default() }));
        let expected = memory(vec![one.clone()]);
        prop_assert_eq!(memory(vec![turned.clone()]), expected.clone());
        prop_assert_eq!(memory(each.collect()), expected.clone());
        prop_assert_eq!(memory(vec![one.clone(), turned, one]), expected);
    }
}

#[test]
fn two_processes_write_at_once_and_nothing_is_lost() {
    let folder = TempDir::new().unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4_u64 {
            let folder = &folder;
            scope.spawn(move || {
                let mut store = open(folder);
                for n in 0..25 {
                    store.write(&batch(writer * 100 + n, 5), NOW).unwrap();
                }
            });
        }
    });
    let store = open(&folder);
    assert_eq!((all_pipelines(&store).len(), all_jobs(&store).len()), (100, 500));
}

/// To make a new file write-ahead takes it whole for a moment, and SQLite does not wait for that by itself.
#[test]
fn many_that_begin_a_file_at_once_all_get_it() {
    for _ in 0..30 {
        let folder = TempDir::new().unwrap();
        std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(|| open(&folder)))));
    }
}

/// The other process of `killed_at_any_moment…`: the same test binary, called with a folder.
#[test]
fn a_process_that_writes() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut store = HistoryStore::open(&HistoryPlace::in_folder(Path::new(&folder), HOST), NOW).unwrap();
    let newest = store.ask(|connection| connection.query_row("SELECT max(id) FROM pipeline", [], |row| row.get(0)));
    let newest: Option<i64> = newest.unwrap();
    for id in newest.unwrap_or(0).cast_unsigned() + 1.. {
        store.write(&batch(id, JOBS_EACH), NOW).unwrap();
        println!("{id}");
    }
}

#[test]
fn killed_at_any_moment_the_file_opens_and_no_batch_is_half_written() {
    let kills = std::env::var("GLWATCH_TEST_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(100);
    let folder = TempDir::new().unwrap();
    let mut last = 0;
    for round in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "history::store::tests::a_process_that_writes", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Some die while they open the file, some after a few batches: what they have printed tells how far they came.
        let mut output = child.stdout.take().unwrap();
        let mut said = vec![0; [0, 40, 60, 75, 77, 80][round % 6]];
        let _ = output.read_exact(&mut said);
        child.kill().unwrap();
        child.wait().unwrap();
        let mut store = open(&folder);
        assert_eq!(store.take_set_aside(), None, "round {round}");
        let whole: i64 = store
            .ask(|connection| {
                let query = "SELECT count(*) FROM pipeline p WHERE (SELECT count(*) FROM job j \
                             WHERE j.project = p.project AND j.pipeline = p.id) = ?1";
                connection.query_row(query, [JOBS_EACH as i64], |row| row.get(0))
            })
            .unwrap();
        let [pipelines, jobs]: [i64; 2] = ["pipeline", "job"].map(|table| {
            let query = format!("SELECT count(*) FROM {table}");
            store.ask(|connection| connection.query_row(&query, [], |row| row.get(0))).unwrap()
        });
        assert_eq!((pipelines, jobs), (whole, whole * JOBS_EACH as i64), "round {round}");
        assert!(pipelines >= last, "round {round}: {pipelines} after {last}");
        last = pipelines;
    }
    assert!(last > 0, "no process wrote anything");
}
