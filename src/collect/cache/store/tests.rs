use super::*;
use crate::collect::batch::BatchSize;
use crate::collect::cache::{KnownFields, KnownProject};
use crate::collect::project::Remembered;
use crate::domain::example;
use crate::domain::failure::{FailedRequest, Failure, FailureKind, RequestLine};
use crate::domain::id::{GroupId, JobId, PipelineId, ProjectId};
use crate::domain::job::{Job, JobKind, Stage};
use crate::domain::pipeline::{Downstream, DownstreamLink, Pipeline, Ref, RefKind};
use crate::domain::project::{Project, RowState};
use crate::domain::snapshot::Group;
use crate::domain::status::Status;
use crate::gitlab::client::Fields;
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

fn at(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// A job and a pipeline in which everything is said, as odd as it can be.
fn full(url: &str) -> Pipeline {
    let job = Job {
        id: JobId(u64::MAX),
        name: "unit \"1/3\"\n\u{202E}".into(),
        stage: "another".into(),
        kind: JobKind::Bridge,
        status: Status::Other("warning".into()),
        allow_failure: true,
        attempts: Some(3),
        earlier: Vec::new(),
        started_at: Some(at(-1)),
        finished_at: Some(at(1_700_000_000_123_456)),
        duration: Some(Duration::new(3, 141_592_653)),
        failure_reason: some("script_failure"),
        web_url: some(&format!("{url}/-/jobs/1")),
        description: None,
        downstream_id: Some(PipelineId(7)),
    };
    let plain =
        Job { stage: "test".into(), kind: JobKind::Job, web_url: some("https://elsewhere.example/"), ..job.clone() };
    let below = Downstream {
        project: some("acme/other"),
        is_unread: true,
        iid: Some(9),
        ..example::below(8, Status::Failed, vec![])
    };
    let child = Downstream {
        has_warnings: true,
        web_url: some("+x"),
        ..example::below(7, Status::Other("?".into()), vec![below])
    };
    Pipeline {
        iid: Some(0),
        has_warnings: true,
        git_ref: Ref { name: "!7".into(), kind: RefKind::MergeTrain },
        sha: some(""),
        source: some("push"),
        name: some("nightly"),
        created_at: Some(at(1)),
        started_at: Some(at(2)),
        finished_at: Some(at(3)),
        updated_at: Some(at(4)),
        duration: Some(Duration::from_nanos(1)),
        queued: Some(Duration::ZERO),
        coverage: Some(0.1 + 0.2),
        user: some("ann"),
        commit_title: some("naïve 🚀"),
        failure_reason: some("config_error"),
        yaml_errors: some("a\nb"),
        web_url: some(url),
        stages: vec![
            Stage { name: "test".into(), status: Status::Warning, jobs: vec![job, plain] },
            Stage { name: String::new(), status: Status::Other("odd".into()), jobs: vec![] },
        ],
        downstream: vec![child],
        ..example::pipeline(Status::Other("quarantined".into()), vec![])
    }
}

fn link() -> DownstreamLink {
    DownstreamLink {
        id: PipelineId(7),
        iid: Some(2),
        bridge: JobId(3),
        project_id: Some(ProjectId(4)),
        project: some("acme/other"),
        status: Status::WaitingForResource,
        has_warnings: Some(false),
        has_below: None,
        web_url: some("https://gitlab.example.com/acme/other/-/pipelines/7"),
    }
}

fn everything() -> SavedState {
    let url = "https://gitlab.example.com/acme/api";
    let whole = Project {
        web_url: some(url),
        default_branch: some("main"),
        ci_enabled: None,
        ancestor_names: vec!["ACME".into(), "Pay / ments".into()],
        ..Project::clone(&example::project(1))
    };
    let pipelines = vec![full(url), example::pipeline(Status::Success, vec![])];
    let known = KnownProject::Pipelines(Remembered::new(
        pipelines.into(),
        vec![vec![link(), DownstreamLink { status: Status::Manual, ..link() }], vec![]].into(),
        at(50),
    ));
    let without = |state| Some(KnownProject::Without(state, at(60)));
    let request = FailedRequest {
        line: RequestLine { method: "POST".into(), url: "https://h/api/graphql".into(), query: some("Newest") },
        status: Some(403),
        request_id: some("01\"X"),
        json_path: some("data[0].id"),
        attempts: 4,
        elapsed: Duration::from_nanos(3_141_592_653),
    };
    let message = "403: \u{1B}[31m".into();
    let failure = Failure { kind: FailureKind::Http(403), message, request: Some(Box::new(request)) };
    let other = |id, known| SavedProject { project: example::project(id), known };
    SavedState {
        at: at(1_700_000_000_000_001),
        machine_at: at(1_600_000_000_000_001),
        refs: vec!["any".into(), "name x,y".into()],
        groups: vec![
            Group { id: GroupId(1), full_path: "acme".into(), web_url: None },
            Group { id: GroupId(2), full_path: "other/team".into(), web_url: some("https://gitlab.example.com/other") },
        ],
        projects: vec![
            SavedProject { project: Arc::new(whole), known: Some(known) },
            other(2, None),
            other(3, without(RowState::NoPipeline { ever_ran: None })),
            other(4, without(RowState::NoPipeline { ever_ran: Some(false) })),
            other(5, without(RowState::NoAccess(failure))),
        ],
        size: BatchSize::learnt(17),
        fields: Some(KnownFields { fields: Arc::new(Fields::of(["CiJob.retried"])), at: at(70) }),
        changes: 0,
    }
}

fn bytes(saved: &SavedState) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(saved, "key", &mut bytes).unwrap();
    bytes
}

