//! Which environments are production. Pure.

use super::delivery::{DeploymentFact, EnvironmentFact};
use super::id::ProjectId;
use regex_lite::Regex;
use std::collections::HashMap;

/// What makes an environment production: its tier, its name, or both.
#[derive(Debug, Clone)]
pub(crate) struct ProductionChoice {
    /// GitLab's word; `None` takes every tier.
    pub tier: Option<String>,
    pub name: Option<Regex>,
}

impl Default for ProductionChoice {
    fn default() -> Self {
        Self { tier: Some("production".to_owned()), name: None }
    }
}

impl ProductionChoice {
    pub(crate) fn takes(&self, name: &str, tier: Option<&str>) -> bool {
        let is_named = self.name.as_ref().is_none_or(|wanted| wanted.is_match(name));
        is_named && self.tier.as_deref().is_none_or(|wanted| tier == Some(wanted))
    }
}

/// The tiers of environments: by their number, and by their name for those that are gone.
pub(crate) struct EnvironmentTiers<'a> {
    by_id: HashMap<(ProjectId, u64), &'a EnvironmentFact>,
    by_name: HashMap<(ProjectId, &'a str), &'a EnvironmentFact>,
}

impl<'a> EnvironmentTiers<'a> {
    pub(crate) fn new(environments: &'a [EnvironmentFact]) -> Self {
        let by_id = environments.iter().map(|fact| ((fact.project, fact.id.0), fact)).collect();
        let mut by_name: HashMap<(ProjectId, &str), &EnvironmentFact> = HashMap::new();
        for fact in environments {
            let newest = by_name.entry((fact.project, fact.name.as_str())).or_insert(fact);
            if (newest.seen_at, newest.id.0) < (fact.seen_at, fact.id.0) {
                *newest = fact;
            }
        }
        Self { by_id, by_name }
    }

    pub(crate) fn tier(&self, fact: &DeploymentFact) -> Option<&'a str> {
        let by_id = self.by_id.get(&(fact.project, fact.environment.0));
        by_id.or_else(|| self.by_name.get(&(fact.project, fact.environment_name.as_str())))?.tier.as_deref()
    }

    pub(crate) fn is_production(&self, fact: &DeploymentFact, choice: &ProductionChoice) -> bool {
        choice.takes(&fact.environment_name, self.tier(fact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_production_by_its_tier_its_name_or_both() {
        let choice = |tier: Option<&str>, name: Option<&str>| ProductionChoice {
            tier: tier.map(ToOwned::to_owned),
            name: name.map(|name| Regex::new(name).unwrap()),
        };
        type Case<'a> = (&'a str, ProductionChoice, &'a str, Option<&'a str>, bool);
        let cases: [Case<'_>; 7] = [
            ("the tier", ProductionChoice::default(), "live", Some("production"), true),
            ("another tier", ProductionChoice::default(), "production", Some("staging"), false),
            ("an unknown tier is none", ProductionChoice::default(), "production", None, false),
            ("the name alone", choice(None, Some("^live")), "live-eu", None, true),
            ("another name", choice(None, Some("^live")), "alive", Some("production"), false),
            ("both", choice(Some("other"), Some("eu$")), "live-eu", Some("other"), true),
            ("one of both", choice(Some("other"), Some("eu$")), "live-eu", Some("production"), false),
        ];
        for (sentence, choice, name, tier, expected) in cases {
            assert_eq!(choice.takes(name, tier), expected, "{sentence}");
        }
    }
}
