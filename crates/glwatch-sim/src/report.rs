//! The test report of a job: what its JUnit file said.
//!
//! It is made up from the project, the job and the pipeline: of a job that fails, the first failing case is the same in
//! every pipeline and the others change from one to the next, so that a client can tell old failures from new ones.

use super::plan::{Job, Pipeline};
use super::rng::Rng;
use super::trace::{LogKind, usual_kind};
use super::world::Project;

const MODULES: [&str; 13] = [
    "stack", "queue", "parser", "ledger", "rates", "router", "cache", "session", "import", "export", "retry", "config",
    "clock",
];
const FUNCTIONS: [&str; 12] = [
    "push",
    "pop",
    "empty",
    "full",
    "rounds_half_up",
    "keeps_order",
    "refuses_nulls",
    "is_idempotent",
    "times_out",
    "reads_utf8",
    "survives_restart",
    "reports_errors",
];

/// How many tests a job has, from the flag `tests TOTAL [FAILED [ERRORS]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestSpec {
    Counts {
        total: usize,
        failed: usize,
        errors: usize,
    },
    /// The report was no XML.
    Broken,
    /// The job leaves no report.
    None,
}

/// Reads the flag.
pub(crate) fn parse_tests(value: &str) -> Result<TestSpec, String> {
    match value {
        "broken" => return Ok(TestSpec::Broken),
        "none" => return Ok(TestSpec::None),
        _ => {}
    }
    let numbers: Result<Vec<usize>, _> = value.split(' ').map(str::parse).collect();
    let tests = match numbers.unwrap_or_default()[..] {
        [total] => TestSpec::Counts { total, failed: 2, errors: 0 },
        [total, failed] => TestSpec::Counts { total, failed, errors: 0 },
        [total, failed, errors] => TestSpec::Counts { total, failed, errors },
        _ => return Err(format!("\"{value}\" is not a number of tests")),
    };
    match tests {
        TestSpec::Counts { total, failed, errors } if failed + errors >= total || total > 5_000 => {
            Err(format!("\"{value}\" does not make a test report"))
        }
        _ => Ok(tests),
    }
}

#[derive(Clone, Debug)]
pub(crate) struct TestSuite {
    pub(crate) name: String,
    /// In GitLab's order: errors, failures, successes, skipped ones.
    pub(crate) cases: Vec<TestCase>,
    /// What is wrong with the report itself.
    pub(crate) error: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct TestCase {
    /// Its turn in a run.
    pub(crate) number: usize,
    pub(crate) status: &'static str,
    pub(crate) name: String,
    pub(crate) classname: String,
    pub(crate) file: String,
    pub(crate) milliseconds: u64,
    pub(crate) output: Option<CaseOutput>,
    /// How often it failed on the default branch of late.
    pub(crate) recent: Option<u64>,
}

/// GitLab gives text where the XML had text, and the attributes where it had only these.
#[derive(Clone, Debug)]
pub(crate) enum CaseOutput {
    Text(String),
    Attributes { message: String },
}

impl TestCase {
    /// Returns the lines that the log shows about its failure.
    pub(crate) fn text(&self) -> String {
        match &self.output {
            Some(CaseOutput::Text(text)) => text.clone(),
            Some(CaseOutput::Attributes { message }) => format!("E   {message}\n{}:{}: AssertionError", self.file, 27),
            None => String::new(),
        }
    }
}

impl TestSuite {
    /// Returns the report of a job that ends as `word` says; `None` when such a job leaves none.
    pub(crate) fn of(project: &Project, pipeline: &Pipeline, job: &Job, word: Option<&str>) -> Option<Self> {
        let passed = match word {
            Some("success") => true,
            Some("failed") if job.reason == "script_failure" => false,
            _ => return None,
        };
        let kind = usual_kind(&job.spec);
        if job.bridge
            || job.is_external()
            || (job.spec.tests.is_none() && !matches!(kind, LogKind::Rust | LogKind::Pytest))
        {
            return None;
        }
        let name = job.name.clone();
        let (total, failed, errors) = match job.spec.tests.unwrap_or_else(|| usual_tests(project, &name)) {
            TestSpec::None => return None,
            TestSpec::Broken => {
                let error = Some("JUnit XML parsing failed: 1:1: FATAL: Document is empty");
                return Some(Self { name, cases: Vec::new(), error });
            }
            TestSpec::Counts { total, .. } if passed => (total, 0, 0),
            TestSpec::Counts { total, .. } if job.spec.broken_test.is_some() => (total, 1, 0),
            TestSpec::Counts { total, failed, errors } => (total, failed, errors),
        };
        let mut cases: Vec<TestCase> = (0..total).map(|number| case(kind, project, number)).collect();
        for nth in 0..failed + errors {
            let number = failing(nth, total, pipeline.iid);
            let status = if nth < failed { "failed" } else { "error" };
            if let Some(name) = &job.spec.broken_test {
                cases[number].name.clone_from(name);
            }
            break_case(&mut cases[number], kind, status, nth);
        }
        let rank =
            |case: &TestCase| ["error", "failed", "success", "skipped"].iter().position(|word| *word == case.status);
        cases.sort_by_key(|case| (rank(case), std::cmp::Reverse(case.milliseconds)));
        Some(Self { name, cases, error: None })
    }