/// A place of its own, as deep as it is in a new home.
fn store(home: &Path) -> Store {
    Store { directory: home.join("cache/glwatch"), key: "key".into() }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn everything_comes_back_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let nothing = SavedState { groups: vec![], projects: vec![], refs: vec![], fields: None, ..everything() };
    for saved in [everything(), nothing] {
        store.save(&saved);
        assert_eq!(store.load(), Some(saved));
    }
    assert_eq!((mode(&store.path()), mode(&store.directory)), (0o600, 0o700));
    assert_eq!(fs::read_dir(&store.directory).unwrap().count(), 1);
}

#[test]
fn what_is_cut_short_or_goes_on_is_none() {
    let bytes = bytes(&everything());
    decode(bytes.as_slice(), "key").unwrap();
    for part in 0..10 {
        decode(&bytes[..bytes.len() * part / 10], "key").unwrap_err();
    }
    decode(&bytes[..bytes.len() - 1], "key").unwrap_err();
    decode([&bytes[..], b"x"].concat().as_slice(), "key").unwrap_err();
}

#[test]
fn what_is_foreign_is_none() {
    let text = String::from_utf8(bytes(&everything())).unwrap();
    let said = |text: &str, key: &str| decode(text.as_bytes(), key).unwrap_err().to_string();
    assert_eq!(said(&text, "another"), "it is about something else");
    for (from, to) in [(r#""cache":3"#, r#""cache":2"#), (env!("CARGO_PKG_VERSION"), "99.0.0")] {
        assert_eq!(said(&text.replacen(from, to, 1), "key"), "another version wrote it");
    }
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    assert_eq!(store.load(), None);
    fs::create_dir_all(store.path()).unwrap();
    assert_eq!(store.load(), None);
    // That it cannot be replaced does no harm either.
    store.save(&everything());
    fs::remove_dir(store.path()).unwrap();
    File::create(store.path()).unwrap().set_len(MAX_SIZE + 1).unwrap();
    assert_eq!(store.load(), None);
    store.save(&everything());
    assert_eq!(store.load(), Some(everything()));
}

#[test]
fn a_link_is_neither_followed_nor_written_through() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    let elsewhere = home.path().join("elsewhere");
    fs::write(&elsewhere, bytes(&everything())).unwrap();
    fs::create_dir_all(&store.directory).unwrap();
    std::os::unix::fs::symlink(&elsewhere, store.path()).unwrap();
    assert_eq!(store.load(), None);
    store.save(&SavedState { projects: vec![], ..everything() });
    assert_eq!(fs::read(&elsewhere).unwrap(), bytes(&everything()));
    assert!(fs::symlink_metadata(store.path()).unwrap().is_file());
}

