use super::*;
use crate::domain::delivery::{DeploymentCourse, IncidentFact};
use crate::domain::fact::FactBatch;
use crate::domain::id::{EnvironmentId, PipelineId};
use crate::domain::status::Status;
use crate::history::place::HistoryPlace;
use crate::history::store::tests::pipeline_fact;
use tempfile::TempDir;

const NOW: UnixSeconds = 1_790_000_000;
const PROJECT: ProjectId = ProjectId(7);

fn memory() -> (TempDir, HistoryStore) {
    let folder = TempDir::new().unwrap();
    let store = HistoryStore::open(&HistoryPlace::in_folder(folder.path(), "https://gitlab.example.com"), NOW).unwrap();
    (folder, store)
}

fn deployment(id: u64, pipeline: Option<u64>, finished_at: UnixSeconds) -> DeploymentFact {
    DeploymentFact {
        project: PROJECT,
        id: DeploymentId(id),
        iid: Some(id),
        environment: EnvironmentId(1),
        environment_name: "production".into(),
        ref_name: Some("main".into()),
        sha: Some(format!("{id:040x}")),
        pipeline: pipeline.map(PipelineId),
        job: None,
        created_at: Some(finished_at - 60),
        course: DeploymentCourse {
            updated_at: Some(finished_at),
            status: Status::Success,
            finished_at: Some(finished_at),
        },
        has_merges: false,
    }
}

fn environment(tier: &str) -> EnvironmentFact {
    let tier = Some(tier.to_owned());
    EnvironmentFact { project: PROJECT, id: EnvironmentId(1), name: "production".into(), tier, seen_at: NOW }
}

fn request(iid: u64) -> MergeRequestFact {
    MergeRequestFact {
        project: PROJECT,
        iid,
        title: "Fix it; DROP TABLE deployment".into(),
        source_branch: Some("hotfix/1".into()),
        labels: vec!["hotfix".into(), "a b".into()],
        merged_at: Some(NOW),
        updated_at: None,
    }
}

fn incident(iid: u64, closed_at: Option<UnixSeconds>) -> IncidentFact {
    IncidentFact { project: PROJECT, iid, title: "Down".into(), created_at: 5, updated_at: Some(6), closed_at }
}

#[test]
fn facts_come_back_as_they_were_and_twice_is_once() {
    let (_folder, mut store) = memory();
    let merges = vec![crate::domain::delivery::DeployedMerge { project: PROJECT, deployment: DeploymentId(1), iid: 3 }];
    let batch = DeliveryBatch {
        environments: vec![environment("production")],
        deployments: vec![deployment(1, Some(11), NOW), deployment(2, None, NOW + 1)],
        merge_requests: vec![request(3)],
        merges,
        incidents: vec![incident(4, None)],
    };
    for _ in 0..2 {
        store.write_deliveries(&batch).unwrap();
        assert_eq!(store.deliveries().unwrap(), batch);
    }
}

#[test]
fn a_project_is_asked_again_where_something_may_be_new() {
    let known = |since: i64, until: i64, changed_at: Option<i64>, has_apart: bool| KnownDeliveries {
        whole: Some(FilledSpan { since: NOW + since, until: NOW + until }),
        changed_at: changed_at.map(|changed| NOW + changed),
        has_apart,
    };
    let never = KnownDeliveries { whole: None, changed_at: None, has_apart: false };
    let cases = [
        ("it was never read", never, true),
        ("nothing has changed since", known(-9000, -60, Some(-8000), false), false),
        ("it has no pipelines", known(-9000, -60, None, false), false),
        ("a pipeline has changed since", known(-9000, -3600, Some(-60), false), true),
        ("or shortly before", known(-9000, -3600, Some(-3700), false), true),
        ("more is wanted", known(-100, -60, None, false), true),
        ("a program deploys it", known(-9000, -60, None, true), true),
        ("it was read more than a week ago", known(-9000 - WEEK, -60 - WEEK, None, false), true),
    ];
    for (sentence, known, expected) in cases {
        assert_eq!(is_due(&known, NOW - 9000, NOW), expected, "{sentence}");
    }
}

#[test]
fn a_deployment_of_no_known_pipeline_is_noticed() {
    let cases = [
        ("of a pipeline that is known", Some(11), false),
        ("of a child pipeline, which no list has", Some(12), true),
        ("of a program", None, true),
    ];
    for (sentence, pipeline, expected) in cases {
        let (_folder, mut store) = memory();
        let pipelines = vec![pipeline_fact(11, Status::Success)];
        store.write(&FactBatch { pipelines, ..FactBatch::default() }, NOW).unwrap();
        let deployments = vec![deployment(1, pipeline, NOW)];
        store.write_deliveries(&DeliveryBatch { deployments, ..DeliveryBatch::default() }).unwrap();
        assert_eq!(store.known_deliveries(PROJECT).unwrap().has_apart, expected, "{sentence}");
    }
}

