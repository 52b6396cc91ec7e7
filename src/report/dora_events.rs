//! The events behind a measure, each with the rule that gave its verdict: `glwatch.dora-events/1`; and the projects whose
//! numbers cannot be trusted: `glwatch.dora-check/1`.

use super::history::time;
use super::links::own_link;
use crate::domain::fact::UnixSeconds;
use crate::domain::window::TimeWindow;
use crate::dora::known::DoraBasis;
use crate::dora::study::StudiedProject;
use crate::dora::trust::problems;
use crate::dora::verdict::{DeploymentAttempt, FailureProof, JudgedDeployment, LeadTime, ReworkCause};
use serde::Serialize;

/// The measures whose events can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExplainedMeasure {
    Frequency,
    LeadTime,
    Recovery,
    FailRate,
    Rework,
    Attempts,
}

impl ExplainedMeasure {
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("deployment-frequency", Self::Frequency),
        ("lead-time", Self::LeadTime),
        ("recovery-time", Self::Recovery),
        ("change-fail-rate", Self::FailRate),
        ("rework-rate", Self::Rework),
        ("failed-attempts", Self::Attempts),
    ];
}

#[derive(Debug, Serialize)]
pub(crate) struct DoraEvents<'a> {
    pub schema: &'static str,
    pub measure: &'static str,
    pub from: Option<String>,
    pub to: Option<String>,
    pub events: Vec<DoraEvent<'a>>,
}

/// One event of the window.
#[derive(Debug, Serialize)]
pub(crate) struct DoraEvent<'a> {
    pub project: &'a str,
    pub basis: &'static str,
    /// `deployment 12` of `production`.
    pub what: String,
    pub at: Option<String>,
    pub verdict: String,
    /// The rule that gave the verdict.
    pub rule: &'static str,
    pub evidence: String,
    pub link: Option<String>,
    #[serde(skip)]
    order: UnixSeconds,
}

#[derive(Debug, Serialize)]
pub(crate) struct DoraCheck<'a> {
    pub schema: &'static str,
    pub from: Option<String>,
    pub to: Option<String>,
    pub projects: Vec<CheckedProject<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CheckedProject<'a> {
    pub id: u64,
    pub full_path: &'a str,
    pub problems: Vec<CheckedProblem>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CheckedProblem {
    pub problem: String,
    pub hint: &'static str,
}

impl<'a> DoraCheck<'a> {
    pub(crate) fn new(projects: &'a [StudiedProject], window: TimeWindow) -> Self {
        let checked = |of: &'a StudiedProject| {
            let found = problems(of, window).into_iter().map(|problem| {
                let (problem, hint) = problem.words();
                CheckedProblem { problem, hint }
            });
            CheckedProject { id: of.project.id.0, full_path: &of.project.full_path, problems: found.collect() }
        };
        let projects = projects.iter().map(checked).filter(|of| !of.problems.is_empty()).collect();
        Self { schema: "glwatch.dora-check/1", from: time(Some(window.from)), to: time(Some(window.to)), projects }
    }
}

/// Where links lead.
#[derive(Clone, Copy)]
struct EventPlace<'a> {
    host: &'a str,
    of: &'a StudiedProject,
}

