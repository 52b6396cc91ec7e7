//! One job of a template, written as a line: `unit tests | 90s | allow_failure | flaky`.

use super::report::{TestSpec, parse_tests};
use super::scenario::parse_span;
use super::status::StatusWord;
use super::trace::{LogKind, parse_kind};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JobSpec {
    pub(crate) stage: String,
    pub(crate) name: String,
    pub(crate) ms: i64,
    pub(crate) fate: JobOutcome,
    pub(crate) allow_failure: bool,
    pub(crate) start: StartRule,
    /// Runs although an earlier stage failed (`when: always`).
    pub(crate) always: bool,
    /// How long after a failure a user presses retry; `None` is `retry:` in the file, at once.
    pub(crate) retry_after: Option<i64>,
    pub(crate) coverage: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) downstream: Option<DownstreamSpec>,
    /// What its log looks like; by default its name and its failure tell.
    pub(crate) log: Option<LogKind>,
    /// Its log has the time before each line (FF_TIMESTAMPS).
    pub(crate) timestamps: bool,
    /// A user erased its log.
    pub(crate) erased: bool,
    pub(crate) tests: Option<TestSpec>,
    pub(crate) tags: Vec<String>,
    /// No runner has its tags.
    pub(crate) stuck: bool,
    /// How long it waits for its resource group.
    pub(crate) waits: Option<i64>,
    /// The jobs that it starts after (`needs:`); `None` where it waits for the stages before it.
    pub(crate) needs: Option<Vec<String>>,
    /// Takes no more and no less than it says.
    pub(crate) exact: bool,
    /// Set by another system: a commit status with this description, no job.
    pub(crate) external: Option<String>,
    /// Passes when a person retries it.
    pub(crate) heals: bool,
    /// The test that fails, where it is not one of the usual ones.
    pub(crate) broken_test: Option<String>,
}

/// Why a job failed that no runner ever took (`app/models/concerns/enums/ci/commit_status.rb`); all others ran.
pub(crate) fn ran(reason: &str) -> bool {
    const RAN: [&str; 7] = [
        "unknown_failure",
        "script_failure",
        "api_failure",
        "runner_system_failure",
        "job_execution_timeout",
        "trace_size_exceeded",
        "data_integrity_failure",
    ];
    RAN.contains(&reason)
}

/// How a job ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum JobOutcome {
    Succeeds,
    /// Fails in each of so many attempts.
    Fails(u32),
    /// Fails in all but the last of so many attempts.
    Flaky(u32),
    Canceled,
    /// Reaches a status and stays there.
    Stays(StatusWord),
}

/// What starts a job once its stage is due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum StartRule {
    Runner,
    /// Waits for a person; `Some` says after how long that person comes.
    Manual(Option<i64>),
    Delayed(i64),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DownstreamSpec {
    /// Full path of another project; `None` is a child pipeline.
    pub(crate) project: Option<String>,
    pub(crate) template: String,
    /// `strategy: depend`: the bridge waits and mirrors.
    pub(crate) depend: bool,
}

/// Reads `[stage, job, job, ...]` rows into jobs, `.pre` first and `.post` last.
pub(crate) fn parse_stages(stages: &[Vec<String>]) -> Result<Vec<JobSpec>, String> {
    let mut jobs = Vec::new();
    for row in stages {
        let (stage, lines) = row.split_first().ok_or("a stage needs a name")?;
        for line in lines {
            jobs.extend(parse_job(stage, line)?);
        }
    }
    jobs.sort_by_key(|job| match job.stage.as_str() {
        ".pre" => 0,
        ".post" => 2,
        _ => 1,
    });
    Ok(jobs)
}

