use super::*;
use crate::domain::evidence::JobDetails;
use crate::domain::id::{JobId, PipelineId, ProjectId};
use crate::domain::job::Job;
use crate::domain::past::{BaseRun, RedStretch};

const HOUR: i64 = 3600;
const NOW: i64 = 1_790_000_000;

fn failed(reason: &str) -> JobEvidence {
    let job = Job {
        id: JobId(1),
        name: "unit".into(),
        stage: "test".into(),
        kind: JobKind::Job,
        status: Status::Failed,
        allow_failure: false,
        attempts: None,
        earlier: Vec::new(),
        started_at: None,
        finished_at: None,
        duration: None,
        failure_reason: Some(reason.into()),
        web_url: None,
        description: None,
        downstream_id: None,
    };
    JobEvidence { job, details: JobDetails::default(), earlier: vec![], log: None, past: None }
}

fn base(job: Option<Status>) -> Option<BaseRun> {
    let first = RedStretch {
        first: PipelineId(8101),
        since: Some(NOW - 2 * HOUR),
        sha: None,
        author: None,
        commit_title: None,
        last_green: Some(PipelineId(8100)),
    };
    let since = (job == Some(Status::Failed)).then_some(first);
    Some(BaseRun { branch: "main".into(), pipeline: PipelineId(8105), job, since })
}

/// Attempts one after the other: the commit's letter, `+` for a pass and `-` for a failure.
fn runs(text: &str) -> Vec<JobRun> {
    let run = |(at, run): (usize, &str)| JobRun {
        id: JobId(at as u64),
        pipeline: PipelineId(100 + at as u64),
        sha: run.chars().next().filter(|letter| *letter != '?').map(|letter| letter.to_string().into()),
        status: if run.ends_with('+') { Status::Success } else { Status::Failed },
        finished_at: NOW - 1000 + at as i64,
    };
    text.split_whitespace().enumerate().map(run).collect()
}

fn elsewhere(places: usize) -> Vec<SameFailure> {
    let place = |n: usize| SameFailure {
        project: ProjectId(n as u64),
        project_path: Some(format!("acme/p{n}")),
        ref_name: "main".into(),
        pipeline: PipelineId(n as u64),
        finished_at: NOW,
        test: Some("a::b".into()),
    };
    (0..places).map(place).collect()
}

const PASSES: &str = "a+ b+ c+ d+ e+";

#[test]
fn the_first_that_holds_is_the_answer() {
    use FailureOrigin::{AlreadyBroken, Everywhere, Flaky, Infrastructure, Unknown, Yours};
    let past = |base, elsewhere_in, runs_as: &str| JobPast {
        base,
        runs: runs(runs_as),
        elsewhere: elsewhere(elsewhere_in),
        usual: None,
    };
    let green = || base(Some(Status::Success));
    let red = || base(Some(Status::Failed));
    let script = "script_failure";
    let cases = [
        ("it passed where it began, and passes are known", script, past(green(), 0, PASSES), Yours),
        ("nothing is remembered", script, past(None, 0, ""), Unknown),
        ("the default branch is not remembered", script, past(None, 0, PASSES), Unknown),
        ("the default branch does not run it", script, past(base(None), 0, PASSES), Unknown),
        ("too few passes to rule a flaky job out", script, past(green(), 0, "a+ b+ c+ d+"), Unknown),
        ("the runner failed", "runner_system_failure", past(green(), 0, PASSES), Infrastructure),
        ("the runner failed, and nothing is remembered", "runner_system_failure", past(None, 0, ""), Infrastructure),
        ("infrastructure before all else", "runner_system_failure", past(red(), 9, "a+ a-"), Infrastructure),
        ("a timeout may be the script's", "job_execution_timeout", past(green(), 0, PASSES), Yours),
        ("a word of tomorrow is no infrastructure", "moon_in_the_way", past(green(), 0, PASSES), Yours),
        ("red where it began", script, past(red(), 0, ""), AlreadyBroken),
        ("red where it began, before everywhere and flaky", script, past(red(), 9, "a+ a-"), AlreadyBroken),
        ("the same in two places", script, past(green(), 2, PASSES), Everywhere),
        ("the same in one place is no proof", script, past(green(), 1, PASSES), Yours),
        ("everywhere before flaky", script, past(green(), 2, "a- a+"), Everywhere),
        ("failed and passed on one commit", script, past(green(), 0, "a- a+"), Flaky),
        ("passed and then failed on one commit", script, past(green(), 0, "a+ a-"), Flaky),
        ("flaky, and nothing of the default branch", script, past(None, 0, "a- b+ a+"), Flaky),
        ("cleared by five passes", script, past(green(), 0, "a- a+ b+ c+ d+ e+"), Yours),
        ("four passes do not clear it", script, past(green(), 0, "a- a+ b+ c+ d+"), Flaky),
        ("a failure between passes does not clear it", script, past(green(), 0, "a- a+ b+ c- d+ e+ f+"), Flaky),
        ("flaky again after it was cleared", script, past(green(), 0, "a- a+ b+ c+ d+ e+ f- f+"), Flaky),
        ("both verdicts, but on two commits", script, past(green(), 0, "a- b+ c- d+ e- f+ g+ h+"), Yours),
        ("commits that are not known are not one", script, past(green(), 0, "?- ?+ ?+ ?+ ?+ ?+"), Yours),
    ];
    for (sentence, reason, past, expected) in cases {
        let found = attribute(&JobEvidence { past: Some(past), ..failed(reason) }, at(NOW));
        assert_eq!(found.origin, expected, "{sentence}: {}", found.sentence);
        assert!(!found.evidence.is_empty(), "{sentence}: the evidence is not named");
    }
}

