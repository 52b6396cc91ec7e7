//! The scenario file: who is in the group and how their pipelines behave. `scenarios/demo.toml` explains the format.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::faults::FaultEntry;
use super::history::HistoryEntry;
use super::job_spec::{JobSpec, parse_stages};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    /// Full path of the group of all others.
    pub(crate) root: String,
    #[serde(default)]
    pub(crate) group: Vec<GroupEntry>,
    /// Users who have projects of their own.
    #[serde(default)]
    pub(crate) user: Vec<UserEntry>,
    /// Template name -> stages, each `[stage, job, job, ...]`.
    #[serde(default)]
    pub(crate) template: BTreeMap<String, Vec<Vec<String>>>,
    #[serde(default)]
    pub(crate) project: Vec<ProjectEntry>,
    #[serde(default)]
    pub(crate) fault: Vec<FaultEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupEntry {
    pub(crate) path: String,
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserEntry {
    pub(crate) username: String,
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProjectEntry {
    /// Full path; its parent must be a `[[group]]` or a `[[user]]`.
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) id: Option<u64>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) branch: Option<String>,
    /// No commit yet: `default_branch` is null.
    #[serde(default)]
    pub(crate) empty: bool,
    #[serde(default)]
    pub(crate) archived: bool,
    #[serde(default)]
    pub(crate) marked_for_deletion: bool,
    #[serde(default)]
    pub(crate) ci_off: bool,
    /// Full paths of groups that this project is shared with.
    #[serde(default)]
    pub(crate) shared_with: Vec<String>,
    #[serde(default)]
    pub(crate) run: Vec<LineEntry>,
    /// What happened before the world was made.
    #[serde(default)]
    pub(crate) history: Option<HistoryEntry>,
}

/// One line of pipelines of a project: a single one of some age, or a new one every so often.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineEntry {
    /// Template; without one the pipeline has no jobs.
    #[serde(default)]
    pub(crate) jobs: Option<String>,
    #[serde(default)]
    pub(crate) age: Option<String>,
    #[serde(default)]
    pub(crate) every: Option<String>,
    #[serde(default, rename = "ref")]
    pub(crate) ref_name: Option<String>,
    #[serde(default)]
    pub(crate) tag: bool,
    #[serde(default)]
    pub(crate) source: Option<String>,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// Fixed status of a pipeline without jobs.
    #[serde(default)]
    pub(crate) status: Option<String>,
    #[serde(default)]
    pub(crate) yaml_errors: Option<String>,
    /// Why the whole pipeline failed, in GitLab's word; `config_error` when there are `yaml_errors`.
    #[serde(default)]
    pub(crate) failure_reason: Option<String>,
    /// Job name -> flags that are added to the template's.
    #[serde(default)]
    pub(crate) set: BTreeMap<String, String>,
    /// Percent of instances in which one job fails.
    #[serde(default)]
    pub(crate) fail: u64,
    /// Percent of instances in which one job fails and is retried with success.
    #[serde(default)]
    pub(crate) flaky: u64,
}

impl Scenario {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| format!("scenario is not valid: {error}"))
    }

    /// Returns a template's jobs with the flags of `set` added.
    pub(crate) fn jobs(&self, template: &str, set: &BTreeMap<String, String>) -> Result<Vec<JobSpec>, String> {
        let stages = self.template.get(template).ok_or_else(|| format!("no template named \"{template}\""))?;
        let mut jobs = parse_stages(stages)?;
        for (name, flags) in set {
            let mut hits = 0;
            for job in jobs.iter_mut().filter(|job| job.name == *name) {
                job.add_flags(flags)?;
                hits += 1;
            }
            if hits == 0 {
                return Err(format!("template \"{template}\" has no job \"{name}\" to set"));
            }
        }
        Ok(jobs)
    }
}

/// Reads `90s`, `7m`, `2h`, `3d` as milliseconds.
pub(crate) fn parse_span(text: &str) -> Result<i64, String> {
    let bad = || format!("\"{text}\" is not a duration such as 90s, 7m, 2h or 3d");
    let unit = text.chars().last().ok_or_else(bad)?;
    let factor = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return Err(bad()),
    };
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| bad())?;
    Ok(number * factor)
}
