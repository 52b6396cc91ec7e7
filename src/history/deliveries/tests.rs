use super::*;
use crate::domain::delivery::{DeploymentCourse, EnvironmentFact, IncidentFact, MergeRequestFact};
use crate::domain::fact::FactBatch;
use crate::domain::id::{DeploymentId, EnvironmentId, PipelineId};
use crate::domain::production::ProductionChoice;
use crate::domain::status::Status;
use crate::domain::usage::Api;
use crate::history::delivery_rows::KnownDeliveries;
use crate::history::filled::{FillCursor, FilledPart, FilledSpan};
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
        pipeline_source: None,
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
        target_branch: None,
        merged_sha: None,
        labels: vec!["hotfix".into(), "a b".into()],
        merged_at: Some(NOW),
        updated_at: None,
        first_commit_at: None,
        has_commits: false,
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
        starts: vec![],
    };
    for _ in 0..2 {
        store.write_deliveries(&batch).unwrap();
        assert_eq!(store.deliveries().unwrap(), batch);
    }
}

#[test]
fn a_project_is_asked_again_where_something_may_be_new() {
    let known = |since: i64, until: i64, changed_at: Option<i64>, has_apart: bool| KnownDeliveries {
        listed_at: None,
        has_open: false,
        whole: Some(FilledSpan { since: NOW + since, until: NOW + until }),
        changed_at: changed_at.map(|changed| NOW + changed),
        has_apart,
    };
    let never = KnownDeliveries { whole: None, changed_at: None, has_apart: false, has_open: false, listed_at: None };
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
        ("of a child pipeline that ended before the list begins", Some(13), false),
        ("of a program", None, true),
    ];
    for (sentence, pipeline, expected) in cases {
        let (_folder, mut store) = memory();
        let pipelines = vec![pipeline_fact(11, Status::Success)];
        let whole = Some(FilledSpan { since: NOW - 100, until: NOW });
        let part = FilledPart {
            project: PROJECT,
            facts: FactBatch { pipelines, ..FactBatch::default() },
            cursor: FillCursor { api: Api::Graphql, whole, open: None },
            days: 0..0,
        };
        store.write_filled(&[part], NOW).unwrap();
        let finished_at = if pipeline == Some(13) { NOW - 900 } else { NOW };
        let deployments = vec![deployment(1, pipeline, finished_at)];
        store.write_deliveries(&DeliveryBatch { deployments, ..DeliveryBatch::default() }).unwrap();
        assert_eq!(store.known_deliveries(PROJECT).unwrap().has_apart, expected, "{sentence}");
    }
}

fn wants() -> DeliveryWants {
    let choice = ProductionChoice::default();
    DeliveryWants { choice, merges: (NOW - 100, NOW), starts: true, first_commits: true }
}

/// A success to an environment of its own.
fn elsewhere(id: u64, environment: u64, finished_at: UnixSeconds) -> DeploymentFact {
    let of = deployment(id, None, finished_at);
    DeploymentFact { environment: EnvironmentId(environment), environment_name: format!("eu-{environment}"), ..of }
}

#[test]
fn with_several_production_environments_the_time_before_is_read_too() {
    let named =
        |id: u64| EnvironmentFact { id: EnvironmentId(id), name: format!("eu-{id}"), ..environment("production") };
    let batch =
        |deployments| DeliveryBatch { environments: vec![named(1), named(2)], deployments, ..DeliveryBatch::default() };
    let ids = |deployments: Vec<DeploymentFact>| -> Vec<u64> {
        let open = open_merges(&batch(deployments), &wants(), NOW - 200);
        open.into_iter().map(|(_, id)| id.0).collect()
    };
    let before = NOW - 150;
    assert_eq!(ids(vec![elsewhere(1, 1, before), elsewhere(2, 1, NOW - 50)]), [2], "one environment");
    assert_eq!(ids(vec![elsewhere(1, 1, before), elsewhere(2, 2, NOW - 50)]), [2, 1], "two");
    assert_eq!(ids(vec![elsewhere(1, 1, NOW - 201), elsewhere(2, 2, NOW - 50)]), [2], "longer ago");
}