#[test]
fn the_sentence_names_the_evidence() {
    let past = |base, runs_as: &str| JobPast { base, runs: runs(runs_as), ..JobPast::default() };
    let everywhere = |places| JobPast { elsewhere: elsewhere(places), ..JobPast::default() };
    let cases = [
        (past(base(Some(Status::Failed)), ""), "not yours: also failed on `main` in #8105, red since #8101 (2h)"),
        (past(None, "a- a+"), "perhaps not yours: the job is flaky, commit `a` failed in #100 and passed in #101"),
        (everywhere(2), "not yours: the same failure in `acme/p0 main` and 1 other place"),
        (everywhere(4), "not yours: the same failure in `acme/p0 main` and 3 other places"),
        (past(base(Some(Status::Success)), PASSES), "yours: it passed on `main` in #8105"),
        (
            past(base(Some(Status::Success)), "a+"),
            "yours or not is unknown: only 1 of the 5 passes that would rule out a flaky job are remembered",
        ),
    ];
    for (past, expected) in cases {
        assert_eq!(
            attribute(&JobEvidence { past: Some(past), ..failed("script_failure") }, at(NOW)).sentence.to_string(),
            expected
        );
    }
    let runner = attribute(&failed("runner_system_failure"), at(NOW));
    assert_eq!(runner.sentence.to_string(), "not yours: the runner failed, not the script");
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

#[test]
fn a_failure_that_was_never_run_again_is_no_sign_that_the_job_is_stable() {
    type Case<'a> = (&'a str, &'a [(u64, u64, bool)], (usize, usize));
    let cases: [Case<'_>; 6] = [
        ("nothing is known", &[], (0, 0)),
        ("one that was not run again", &[(1, 10, false)], (1, 1)),
        ("one that passed when it was run again", &[(1, 10, false), (1, 11, true)], (1, 0)),
        ("one that failed twice: the second was not run again", &[(1, 10, false), (1, 11, false)], (2, 1)),
        ("a pass in another pipeline is no rerun", &[(1, 10, false), (2, 20, true)], (1, 1)),
        ("whatever the order in which they ended", &[(1, 11, true), (1, 10, false), (2, 20, false)], (2, 1)),
    ];
    for (sentence, attempts, expected) in cases {
        let run = |&(pipeline, id, is_pass): &(u64, u64, bool)| JobRun {
            id: JobId(id),
            pipeline: PipelineId(pipeline),
            sha: None,
            status: if is_pass { Status::Success } else { Status::Failed },
            finished_at: NOW,
        };
        let past = JobPast { runs: attempts.iter().map(run).collect(), ..JobPast::default() };
        assert_eq!(past.failures_and_never_rerun(), expected, "{sentence}");
        let (failures, never_rerun) = expected;
        let evidence = attribute(&JobEvidence { past: Some(past), ..failed("script_failure") }, at(NOW)).evidence;
        let named = OriginEvidence::NeverRerun { failures, never_rerun };
        assert!(evidence.contains(&named), "{sentence}: {evidence:?}");
    }
}
