use super::*;
use crate::domain::fact::PipelineCourse;
use crate::domain::id::ProjectId;

/// Begin of what is known.
const SINCE: UnixSeconds = 1_000;

/// A push to `main` whose commit has its number.
fn pipeline(id: u64, status: &str, (created, finished): (i64, i64)) -> PipelineFact {
    PipelineFact {
        project: ProjectId(1),
        id: PipelineId(id),
        iid: None,
        ref_name: "main".into(),
        ref_kind: RefKind::Branch,
        sha: Some(format!("c{id}")),
        source: Some("push".into()),
        author: None,
        commit_title: None,
        created_at: Some(created),
        course: PipelineCourse {
            updated_at: Some(finished),
            status: Status::from_gitlab(status),
            started_at: None,
            finished_at: Some(finished),
            duration: None,
            queued: None,
        },
    }
}

fn merged(sha: Option<&str>, at: Option<UnixSeconds>) -> MergeRequestFact {
    MergeRequestFact {
        project: ProjectId(1),
        iid: 5,
        title: "Pay by card".into(),
        source_branch: None,
        target_branch: Some("main".into()),
        merged_sha: sha.map(Into::into),
        labels: Vec::new(),
        merged_at: at,
        updated_at: at,
        first_commit_at: None,
        has_commits: false,
    }
}

/// Returns the pipelines that brought the merge request.
fn bringing(pipelines: &[PipelineFact], request: &MergeRequestFact) -> Vec<u64> {
    let facts = StandInFacts { pipelines, since: SINCE, default_branch: "main", merged: &[request] };
    stand_ins(facts).into_iter().filter(|event| !event.merges.is_empty()).map(|event| event.id).collect()
}

#[test]
fn a_merge_request_counts_at_the_first_success_that_has_it() {
    let good = |id, times| pipeline(id, "success", times);
    let three = || vec![good(1, (2_000, 2_100)), good(2, (3_000, 3_100)), good(3, (4_000, 4_100))];
    let with = |at: usize, change: &dyn Fn(&mut PipelineFact)| {
        let mut pipelines = three();
        change(&mut pipelines[at]);
        pipelines
    };
    let status = |status: Status| move |fact: &mut PipelineFact| fact.course.status = status.clone();
    let at_two = || merged(Some("c2"), Some(2_990));
    let cases: Vec<(&str, Vec<PipelineFact>, MergeRequestFact, &[u64])> = vec![
        ("the pipeline of its commit", three(), at_two(), &[2]),
        ("the time of the merge is a little later than its pipeline", three(), merged(Some("c2"), Some(3_005)), &[2]),
        ("the pipeline of its commit failed", with(1, &status(Status::Failed)), at_two(), &[3]),
        ("the pipeline of its commit was canceled", with(1, &status(Status::Canceled)), at_two(), &[3]),
        ("the pipeline of its commit has a warning", with(1, &status(Status::Warning)), at_two(), &[2]),
        ("its commit is not known", three(), merged(None, Some(2_990)), &[2]),
        ("its commit had no pipeline", three(), merged(Some("other"), Some(2_990)), &[2]),
        ("made in the second of the merge", three(), merged(None, Some(3_000)), &[2]),
        ("nothing was made after the merge", three(), merged(None, Some(4_001)), &[]),
        ("nothing that has it has passed", with(2, &status(Status::Running)), merged(Some("c3"), Some(3_990)), &[]),
        ("neither commit nor time are known", three(), merged(None, None), &[]),
        ("the time is not known", three(), merged(Some("c2"), None), &[2]),
        ("it is older than what is known", three(), merged(Some("other"), Some(999)), &[]),
        ("an empty commit is none", with(1, &|of| of.sha = Some(String::new())), merged(Some(""), Some(3_500)), &[3]),
        (
            "an older pipeline that ends later does not have it",
            with(0, &|of| of.course.finished_at = Some(9_000)),
            at_two(),
            &[2],
        ),
        (
            "a later pipeline that ends first brings it",
            with(1, &|of| of.course.finished_at = Some(9_000)),
            at_two(),
            &[3],
        ),
        (
            "a schedule of its commit is no deployment, the next push is",
            with(1, &|of| of.source = Some("schedule".into())),
            at_two(),
            &[3],
        ),
        (
            "a tag of its commit is not of the branch",
            with(1, &|of| of.ref_kind = RefKind::Tag),
            merged(Some("c2"), Some(3_990)),
            &[3],
        ),
        ("into another branch", three(), MergeRequestFact { target_branch: Some("stable".into()), ..at_two() }, &[]),
        ("no one says into which branch", three(), MergeRequestFact { target_branch: None, ..at_two() }, &[]),
    ];
    for (sentence, pipelines, request, expected) in cases {
        assert_eq!(bringing(&pipelines, &request), expected, "{sentence}");
        let backwards: Vec<PipelineFact> = pipelines.into_iter().rev().collect();
        assert_eq!(bringing(&backwards, &request), expected, "{sentence}, in another order");
    }
}