impl<'a> DoraEvents<'a> {
    pub(crate) fn new(
        projects: &'a [StudiedProject],
        (word, measure): (&'static str, ExplainedMeasure),
        window: TimeWindow,
        host: &'a str,
    ) -> Self {
        let mut events: Vec<DoraEvent<'a>> = Vec::new();
        for of in projects.iter().filter(|of| of.is_read) {
            let place = EventPlace { host, of };
            if measure == ExplainedMeasure::Attempts {
                let attempts = of.verdicts.attempts.iter().filter(|one| window.contains(one.finished_at));
                events.extend(attempts.map(|one| place.attempt(one)));
                continue;
            }
            for one in of.verdicts.deployments.iter().filter(|one| window.contains(one.finished_at)) {
                events.extend(place.events(one, measure));
            }
        }
        events
            .sort_by(|one, other| (one.order, one.project, &one.what).cmp(&(other.order, other.project, &other.what)));
        Self {
            schema: "glwatch.dora-events/1",
            measure: word,
            from: time(Some(window.from)),
            to: time(Some(window.to)),
            events,
        }
    }
}

impl<'a> EventPlace<'a> {
    fn events(self, one: &JudgedDeployment, measure: ExplainedMeasure) -> Vec<DoraEvent<'a>> {
        match measure {
            ExplainedMeasure::Frequency => vec![self.counted(one)],
            ExplainedMeasure::LeadTime => self.leads(one),
            ExplainedMeasure::FailRate => vec![self.failure(one)],
            ExplainedMeasure::Recovery => self.recovery(one).into_iter().collect(),
            ExplainedMeasure::Rework => vec![self.rework(one)],
            ExplainedMeasure::Attempts => Vec::new(),
        }
    }

    fn link(self, below: &str) -> Option<String> {
        let address = format!("{}/{}/-/{below}", self.host.trim_end_matches('/'), self.of.project.full_path);
        own_link(self.host, Some(&address))
    }

