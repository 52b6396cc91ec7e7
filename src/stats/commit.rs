//! The verdicts of a job on one commit: was a failure flaky, and was the job run again?

use super::plan::SECONDS_PER_DAY;
use crate::domain::fact::UnixSeconds;
use crate::domain::id::JobId;
use crate::domain::runs::NameId;
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// How far apart both verdicts on one commit make a failure flaky (design 11).
pub(super) const FLAKY_SECONDS: i64 = 14 * SECONDS_PER_DAY;

/// A commit of a project by its number; a pipeline whose commit is not known is one of its own.
pub(super) type CommitNumber = u32;

/// An attempt that passed or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AttemptVerdict {
    pub(super) id: JobId,
    pub(super) at: UnixSeconds,
    pub(super) passed: bool,
}

/// The verdicts of jobs on commits on which they failed.
#[derive(Debug, Default)]
pub(super) struct CommitVerdicts {
    verdicts: HashMap<(NameId, CommitNumber), Vec<AttemptVerdict>, RandomState>,
}

impl CommitVerdicts {
    /// Takes verdicts in any order; those on commits without a failure are left out.
    pub(super) fn new(all: &[(NameId, CommitNumber, AttemptVerdict)]) -> Self {
        let mut verdicts: HashMap<_, Vec<AttemptVerdict>, RandomState> = HashMap::default();
        for (name, commit, verdict) in all.iter().filter(|(.., verdict)| !verdict.passed) {
            verdicts.entry((*name, *commit)).or_default().push(*verdict);
        }
        for (name, commit, verdict) in all.iter().filter(|(.., verdict)| verdict.passed) {
            if let Some(known) = verdicts.get_mut(&(*name, *commit)) {
                known.push(*verdict);
            }
        }
        Self { verdicts }
    }

    fn of(&self, name: NameId, commit: CommitNumber) -> &[AttemptVerdict] {
        self.verdicts.get(&(name, commit)).map_or(&[], Vec::as_slice)
    }

    /// Says whether the job also passed on this commit, at most 14 days before or after this failure.
    pub(super) fn passed_too(&self, name: NameId, commit: CommitNumber, failed_at: UnixSeconds) -> bool {
        let near = |verdict: &AttemptVerdict| verdict.at.abs_diff(failed_at) <= FLAKY_SECONDS.unsigned_abs();
        self.of(name, commit).iter().any(|verdict| verdict.passed && near(verdict))
    }

    /// Says whether the job ended on this commit once more after this attempt.
    pub(super) fn was_rerun(&self, name: NameId, commit: CommitNumber, id: JobId) -> bool {
        self.of(name, commit).iter().any(|verdict| verdict.id > id)
    }
}
