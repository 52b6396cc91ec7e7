//! The outputs, as they are written for two projects and two days.

use super::*;
use crate::domain::fact::{PipelineCourse, PipelineFact};
use crate::domain::id::{JobId, PipelineId};
use crate::domain::job::JobKind;
use crate::domain::pipeline::RefKind;
use crate::domain::runs::{AttemptEnd, CoveredDay, JobAttempt, NameTable, ProjectRuns};
use crate::domain::selection::RefSelector;
use crate::domain::status::Status;

const DAY: i64 = 24 * 3600;
/// 2026-11-20, 00:00 UTC.
const START: i64 = 1_795_132_800;

fn runs(id: u64, full_path: &str) -> ProjectRuns {
    let project = Project {
        id: ProjectId(id),
        name: full_path.into(),
        full_path: full_path.into(),
        ancestor_names: vec![],
        web_url: None,
        default_branch: Some("main".into()),
        ci_enabled: None,
    };
    let days = (-2..2).map(|day| CoveredDay { day: START / DAY + day, is_whole: id == 1 });
    ProjectRuns {
        project,
        names: NameTable::default(),
        pipelines: vec![],
        attempts: vec![],
        tests: vec![],
        days: days.collect(),
        filled_until: None,
    }
}

/// Adds a pipeline that was created so many seconds after the start, with one attempt at `e2e` for each end.
fn add(runs: &mut ProjectRuns, id: u64, at: i64, seconds: i64, ends: &[AttemptEnd]) {
    let status = if ends.last() == Some(&AttemptEnd::Success) { Status::Success } else { Status::Failed };
    let created = START + at;
    runs.pipelines.push(PipelineFact {
        project: runs.project.id,
        id: PipelineId(id),
        iid: None,
        ref_name: "main".into(),
        ref_kind: RefKind::Branch,
        sha: Some(id.to_string()),
        source: Some("push".into()),
        author: Some("ada".into()),
        commit_title: None,
        created_at: Some(created),
        course: PipelineCourse {
            updated_at: None,
            status,
            started_at: Some(created + 5),
            finished_at: Some(created + 5 + seconds),
            duration: Some(seconds.unsigned_abs()),
            queued: Some(5),
        },
    });
    let part = seconds / ends.len() as i64;
    for (nth, end) in (0..).zip(ends) {
        runs.attempts.push(JobAttempt {
            id: JobId(id * 10 + nth),
            pipeline: PipelineId(id),
            name: runs.names.id("e2e | chrome"),
            stage: runs.names.id("test"),
            tags: runs.names.id("gpu"),
            reason: (*end == AttemptEnd::Failed).then(|| runs.names.id("script_failure")),
            kind: JobKind::Job,
            end: *end,
            allow_failure: false,
            started_at: Some(created + 5 + part * nth.cast_signed()),
            finished_at: Some(created + 5 + part * (nth.cast_signed() + 1)),
            duration: Some(part.unsigned_abs()),
            queued: Some(3),
        });
    }
}

fn example(form: &str, by: StatsBy, charset: Charset) -> String {
    let mut api = runs(1, "acme/api");
    add(&mut api, 1, -DAY, 300, &[AttemptEnd::Success]);
    add(&mut api, 2, 600, 1200, &[AttemptEnd::Failed, AttemptEnd::Success]);
    add(&mut api, 3, 3600, 400, &[AttemptEnd::Failed]);
    add(&mut api, 4, DAY + 60, 500, &[AttemptEnd::Success]);
    let web = runs(2, "acme/web");
    let plan = StatsPlan::new(TimeWindow { from: START, to: START + 2 * DAY }, by, vec![RefSelector::Any]);
    let study = StatsStudy::new([api, web].iter().map(|runs| study_project(runs, &plan)).collect(), &plan);
    let paths = [(ProjectId(1), "acme/api".to_owned()), (ProjectId(2), "acme/web".to_owned())].into();
    let rates = CostRates { price_per_minute: 0.1, factors: [("gpu".to_owned(), 3.0)].into() };
    let options = StatsOptions {
        plan: &plan,
        now: START + 2 * DAY,
        host: "https://gitlab.example.com",
        rates: Some(&rates),
        top: 5,
        paths: &paths,
    };
    let document = StatsDocument::new(&study, &options);
    String::from_utf8(written(form, &document, &study, charset).unwrap()).unwrap()
}