#[test]
fn merge_requests_are_asked_for_once_and_only_of_production() {
    let span = FilledSpan { since: NOW - 100, until: NOW };
    let failed = |of: DeploymentFact| {
        let course = DeploymentCourse { status: Status::Failed, ..of.course };
        DeploymentFact { course, ..of }
    };
    let cases = [
        ("a success in production", deployment(1, None, NOW - 50), "production", true),
        ("in staging", deployment(1, None, NOW - 50), "staging", false),
        ("one that failed", failed(deployment(1, None, NOW - 50)), "production", false),
        ("before the time that is meant", deployment(1, None, NOW - 101), "production", false),
        ("GitLab may not have linked them yet", deployment(1, None, NOW + 1), "production", false),
    ];
    for (sentence, deployment, tier, expected) in cases {
        let (_folder, mut store) = memory();
        let batch = DeliveryBatch {
            environments: vec![environment(tier)],
            deployments: vec![deployment],
            ..DeliveryBatch::default()
        };
        store.write_deliveries(&batch).unwrap();
        assert_eq!(store.deployments_without_merges(span).unwrap().len(), usize::from(expected), "{sentence}");
        store.write_merges((PROJECT, DeploymentId(1)), &[request(3)]).unwrap();
        // The list of deployments does not know that they were asked for.
        store.write_deliveries(&batch).unwrap();
        assert_eq!(store.deployments_without_merges(span).unwrap(), [], "{sentence}: again");
    }
}

#[test]
fn environments_are_listed_where_one_is_unknown_or_was_listed_long_ago() {
    let (_folder, mut store) = memory();
    assert!(!store.lacks_environments(PROJECT, NOW).unwrap(), "nothing is deployed");
    let deployments = vec![deployment(1, None, NOW)];
    store.write_deliveries(&DeliveryBatch { deployments, ..DeliveryBatch::default() }).unwrap();
    assert!(store.lacks_environments(PROJECT, NOW).unwrap(), "unknown");
    let environments = vec![environment("production")];
    store.write_deliveries(&DeliveryBatch { environments, ..DeliveryBatch::default() }).unwrap();
    assert!(!store.lacks_environments(PROJECT, NOW).unwrap(), "known");
    assert!(store.lacks_environments(PROJECT, NOW + 1).unwrap(), "long ago");
}

#[test]
fn a_list_goes_on_by_time_and_ends() {
    let time = |seconds: i64| DateTime::from_timestamp(NOW + seconds, 0).unwrap();
    let page =
        |last: Option<i64>, has_next: bool| ChangedPage::<()> { facts: vec![], last_change: last.map(time), has_next };
    let list = ChangedList::new(None, NOW - 900, NOW);
    assert_eq!((list.after, list.page), (time(-900), 1));
    type Case<'a> = (&'a str, ChangedPage<()>, Option<(i64, Option<(i64, u32)>)>);
    let cases: [Case<'_>; 4] = [
        ("the last page", page(Some(-10), false), Some((0, None))),
        ("more", page(Some(-10), true), Some((-10, Some((-10, 1))))),
        ("a page of one moment", page(Some(-900), true), Some((-900, Some((-900, 2))))),
        ("more, and no time to go on from", page(None, true), None),
    ];
    for (sentence, page, expected) in cases {
        let found = list
            .next(&page)
            .ok()
            .map(|(known, next)| (known.until - NOW, next.map(|next| (next.after.timestamp() - NOW, next.page))));
        assert_eq!(found, expected, "{sentence}");
    }
    let known = FilledSpan { since: NOW - 9000, until: NOW - 3000 };
    assert_eq!(ChangedList::new(Some(known), NOW - 900, NOW).after, time(-3000 - OVERLAP), "what is new");
    assert_eq!(ChangedList::new(Some(known), NOW - 9900, NOW).after, time(-9900), "more than was read");
}

#[test]
fn what_is_too_old_goes_and_is_read_again_where_it_is_wanted() {
    let (_folder, mut store) = memory();
    let old = deployment(1, None, NOW - 1000);
    let batch = DeliveryBatch {
        environments: vec![environment("production")],
        deployments: vec![old, deployment(2, None, NOW)],
        incidents: vec![incident(4, Some(NOW - 1000)), incident(5, None)],
        ..DeliveryBatch::default()
    };
    store.write_deployments(PROJECT, &batch, FilledSpan { since: NOW - 2000, until: NOW }).unwrap();
    store.write_merges((PROJECT, DeploymentId(1)), &[request(3)]).unwrap();
    let _ = store.prune(NOW - 500).unwrap();
    let left = store.deliveries().unwrap();
    assert_eq!(left.deployments.iter().map(|of| of.id.0).collect::<Vec<_>>(), [2]);
    assert_eq!((left.merges.len(), left.merge_requests.len()), (0, 0));
    assert_eq!(left.incidents.iter().map(|of| of.iid).collect::<Vec<_>>(), [5], "one that is open is not over");
    let whole = store.known_deliveries(PROJECT).unwrap().whole;
    assert_eq!(whole, Some(FilledSpan { since: NOW - 500, until: NOW }));
}