    fn word(self) -> &'static str {
        match self.of.verdicts.basis {
            DoraBasis::Deployments => "deployment",
            DoraBasis::Pipelines => "pipeline",
        }
    }

    fn event(self, one: &JudgedDeployment, verdict: String, rule: &'static str, evidence: String) -> DoraEvent<'a> {
        let place = (one.job, one.pipeline);
        self.row((one.id, one.finished_at), (&one.place, place), verdict, rule, evidence)
    }

    fn row(
        self,
        (id, at): (u64, UnixSeconds),
        (place, (job, pipeline)): (&str, (Option<u64>, Option<u64>)),
        verdict: String,
        rule: &'static str,
        evidence: String,
    ) -> DoraEvent<'a> {
        let below = job.map(|job| format!("jobs/{job}")).or(pipeline.map(|id| format!("pipelines/{id}")));
        DoraEvent {
            project: &self.of.project.full_path,
            basis: self.of.verdicts.basis.word(),
            what: format!("{} {id} ({place})", self.word()),
            at: time(Some(at)),
            verdict,
            rule,
            evidence,
            link: below.and_then(|below| self.link(&below)),
            order: at,
        }
    }

    fn counted(self, one: &JudgedDeployment) -> DoraEvent<'a> {
        let evidence = one.sha.as_deref().map_or_else(|| "commit unknown".to_owned(), |sha| format!("commit {sha}"));
        let rule = "successful, to production, finished in the window; those of one pipeline are one";
        self.event(one, "counted".to_owned(), rule, evidence)
    }

    fn leads(self, one: &JudgedDeployment) -> Vec<DoraEvent<'a>> {
        let event = |lead: &crate::dora::verdict::MergeLead| {
            let (verdict, rule) = match lead.from_merge {
                LeadTime::Seconds(seconds) => {
                    (format!("{seconds} s"), "from merge to its first deployment to production")
                }
                LeadTime::Baseline => ("left out".into(), "it came with the first deployment ever of an environment"),
                LeadTime::Negative => ("left out".into(), "it was merged after the deployment"),
                LeadTime::MissingMergedAt => ("left out".into(), "its time of merge is not known"),
            };
            let from_commit = lead.from_first_commit.map(|seconds| format!("; from its first commit {seconds} s"));
            let merged = time(lead.merge.merged_at).unwrap_or_else(|| "unknown".to_owned());
            let evidence = format!("merged {merged}{}; in deployment {}", from_commit.unwrap_or_default(), one.id);
            let mut event = self.event(one, verdict, rule, evidence);
            event.what = format!("merge request !{} {}", lead.merge.iid, lead.merge.title);
            event.link = self.link(&format!("merge_requests/{}", lead.merge.iid));
            event
        };
        one.leads.iter().map(event).collect()
    }

    fn failure(self, one: &JudgedDeployment) -> DoraEvent<'a> {
        if one.is_pending {
            return self.event(one, "pending".into(), "it did not fail and is younger than 48 h", String::new());
        }
        if one.proofs.is_empty() {
            let rule = "no rollback, no revert or hotfix in time, and no incident before the next deployment";
            return self.event(one, "good".into(), rule, String::new());
        }
        let evidence: Vec<String> = one.proofs.iter().map(|proof| self.proof(proof)).collect();
        let rule = match one.proofs.first() {
            Some(FailureProof::Rollback { .. }) => "the next deployment brought back the commit of an earlier one",
            Some(FailureProof::Revert { .. } | FailureProof::Hotfix { .. }) => {
                "the next deployment brought its revert or hotfix in time"
            }
            Some(FailureProof::Incident { .. }) | None => "an incident began after it and before the next deployment",
        };
        self.event(one, format!("failed: {}", one.reasons().join(", ")), rule, evidence.join("; "))
    }

    fn proof(self, proof: &FailureProof) -> String {
        let word = self.word();
        match proof {
            FailureProof::Rollback { by, target } => format!("{word} {by} went back to that of {target}"),
            FailureProof::Revert { by, merge } => format!("{word} {by} brought the revert !{merge}"),
            FailureProof::Hotfix { by, merge } => format!("{word} {by} brought the hotfix !{merge}"),
            FailureProof::Incident { iid, created_at, closed_at } => {
                let created = time(Some(*created_at)).unwrap_or_default();
                let closed = time(*closed_at).map_or_else(|| "open".to_owned(), |at| format!("closed {at}"));
                format!("incident #{iid} of {created}, {closed}")
            }
        }
    }

    fn recovery(self, one: &JudgedDeployment) -> Option<DoraEvent<'a>> {
        if one.proofs.is_empty() {
            return None;
        }
        let verdict = one.recovery().map_or_else(|| "open".to_owned(), |seconds| format!("{seconds} s"));
        let rule = "until the first of: rollback, fix, incident closed";
        let remedy = time(one.remedy_at).map(|at| format!("; remedy at {at}")).unwrap_or_default();
        let evidence: Vec<String> = one.proofs.iter().map(|proof| self.proof(proof)).collect();
        Some(self.event(one, verdict, rule, format!("{}{remedy}", evidence.join("; "))))
    }

    fn rework(self, one: &JudgedDeployment) -> DoraEvent<'a> {
        let (verdict, rule, evidence) = match &one.rework {
            None => ("planned", "no rollback, and brings no revert and no hotfix", String::new()),
            Some(ReworkCause::RollsBack { failed }) => {
                ("rework", "it is a rollback", format!("of {} {failed}", self.word()))
            }
            Some(ReworkCause::BringsRevert { merge }) => ("rework", "it brings a revert", format!("!{merge}")),
            Some(ReworkCause::BringsHotfix { merge }) => ("rework", "it brings a hotfix", format!("!{merge}")),
        };
        self.event(one, verdict.to_owned(), rule, evidence)
    }

    fn attempt(self, one: &DeploymentAttempt) -> DoraEvent<'a> {
        let (verdict, evidence) = match one.streak {
            None => ("failed again".to_owned(), String::new()),
            Some(None) => ("failed, open".to_owned(), "no deployment since".to_owned()),
            Some(Some(end)) => {
                let at = time(Some(end)).unwrap_or_default();
                (format!("failed, over after {} s", end.saturating_sub(one.finished_at)), format!("deployed at {at}"))
            }
        };
        let rule = "status failed: it never reached production and is no change failure";
        let place = (&*one.place, (one.job, one.pipeline));
        self.row((one.id, one.finished_at), place, verdict, rule, evidence)
    }
}