#[test]
fn a_table_has_four_sections_and_a_row_for_each_project() {
    insta::assert_snapshot!(example("table", StatsBy::Project, Charset::Unicode), @r###"
    https://gitlab.example.com: 2 projects, 2026-11-20 00:00:00Z to 2026-11-22 00:00:00Z, refs: any
    note: the numbers rest on gaps in 1 of 2 projects: of 4 days of projects 0 were not read, and 2 only now and then; glwatch history fill --since 2d reads them
    note: the window before, with which they are compared, has gaps, too

    Accuracy
      success rate        66.7 % (2 of 3); before: 100.0 %
      success by day      ▅█
      pipelines by day    █▅
      flaky jobs          1: at least 0.2 h in 1 failure; before: 0.0 h
      never run again     1 failure: flaky or not is unknown
      green jobs rerun    0 (0 min)
      flakiest jobs:
        acme/api  e2e | chrome  0.2 h  1 failure  1 never run again

    Promptness
      pipelines           p50 8m 20s, p95 18m 50s; before: 5m
      pipelines in queue  p50 5s, p95 5s; before: 5s
      jobs in queue       p50 3s, p95 3s
      under ten minutes   66.7 %; before: 100.0 %
      critical path       p50 8m 23s, p95 18m 53s; 0.4 % of it waiting
            < 1m  0
            < 2m  0
            < 5m  0
           < 10m  ████████████████████████████████████████ 2
           < 20m  0
           < 30m  ████████████████████ 1
            < 1h  0
            < 2h  0
            < 4h  0
           >= 4h  0
      on the critical path:
        acme/api  e2e | chrome  in 3 pipelines  35 min  waited 0 min
      slowest stages:
        acme/api  test  p50 14m 10s  p95 19m 25s  2 runs
      slowest jobs:
        acme/api  e2e | chrome  p50 9m 10s  p95 9m 55s  2 runs

    Cost
      job minutes         35, summed over jobs; price 10.50; before: 5
      wall-clock minutes  35, summed over pipelines
      minutes for nothing superseded 0, canceled 0, run again 10; price 3.00; before: 0

    Actionability
      failures            0.0 % of 2 failures with a failing test or a known reason
      was it me           flaky 100.0 %
      time to green       p50 23h 02m, p95 23h 02m; 0 refs still red

    project     pipelines  success  trend  p50     p95      queue p50  < 10 min  job min  for nothing  flaky h >=  explained  yours  to green
    acme/api    3          66.7 %   -33.3  8m 20s  18m 50s  5s         66.7 %    35       10           0.2         0.0 %      0.0 %  23h 02m
    acme/web *  0          -        -      -       -        -          -         -        -            -           -          -      -
    * rests on gaps: not all of this time was read
    "###);
}

#[test]
fn ascii_draws_the_same_without_other_characters() {
    let text = example("table", StatsBy::Week, Charset::Ascii);
    assert!(text.is_ascii() && text.contains("2026-11-16") && text.contains("# 1\n"), "{text}");
}

#[test]
fn markdown_is_tables() {
    insta::assert_snapshot!(example("markdown", StatsBy::Project, Charset::Unicode), @r###"
    **CI of 2 projects**, 2026-11-20T00:00:00Z to 2026-11-22T00:00:00Z

    - the numbers rest on gaps in 1 of 2 projects: of 4 days of projects 0 were not read, and 2 only now and then; glwatch history fill --since 2d reads them
    - the window before, with which they are compared, has gaps, too

    | criterion | measure | value | before |
    |---|---|---|---|
    | Accuracy | success rate | 66.7 % | 100.0 % |
    | Accuracy | flaky jobs | 1 |  |
    | Accuracy | lost to flaky jobs, at least | 0.2 h | 0.0 h |
    | Accuracy | failures never run again | 1 |  |
    | Accuracy | green jobs run again | 0 |  |
    | Promptness | duration | p50 8m 20s, p95 18m 50s | 5m |
    | Promptness | queue | p50 5s, p95 5s | 5s |
    | Promptness | jobs in queue | p50 3s, p95 3s |  |
    | Promptness | under ten minutes | 66.7 % | 100.0 % |
    | Promptness | critical path | p50 8m 23s, p95 18m 53s |  |
    | Cost | job minutes, summed | 35 | 5 |
    | Cost | wall-clock minutes | 35 |  |
    | Cost | superseded minutes | 0 |  |
    | Cost | canceled minutes | 0 |  |
    | Cost | minutes run again | 10 |  |
    | Cost | price | 10.50 |  |
    | Actionability | failures explained | 0.0 % |  |
    | Actionability | was it me: flaky | 100.0 % |  |
    | Actionability | time to green | p50 23h 02m, p95 23h 02m |  |
    | Actionability | still red | 0 |  |

    | project | flaky job | hours, at least | failures | never run again |
    |---|---|---|---|---|
    | acme/api | e2e &#124; chrome | 0.2 h | 1 | 1 |

    | project | slow job | p50 | p95 | runs |
    |---|---|---|---|---|
    | acme/api | e2e &#124; chrome | 9m 10s | 9m 55s | 2 |

    | project | pipelines | success | duration | job minutes | explained | time to green |
    |---|---|---|---|---|---|---|
    | acme/api | 3 | 66.7 % | p50 8m 20s, p95 18m 50s | 35 | 0.0 % | p50 23h 02m, p95 23h 02m |
    | acme/web \* | 0 | no data | no data | no data | no data | no data |

    \* rests on gaps: not all of this time was read
    "###);
}

#[test]
fn csv_is_a_row_for_everything_and_one_for_each_project() {
    insta::assert_snapshot!(example("csv", StatsBy::Subgroup, Charset::Unicode), @r###"
    scope,name,project_id,projects,days_missing,days_with_gaps,pipelines,success,success_with_warnings,failed,canceled,success_rate,flaky_jobs,flaky_failures,flaky_hours_at_least,failures_never_rerun,green_reruns,green_rerun_minutes,duration_p50_s,duration_p95_s,queued_p50_s,queued_p95_s,job_queued_p50_s,job_queued_p95_s,under_ten_minutes,critical_path_p50_s,critical_path_p95_s,critical_path_waiting,job_minutes,wall_minutes,superseded_minutes,canceled_minutes,retried_minutes,price,wasted_price,failures,explained_share,infrastructure,already_broken,everywhere,flaky,yours,unknown,time_to_green_p50_s,time_to_green_p95_s,still_red,success_rate_before,duration_p50_s_before,job_minutes_before
    pooled,all projects,,2,0,2,3,2,0,1,0,0.6666666666666666,1,1,0.16666666666666666,1,0,0.0,500.0,1130.0,5.0,5.0,3.0,3.0,0.6666666666666666,503.0,1133.0,0.004267425320056899,35.0,35.0,0.0,0.0,10.0,10.5,3.0,2,0.0,0,0,0,2,0,0,82960.0,82960.0,0,1.0,300.0,5.0
    subgroup,acme,,2,0,2,3,2,0,1,0,0.6666666666666666,1,1,0.16666666666666666,1,0,0.0,500.0,1130.0,5.0,5.0,3.0,3.0,0.6666666666666666,503.0,1133.0,0.004267425320056899,35.0,35.0,0.0,0.0,10.0,10.5,3.0,2,0.0,0,0,0,2,0,0,82960.0,82960.0,0,1.0,300.0,5.0
    "###);
}

#[test]
fn openmetrics_has_our_names_and_those_of_opentelemetry() {
    let text = example("openmetrics", StatsBy::Project, Charset::Unicode);
    let told = ["success_ratio", "stats_price", "stats_complete", "cicd_", "# EOF"];
    let is_told = |line: &&str| told.iter().any(|word| line.contains(word)) && !line.contains("_bucket");
    let lines: Vec<&str> = text.lines().filter(|line| is_told(line) || line.contains("le=\"600.0\"")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r###"
    # TYPE glwatch_stats_success_ratio gauge
    # UNIT glwatch_stats_success_ratio ratio
    # HELP glwatch_stats_success_ratio Pipelines that passed, of those that passed or failed.
    glwatch_stats_success_ratio{scope="pooled"} 0.6666666666666666
    glwatch_stats_success_ratio{scope="project",name="acme/api",project_id="1"} 0.6666666666666666
    # TYPE glwatch_stats_price gauge
    # HELP glwatch_stats_price Of all job time, in the currency of the configuration.
    glwatch_stats_price{scope="pooled"} 10.5
    glwatch_stats_price{scope="project",name="acme/api",project_id="1"} 10.5
    # TYPE glwatch_stats_complete gauge
    # HELP glwatch_stats_complete Whether all of the window is known: 1 or 0.
    glwatch_stats_complete{scope="pooled"} 0
    glwatch_stats_complete{scope="project",name="acme/api",project_id="1"} 1
    glwatch_stats_complete{scope="project",name="acme/web",project_id="2"} 0
    # TYPE cicd_pipeline_run_duration_seconds histogram
    # UNIT cicd_pipeline_run_duration_seconds seconds
    # HELP cicd_pipeline_run_duration_seconds Duration of pipelines of the window by project, state and result.
    cicd_pipeline_run_duration_seconds_bucket{cicd_pipeline_name="acme/api",cicd_pipeline_run_state="executing",cicd_pipeline_result="success",le="600.0"} 1
    cicd_pipeline_run_duration_seconds_sum{cicd_pipeline_name="acme/api",cicd_pipeline_run_state="executing",cicd_pipeline_result="success"} 1700
    cicd_pipeline_run_duration_seconds_count{cicd_pipeline_name="acme/api",cicd_pipeline_run_state="executing",cicd_pipeline_result="success"} 2
    cicd_pipeline_run_duration_seconds_bucket{cicd_pipeline_name="acme/api",cicd_pipeline_run_state="executing",cicd_pipeline_result="failure",le="600.0"} 1
    cicd_pipeline_run_duration_seconds_sum{cicd_pipeline_name="acme/api",cicd_pipeline_run_state="executing",cicd_pipeline_result="failure"} 400
    cicd_pipeline_run_duration_seconds_count{cicd_pipeline_name="acme/api",cicd_pipeline_run_state="executing",cicd_pipeline_result="failure"} 1
    cicd_pipeline_run_duration_seconds_bucket{cicd_pipeline_name="acme/api",cicd_pipeline_run_state="pending",le="600.0"} 3
    cicd_pipeline_run_duration_seconds_sum{cicd_pipeline_name="acme/api",cicd_pipeline_run_state="pending"} 15
    cicd_pipeline_run_duration_seconds_count{cicd_pipeline_name="acme/api",cicd_pipeline_run_state="pending"} 3
    # TYPE cicd_pipeline_run_errors counter
    # HELP cicd_pipeline_run_errors Pipelines of the window that failed.
    cicd_pipeline_run_errors_total{cicd_pipeline_name="acme/api",error_type="failed"} 1
    # EOF
    "###);
}

#[test]
fn the_contract_key_by_key() {
    let document: serde_json::Value =
        serde_json::from_str(&example("json", StatsBy::Subgroup, Charset::Unicode)).unwrap();
    let keys = |path: &str| {
        let fields = document.pointer(path).and_then(serde_json::Value::as_object).unwrap();
        fields.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("", "by generated_at groups host notes pooled price_per_minute refs schema since until"),
        ("/groups/0", "accuracy actionability cost coverage days name project_id projects promptness trend"),
        ("/pooled/coverage", "complete days days_missing days_with_gaps projects_with_gaps"),
        (
            "/pooled/accuracy",
            "canceled failed failures_never_rerun flakiest_jobs flaky_failures flaky_hours_at_least flaky_jobs \
             green_rerun_minutes green_reruns pipelines success success_rate success_with_warnings",
        ),
        ("/pooled/accuracy/flakiest_jobs/0", "failures hours_at_least job never_rerun project"),
        (
            "/pooled/promptness",
            "critical_jobs critical_path_s critical_path_waiting duration_s histogram job_queued_s queued_s \
             slowest_jobs slowest_stages under_ten_minutes",
        ),
        ("/pooled/promptness/duration_s", "count p50 p95"),
        ("/pooled/promptness/critical_jobs/0", "job pipelines project run_minutes wait_minutes"),
        (
            "/pooled/cost",
            "canceled_minutes job_minutes jobs_without_time price retried_minutes superseded_minutes \
             superseded_pipelines wall_minutes wasted_price",
        ),
        ("/pooled/actionability", "explained explained_share failures origins still_red time_to_green_s"),
        ("/pooled/actionability/origins", "already_broken everywhere flaky infrastructure unknown yours"),
        ("/pooled/trend/success_rate", "before change"),
        ("/pooled/days/0", "day failed pipelines success"),
    ];
    for (path, expected) in cases {
        assert_eq!(keys(path), expected, "{path}");
    }
}
