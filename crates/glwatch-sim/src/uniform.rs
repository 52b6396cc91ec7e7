//! Worlds of any size: projects with one finished pipeline of the same shape each, and projects with weeks behind them.

use std::collections::BTreeMap;

use super::history::HistoryEntry;
use super::rng::Rng;
use super::scenario::{GroupEntry, LineEntry, ProjectEntry, Scenario};

/// Describes `projects` projects with `stages` x `jobs` jobs each: of 100 about 82 are green, 8 failed, 5 passed with a
/// warning, 3 were retried and 2 canceled.
pub(crate) fn uniform(projects: usize, stages: usize, jobs: usize, seed: u64) -> Scenario {
    let template = |variant: &str| -> Vec<Vec<String>> {
        let row = |stage: usize| {
            let job = |job: usize| {
                let odd = if stage + 1 == stages && job + 1 == jobs { variant } else { "" };
                format!("job-{}-{} | {}s{odd}", stage + 1, job + 1, 20 + 7 * job)
            };
            std::iter::once(format!("stage-{}", stage + 1)).chain((0..jobs).map(job)).collect()
        };
        (0..stages).map(row).collect()
    };
    let variants = [
        ("green", ""),
        ("failed", " | fails"),
        ("warning", " | fails | allow_failure"),
        ("retried", " | flaky"),
        ("canceled", " | canceled"),
    ];
    let project = |i: usize| {
        let roll = Rng::of(&[seed, i as u64]).next() % 100;
        let variant = match roll {
            0..82 => 0,
            82..90 => 1,
            90..95 => 2,
            95..98 => 3,
            _ => 4,
        };
        let line = LineEntry {
            jobs: Some(variants[variant].0.to_owned()),
            age: Some(format!("{}s", 86_400 + i)),
            ..LineEntry::default()
        };
        ProjectEntry { path: format!("acme/project-{:05}", i + 1), run: vec![line], ..ProjectEntry::default() }
    };
    Scenario {
        root: "acme".to_owned(),
        group: vec![GroupEntry { path: "acme".to_owned(), id: 12_345, name: Some("Acme".to_owned()) }],
        user: Vec::new(),
        template: variants.iter().map(|(name, odd)| ((*name).to_owned(), template(odd))).collect::<BTreeMap<_, _>>(),
        project: (0..projects).map(project).collect(),
        fault: Vec::new(),
    }
}

/// Describes projects that have nothing but a history, a quarter of them in a subgroup each.
pub(crate) fn with_history(projects: usize, history: HistoryEntry) -> Scenario {
    let groups = ["acme", "acme/payments", "acme/platform", "acme/web"];
    let group =
        |(at, path): (usize, &&str)| GroupEntry { path: (*path).to_owned(), id: 12_345 + at as u64, name: None };
    let project = |i: usize| ProjectEntry {
        path: format!("{}/service-{:03}", groups[i % groups.len()], i + 1),
        history: Some(history),
        ..ProjectEntry::default()
    };
    Scenario {
        root: "acme".to_owned(),
        group: groups.iter().enumerate().map(group).collect(),
        user: Vec::new(),
        template: BTreeMap::new(),
        project: (0..projects).map(project).collect(),
        fault: Vec::new(),
    }
}
