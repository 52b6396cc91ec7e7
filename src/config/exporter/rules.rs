//! What is shown of a project, from its part of the file.

use super::{ExporterConfigError, flag, number, text_of};
use crate::domain::name_pattern::NamePattern;
use crate::domain::tracking::{EnvironmentRules, JobRules, RefRules, TestRules, TrackingRules};
use serde_json::Value;
use std::time::Duration;

/// Checks the defaults of all projects, so that a mistake in them is reported where it is written.
pub(super) fn check(merged: &Value, place: &str) -> Result<(), ExporterConfigError> {
    read(merged, place).map(|_| ())
}

pub(super) fn read(merged: &Value, place: &str) -> Result<TrackingRules, ExporterConfigError> {
    let rules = RulesReader { merged, place };
    let runner_pattern = "pull.pipeline.jobs.runner_description.aggregation_regexp";
    Ok(TrackingRules {
        is_sparse: rules.flag("output_sparse_status_metrics")?,
        branches: rules.refs("branches", "exclude_deleted")?,
        tags: rules.refs("tags", "exclude_deleted")?,
        merge_requests: rules.refs("merge_requests", "exclude_non_opened")?,
        per_ref: rules.count("pull.pipeline.per_ref", 1.0)?,
        jobs: JobRules {
            enabled: rules.flag("pull.pipeline.jobs.enabled")?,
            from_children: rules.flag("pull.pipeline.jobs.from_child_pipelines.enabled")?,
            runner_pattern: match rules.flag("pull.pipeline.jobs.runner_description.enabled")? {
                true => Some(rules.pattern(runner_pattern)?),
                false => None,
            },
        },
        variables: match rules.flag("pull.pipeline.variables.enabled")? {
            true => Some(rules.pattern("pull.pipeline.variables.regexp")?),
            false => None,
        },
        tests: TestRules {
            enabled: rules.flag("pull.pipeline.test_reports.enabled")?,
            from_children: rules.flag("pull.pipeline.test_reports.from_child_pipelines.enabled")?,
            cases: rules.flag("pull.pipeline.test_reports.test_cases.enabled")?,
        },
        environments: EnvironmentRules {
            enabled: rules.flag("pull.environments.enabled")?,
            pattern: rules.pattern("pull.environments.regexp")?,
            exclude_stopped: rules.flag("pull.environments.exclude_stopped")?,
        },
    })
}

struct RulesReader<'a> {
    merged: &'a Value,
    place: &'a str,
}

impl RulesReader<'_> {
    fn at(&self, key: &str) -> (&Value, String) {
        let value = key.split('.').fold(self.merged, |value, part| &value[part]);
        (value, format!("{}.{key}", self.place))
    }

    fn flag(&self, key: &str) -> Result<bool, ExporterConfigError> {
        let (value, place) = self.at(key);
        flag(value, &place)
    }

    fn count(&self, key: &str, least: f64) -> Result<u64, ExporterConfigError> {
        let (value, place) = self.at(key);
        number(value, &place, least).map(|number| number as u64)
    }

    fn pattern(&self, key: &str) -> Result<NamePattern, ExporterConfigError> {
        let (value, place) = self.at(key);
        NamePattern::parse(&text_of(value))
            .map_err(|problem| ExporterConfigError::new(place, format!("is not a regular expression: {problem}")))
    }

    fn refs(&self, kind: &str, exclude: &str) -> Result<RefRules, ExporterConfigError> {
        let key = |name: &str| format!("pull.refs.{kind}.{name}");
        Ok(RefRules {
            enabled: self.flag(&key("enabled"))?,
            pattern: self.pattern(&key("regexp"))?,
            most_recent: self.count(&key("most_recent"), 0.0)?,
            max_age: Duration::from_secs(self.count(&key("max_age_seconds"), 0.0)?),
            exclude_gone: self.flag(&key(exclude))?,
        })
    }
}