#[test]
fn what_lies_before_the_first_deployment_is_asked_once() {
    let start = |first_at: UnixSeconds, baseline: Option<u64>| EnvironmentStart {
        project: PROJECT,
        environment_name: "production".into(),
        first_at,
        baseline: baseline.map(DeploymentId),
    };
    type Case<'a> = (&'a str, Vec<UnixSeconds>, Vec<EnvironmentStart>, Vec<u64>);
    let cases: [Case<'_>; 5] = [
        ("the first one lies in the time that is counted", vec![NOW - 50, NOW - 20], vec![], vec![1]),
        ("one lies before it", vec![NOW - 101, NOW - 20], vec![], vec![]),
        ("it was asked: none lies before", vec![NOW - 50], vec![start(NOW - 50, Some(1))], vec![]),
        ("it was asked: one lies before", vec![NOW - 50], vec![start(NOW - 900, None)], vec![]),
        ("more of the past is known by now", vec![NOW - 50], vec![start(NOW - 20, Some(2))], vec![1]),
    ];
    for (sentence, times, starts, expected) in cases {
        let deployments = times.into_iter().zip(1..).map(|(at, id)| deployment(id, None, at)).collect();
        let batch = DeliveryBatch {
            environments: vec![environment("production")],
            deployments,
            starts,
            ..DeliveryBatch::default()
        };
        let open: Vec<u64> = open_starts(&batch, &wants()).into_iter().map(|open| open.first.0).collect();
        assert_eq!(open, expected, "{sentence}");
    }
}

#[test]
fn first_commits_are_asked_for_once() {
    let (_folder, mut store) = memory();
    let deployments = vec![deployment(1, None, NOW - 50)];
    let environments = vec![environment("production")];
    store.write_deliveries(&DeliveryBatch { environments, deployments, ..DeliveryBatch::default() }).unwrap();
    store.write_merges((PROJECT, DeploymentId(1)), &[request(3)]).unwrap();
    let open = |store: &HistoryStore| open_commits(&store.deliveries().unwrap(), &wants());
    assert_eq!(open(&store), [(PROJECT, 3)]);
    store.write_first_commit(PROJECT, 3, Some(NOW - 900)).unwrap();
    assert_eq!(open(&store), []);
    // The list of merge requests does not know it.
    store.write_merges((PROJECT, DeploymentId(1)), &[request(3)]).unwrap();
    assert_eq!(store.deliveries().unwrap().merge_requests[0].first_commit_at, Some(NOW - 900));
}

#[test]
fn merge_requests_are_asked_for_once_and_only_of_production() {
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
        let open = |store: &HistoryStore| open_merges(&store.deliveries().unwrap(), &wants(), NOW - 200).len();
        assert_eq!(open(&store), usize::from(expected), "{sentence}");
        store.write_merges((PROJECT, DeploymentId(1)), &[request(3)]).unwrap();
        // The list of deployments does not know that they were asked for.
        store.write_deliveries(&batch).unwrap();
        assert_eq!(open(&store), 0, "{sentence}: again");
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
    let (old, young) = (NOW - 1100, NOW - 400);
    let merged = |iid, at| MergeRequestFact { merged_at: Some(at), ..request(iid) };
    store.write_merges((PROJECT, DeploymentId(1)), &[merged(3, old)]).unwrap();
    let of_branch =
        DeliveryBatch { merge_requests: vec![merged(6, old), merged(7, young)], ..DeliveryBatch::default() };
    store.write_merged(PROJECT, &of_branch, FilledSpan { since: NOW - 2000, until: NOW }).unwrap();
    let _ = store.prune(NOW - 500).unwrap();
    let left = store.deliveries().unwrap();
    assert_eq!(left.deployments.iter().map(|of| of.id.0).collect::<Vec<_>>(), [2]);
    assert_eq!(left.merges.len(), 0);
    assert_eq!(left.merge_requests.iter().map(|of| of.iid).collect::<Vec<_>>(), [7], "none that is old");
    assert_eq!(store.known_merged(PROJECT).unwrap(), Some(FilledSpan { since: NOW - 500, until: NOW }));
    assert_eq!(left.incidents.iter().map(|of| of.iid).collect::<Vec<_>>(), [5], "one that is open is not over");
    let whole = store.known_deliveries(PROJECT).unwrap().whole;
    assert_eq!(whole, Some(FilledSpan { since: NOW - 500, until: NOW }));
}