/// Reads one job line; `| x 120` makes a matrix out of it.
fn parse_job(stage: &str, line: &str) -> Result<Vec<JobSpec>, String> {
    let (name, rest) = line.split_once(" | ").unwrap_or((line, "30s"));
    let mut job = JobSpec {
        stage: stage.to_owned(),
        name: name.to_owned(),
        ms: 30_000,
        fate: JobOutcome::Succeeds,
        allow_failure: false,
        start: StartRule::Runner,
        always: false,
        retry_after: None,
        coverage: None,
        reason: None,
        downstream: None,
        log: None,
        timestamps: false,
        erased: false,
        tests: None,
        tags: vec!["docker".to_owned()],
        stuck: false,
        waits: None,
        needs: None,
        exact: false,
        external: None,
        heals: false,
        broken_test: None,
    };
    let (copies, rest): (Vec<&str>, Vec<&str>) = rest.split(" | ").partition(|flag| flag.starts_with("x "));
    job.add_flags(&rest.join(" | "))?;
    let Some(copies) = copies.first() else { return Ok(vec![job]) };
    let count: usize = copies[2..].parse().map_err(|_| format!("\"{copies}\" is not a number of jobs"))?;
    Ok((1..=count).map(|i| JobSpec { name: format!("{name}: [{i}/{count}]"), ..job.clone() }).collect())
}

impl JobSpec {
    /// Adds flags separated by ` | `.
    pub(crate) fn add_flags(&mut self, flags: &str) -> Result<(), String> {
        flags.split(" | ").filter(|flag| !flag.is_empty()).try_for_each(|flag| self.add_flag(flag.trim()))
    }

    fn add_flag(&mut self, flag: &str) -> Result<(), String> {
        let (word, value) = flag.split_once(' ').unwrap_or((flag, ""));
        match word {
            "allow_failure" => self.allow_failure = true,
            "always" => self.always = true,
            "manual" => self.start = StartRule::Manual(None),
            "played" => self.start = StartRule::Manual(Some(parse_span(value)?)),
            "delayed" => self.start = StartRule::Delayed(parse_span(value)?),
            "succeeds" => self.fate = JobOutcome::Succeeds,
            "fails" => self.fate = JobOutcome::Fails(attempts(value, 1)?),
            "flaky" => self.fate = JobOutcome::Flaky(attempts(value, 2)?),
            "canceled" => self.fate = JobOutcome::Canceled,
            "stays" => self.fate = JobOutcome::Stays(StatusWord::Owned(value.to_owned())),
            "retried" => self.retry_after = Some(parse_span(value)?),
            "coverage" => self.coverage = Some(value.to_owned()),
            "reason" => self.reason = Some(value.to_owned()),
            "log" => self.log = Some(parse_kind(value)?),
            "timestamps" => self.timestamps = true,
            "erased" => self.erased = true,
            "tests" => self.tests = Some(parse_tests(value)?),
            "tags" => self.tags = value.split(',').map(str::to_owned).collect(),
            "stuck" => {
                self.stuck = true;
                self.fate = JobOutcome::Stays(StatusWord::Borrowed("pending"));
            }
            "needs" => {
                self.needs = Some(value.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect())
            }
            "waits" => self.waits = Some(parse_span(value)?),
            "exact" => self.exact = true,
            "external" => {
                self.external = Some(value.to_owned());
                // `POST /projects/:id/statuses/:sha` drops a failed one with this reason (lib/api/commit_statuses.rb).
                self.reason.get_or_insert_with(|| "api_failure".to_owned());
            }
            "heals" => self.heals = true,
            "child" => self.downstream = Some(downstream(None, value)),
            "triggers" => {
                let (project, template) = value.split_once(' ').ok_or("triggers PROJECT TEMPLATE")?;
                self.downstream = Some(downstream(Some(project.to_owned()), template));
            }
            _ => self.ms = parse_span(flag).map_err(|_| format!("unknown job flag \"{flag}\""))?,
        }
        Ok(())
    }

    /// Returns how many attempts there will be at most.
    pub(crate) fn attempts(&self) -> u32 {
        match self.fate {
            JobOutcome::Fails(n) | JobOutcome::Flaky(n) => n,
            JobOutcome::Succeeds | JobOutcome::Canceled | JobOutcome::Stays(_) => 1,
        }
    }
}

fn attempts(value: &str, default: u32) -> Result<u32, String> {
    if value.is_empty() { Ok(default) } else { value.parse().map_err(|_| format!("\"{value}\" is not a count")) }
}

fn downstream(project: Option<String>, value: &str) -> DownstreamSpec {
    let (template, strategy) = value.split_once(' ').unwrap_or((value, ""));
    DownstreamSpec { project, template: template.to_owned(), depend: strategy == "depend" }
}