    pub(crate) fn failing(&self) -> impl Iterator<Item = &TestCase> {
        self.cases.iter().filter(|case| matches!(case.status, "failed" | "error"))
    }

    pub(crate) fn count(&self, status: &str) -> usize {
        self.cases.iter().filter(|case| case.status == status).count()
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.cases.iter().map(|case| case.milliseconds).sum::<u64>() as f64 / 1_000.0
    }
}

/// Returns how many tests a job has when the scenario does not say; few for each of a matrix of many.
fn usual_tests(project: &Project, name: &str) -> TestSpec {
    let letters: u64 = name.bytes().map(u64::from).sum();
    let total = if name.contains('/') { 12 } else { 20 + usize::try_from((project.id + letters) % 120).unwrap_or(0) };
    TestSpec::Counts { total, failed: 2, errors: 0 }
}

/// Returns which case is the n-th to fail: the first one always the same, the others by pipeline.
fn failing(nth: usize, total: usize, iid: u64) -> usize {
    let others = total as u64 - 1;
    let step = others / 5 + 1;
    if nth == 0 { 0 } else { 1 + usize::try_from((iid * step + nth as u64 - 1) % others).unwrap_or(0) }
}

fn case(kind: LogKind, project: &Project, number: usize) -> TestCase {
    let (module, function) = (MODULES[number / FUNCTIONS.len() % MODULES.len()], FUNCTIONS[number % FUNCTIONS.len()]);
    let round = match number / (FUNCTIONS.len() * MODULES.len()) {
        0 => String::new(),
        round => format!("_{}", round + 1),
    };
    let milliseconds = 5 + Rng::of(&[project.id, number as u64]).next() % 400;
    // One in 37 is switched off; never the first, which is the one that fails.
    let status = if number % 37 == 36 { "skipped" } else { "success" };
    let (name, classname, file) = match kind {
        LogKind::Pytest => (
            format!("test_{function}{round}"),
            format!("tests.test_{module}.Test{}{}", module[..1].to_uppercase(), &module[1..]),
            format!("tests/test_{module}.py"),
        ),
        _ => (format!("{module}_test::{function}{round}"), project.path.clone(), format!("src/{module}.rs")),
    };
    TestCase { number, status, name, classname, file, milliseconds, output: None, recent: None }
}

fn break_case(case: &mut TestCase, kind: LogKind, status: &'static str, nth: usize) {
    case.status = status;
    // The longest of them comes first in the report.
    case.milliseconds = 900 - (nth as u64).min(400);
    case.recent = Some(if nth == 0 { 3 } else { 1 });
    case.output = Some(match (kind, status) {
        (_, "error") => CaseOutput::Text(format!("fixture 'database' not found\n{}:3: error at setup", case.file)),
        (LogKind::Pytest, _) => CaseOutput::Attributes { message: format!("assert {} == {}", nth + 2, nth + 3) },
        _ => CaseOutput::Text(format!(
            "thread '{}' panicked at {}:{}:9:\nassertion `left == right` failed\n  left: {}\n right: {}",
            case.name,
            case.file,
            27 + nth,
            nth + 2,
            nth + 3
        )),
    });
}