#[test]
fn a_cache_that_another_user_may_have_written_is_none_and_is_made_safe() {
    type Spoil = fn(&Store);
    fn mode_of(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    // systemd, which is root, lays links to the folders of a service.
    let is_root = tempfile::tempdir().unwrap().path().metadata().unwrap().uid() == 0;
    let cases: [(&str, Spoil, bool); 8] = [
        ("ours alone", |_| {}, true),
        ("others may read it", |store| mode_of(&store.path(), 0o644), true),
        ("everybody may write to the file", |store| mode_of(&store.path(), 0o666), false),
        ("the group may write to the file", |store| mode_of(&store.path(), 0o620), false),
        ("everybody may write to the folder", |store| mode_of(&store.directory, 0o777), false),
        ("the sticky bit does not help the folder itself", |store| mode_of(&store.directory, 0o1777), false),
        (
            "the file has a second name",
            |store| fs::hard_link(store.path(), store.directory.join("second")).unwrap(),
            false,
        ),
        (
            "the folder is a link, which is trusted if it is root's",
            |store| {
                let elsewhere = store.directory.with_file_name("elsewhere");
                fs::rename(&store.directory, &elsewhere).unwrap();
                std::os::unix::fs::symlink(&elsewhere, &store.directory).unwrap();
            },
            is_root,
        ),
    ];
    for (sentence, spoil, is_used) in cases {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        store.save(&everything());
        spoil(&store);
        assert_eq!(store.load().is_some(), is_used, "{sentence}");
        store.save(&everything());
        let is_link = fs::symlink_metadata(&store.directory).unwrap().is_symlink();
        assert_eq!(store.load().is_some(), !is_link || is_root, "{sentence}, after it was written");
        if !is_link {
            assert_eq!(mode(&store.path()), 0o600, "{sentence}");
        }
    }
}

#[test]
fn a_folder_above_whose_entries_others_may_exchange_is_not_trusted() {
    for (sentence, mode, is_used) in [
        ("others may not write", 0o755, true),
        ("everybody may, but the sticky bit keeps what is not theirs", 0o1777, true),
        ("everybody may", 0o777, false),
        ("the group may", 0o770, false),
    ] {
        let home = tempfile::tempdir().unwrap();
        let store = store(home.path());
        store.save(&everything());
        fs::set_permissions(home.path(), Permissions::from_mode(mode)).unwrap();
        assert_eq!(store.load().is_some(), is_used, "{sentence}");
        fs::remove_file(store.path()).unwrap();
        store.save(&everything());
        assert_eq!(store.path().exists(), is_used, "{sentence}: what would not be read is not written");
    }
}

#[test]
fn a_pipe_in_its_place_is_none_and_does_not_block() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    store.save(&everything());
    fs::remove_file(store.path()).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(store.path()).status().unwrap().success());
    assert_eq!(store.load(), None);
}

#[test]
fn what_belongs_to_another_user_is_none() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    store.save(&everything());
    // Only root may give a file away.
    for path in [store.path(), store.directory.clone()] {
        if std::os::unix::fs::chown(&path, Some(65_534), None).is_ok() {
            assert_eq!(store.load(), None, "{}", path.display());
        }
    }
}

#[test]
fn what_nobody_has_needed_for_a_month_is_removed_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let store = store(home.path());
    fs::create_dir_all(&store.directory).unwrap();
    // By the disk's clock: the program's may be another one.
    let now = File::create(store.directory.join("now")).unwrap().metadata().unwrap().modified().unwrap();
    fs::remove_file(store.directory.join("now")).unwrap();
    let old = now - KEPT_FOR - Duration::from_secs(3600);
    for (name, age) in [("old.glwatch", Some(old)), ("new.glwatch", None), ("old.txt", Some(old))] {
        let file = File::create(store.directory.join(name)).unwrap();
        age.map(|age| file.set_modified(age)).transpose().unwrap();
    }
    store.save(&everything());
    let mut names: Vec<_> = fs::read_dir(&store.directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["key.glwatch", "new.glwatch", "old.txt"]);
}

#[test]
fn fields_count_for_a_day_and_not_from_the_future() {
    let known = |micros| KnownFields { fields: Arc::default(), at: at(micros) };
    let hours = |hours: i64| hours * 3_600_000_000;
    let now = at(hours(100));
    let counts = [100, 77, 76, 124].map(|at| known(hours(at)).count_at(now));
    assert_eq!(counts, [true, true, false, false]);
}

#[test]
fn the_servers_clock_goes_on_as_this_machines_does() {
    let saved = SavedState { at: at(1_000), machine_at: at(9_000), ..everything() };
    let cases = [
        ("at once", 9_000, 1_000),
        ("later", 9_500, 1_500),
        ("this machine's clock was put back", 200, 1_000),
        ("both far apart from each other", 9_000 + 400 * 86_400_000_000, 1_000 + 400 * 86_400_000_000),
    ];
    for (sentence, machine_now, server_now) in cases {
        assert_eq!(saved.server_now(at(machine_now)), at(server_now), "{sentence}");
    }
    let last = SavedState { at: DateTime::<Utc>::MAX_UTC, ..saved };
    assert_eq!(last.server_now(at(10_000)), DateTime::<Utc>::MAX_UTC, "past the last time there is");
}

proptest! {
    #[test]
    fn no_bytes_are_taken_for_a_cache(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(decode(bytes.as_slice(), "key").is_err());
    }

    #[test]
    fn not_one_byte_may_be_another(place in any::<prop::sample::Index>(), change in 1u8..) {
        let mut bytes = bytes(&everything());
        let place = place.index(bytes.len());
        bytes[place] ^= change;
        prop_assert!(decode(bytes.as_slice(), "key").is_err());
    }
}
