//! Decides whether a feed of news is silent: a reading found a change that none of the news announced. Pure; time is an
//! argument.
//!
//! A server may take a subscription and never say anything: GitLab does, where the feature behind it is switched off.

use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::pipeline::Pipeline;
use crate::domain::snapshot::Snapshot;
use crate::domain::status::Status;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::Instant;

/// A reading may begin long before it is over: what was announced meanwhile, it may have missed.
const SLACK: Duration = Duration::from_secs(60);

/// What is known of one project.
#[derive(Debug)]
struct ProjectEvidence {
    as_of: DateTime<Utc>,
    pipelines: Vec<(PipelineId, Status)>,
    read: Instant,
}

/// What speaks for and against a feed.
#[derive(Debug, Default)]
pub(super) struct FeedEvidence {
    seen: HashMap<ProjectId, ProjectEvidence>,
    /// Since when news of each project come.
    told: HashMap<ProjectId, Instant>,
    announced: HashMap<ProjectId, Instant>,
    /// Changes that nothing has announced, and until when that would still be late and not lost.
    suspects: BTreeMap<ProjectId, Instant>,
}

impl FeedEvidence {
    /// Sets the projects whose moves are announced from now on.
    pub(super) fn tell(&mut self, projects: &BTreeSet<ProjectId>, now: Instant) {
        self.told.retain(|project, _| projects.contains(project));
        self.suspects.retain(|project, _| projects.contains(project));
        for project in projects {
            self.told.entry(*project).or_insert(now);
        }
    }

    /// Notes that a change was announced.
    pub(super) fn announce(&mut self, project: ProjectId, now: Instant) {
        self.announced.insert(project, now);
        self.suspects.remove(&project);
    }

    /// Looks at what was read. An announcement may still come until `grace` is over.
    pub(super) fn look(&mut self, snapshot: &Snapshot, now: Instant, grace: Duration) {
        for row in &snapshot.rows {
            let id = row.project.id;
            let before = self.seen.get(&id);
            if before.is_some_and(|before| before.as_of == row.as_of) {
                continue;
            }
            let pipelines: Vec<_> = row.pipelines().iter().map(|one: &Pipeline| (one.id, one.status.clone())).collect();
            if before.is_some_and(|before| has_moved(&before.pipelines, &pipelines) && self.is_unannounced(id, before))
            {
                self.suspects.entry(id).or_insert(now + grace);
            }
            self.seen.insert(id, ProjectEvidence { as_of: row.as_of, pipelines, read: now });
        }
    }

    /// Says whether nothing announced a change since a reading; what happened before a project was told about counts for
    /// nothing.
    fn is_unannounced(&self, project: ProjectId, before: &ProjectEvidence) -> bool {
        let has_feed = self.told.get(&project).is_some_and(|since| *since <= before.read);
        has_feed && self.announced.get(&project).is_none_or(|at| *at + SLACK < before.read)
    }

    /// Returns when there will be proof, unless what is missing comes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.suspects.values().min().copied()
    }

    /// Begins again: what was announced before says nothing about a new connection.
    pub(super) fn forget(&mut self) {
        self.told.clear();
        self.announced.clear();
        self.suspects.clear();
    }
}

/// Says whether a pipeline moved or is new. That one is gone, nothing announces.
fn has_moved(before: &[(PipelineId, Status)], now: &[(PipelineId, Status)]) -> bool {
    let newest = before.iter().map(|(id, _)| *id).max();
    now.iter().any(|(id, status)| match before.iter().find(|(known, _)| known == id) {
        Some((_, known)) => known != status,
        None => Some(*id) > newest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::health::tests::ran;
    use crate::domain::project::RowState;
    use crate::domain::usage::Usage;
    use std::sync::Arc;

    const GRACE: Duration = Duration::from_secs(10);

    /// What happens, at a second.
    enum Step {
        Told,
        NotTold,
        Announced,
        /// A reading that finds this pipeline with this status.
        Read(u64, Status),
    }

    fn snapshot(second: u64, id: u64, status: &Status) -> Snapshot {
        let mut row = ran("api", status.clone(), 0);
        Arc::make_mut(&mut row.project).id = ProjectId(1);
        row.as_of = DateTime::from_timestamp(second as i64, 0).unwrap();
        if let RowState::Ok(pipelines) = &mut row.state {
            *pipelines = pipelines.iter().map(|one| Pipeline { id: PipelineId(id), ..one.clone() }).collect();
        }
        Snapshot {
            host: String::new(),
            taken_at: row.as_of,
            groups: Vec::new(),
            rows: vec![row],
            problems: Vec::new(),
            usage: Usage::default(),
        }
    }

    #[test]
    fn a_change_that_nothing_announced_is_proof_after_a_while() {
        use Status::{Running, Success};
        use Step::{Announced, NotTold, Read, Told};
        type Case<'a> = (&'a str, Vec<(u64, Step)>, Option<u64>);
        let cases: [Case<'_>; 10] = [
            ("nothing changed", vec![(0, Told), (1, Read(1, Success)), (300, Read(1, Success))], None),
            ("it changed", vec![(0, Told), (1, Read(1, Running)), (300, Read(1, Success))], Some(310)),
            ("another one is newer", vec![(0, Told), (1, Read(1, Success)), (300, Read(2, Success))], Some(310)),
            ("the newest is gone", vec![(0, Told), (1, Read(2, Success)), (300, Read(1, Success))], None),
            (
                "it was announced",
                vec![(0, Told), (1, Read(1, Running)), (200, Announced), (300, Read(1, Success))],
                None,
            ),
            (
                "the announcement is late",
                vec![(0, Told), (1, Read(1, Running)), (300, Read(1, Success)), (305, Announced)],
                None,
            ),
            (
                "it was announced while the reading before was under way",
                vec![(0, Told), (90, Announced), (100, Read(1, Running)), (300, Read(1, Success))],
                None,
            ),
            (
                "an earlier change was announced",
                vec![(0, Told), (1, Announced), (100, Read(1, Running)), (300, Read(1, Success))],
                Some(310),
            ),
            (
                "it changed before it was told about",
                vec![(1, Read(1, Running)), (2, Told), (3, Read(1, Success))],
                None,
            ),
            (
                "no news of it come any more",
                vec![(0, Told), (1, Read(1, Running)), (300, Read(1, Success)), (301, NotTold)],
                None,
            ),
        ];
        let start = Instant::now();
        for (sentence, steps, expected) in cases {
            let mut evidence = FeedEvidence::default();
            for (second, step) in steps {
                let now = start + Duration::from_secs(second);
                match step {
                    Told => evidence.tell(&[ProjectId(1)].into(), now),
                    NotTold => evidence.tell(&BTreeSet::new(), now),
                    Announced => evidence.announce(ProjectId(1), now),
                    Read(id, status) => evidence.look(&snapshot(second, id, &status), now, GRACE),
                }
            }
            let found = evidence.deadline().map(|at| (at - start).as_secs());
            assert_eq!(found, expected, "{sentence}");
        }
    }
}
