//! Detects that a server is down: when requests for several projects fail in a row, the whole reading fails.

use super::project::ReadingOutcome;
use crate::domain::failure::Failure;

/// Projects that fail one after the other, before the others are left alone.
const ENOUGH: usize = 3;

/// What the projects of one reading tell about the server, each read by itself.
#[derive(Debug, Default)]
pub(super) struct OutageWatch {
    /// Whether the server has answered about any of them.
    has_answer: bool,
    failed: usize,
    last: Option<Failure>,
}

impl OutageWatch {
    /// Takes what came of a project.
    pub(super) fn note(&mut self, outcome: &ReadingOutcome) {
        match outcome {
            ReadingOutcome::Error(failure) if failure.kind.is_of_the_server() => {
                self.failed += 1;
                self.last = Some(failure.clone());
            }
            _ => self.has_answer = true,
        }
    }

    pub(super) fn has_answer(&self) -> bool {
        self.has_answer
    }

    /// Returns how many further projects would tell.
    pub(super) fn open(&self) -> usize {
        ENOUGH.saturating_sub(self.failed).max(1)
    }

    /// Returns why it makes no sense to ask about further projects in this reading, if it does not.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.last.as_ref().filter(|_| !self.has_answer && self.failed >= ENOUGH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::failure::FailureKind;

    #[test]
    fn a_server_is_away_where_all_fails_by_its_fault() {
        let fails = |kind| ReadingOutcome::Error(Failure::new(kind, "no"));
        let none = || ReadingOutcome::None { ever_ran: Some(false) };
        let cases = [
            (
                "three gateways",
                vec![fails(FailureKind::Http(502)), fails(FailureKind::Http(503)), fails(FailureKind::Http(520))],
                true,
            ),
            (
                "no way to it",
                vec![fails(FailureKind::Dns), fails(FailureKind::ConnectionRefused), fails(FailureKind::Connection)],
                true,
            ),
            ("two are not enough", vec![fails(FailureKind::Timeout), fails(FailureKind::Timeout)], false),
            (
                "one was answered",
                vec![
                    none(),
                    fails(FailureKind::Http(502)),
                    fails(FailureKind::Http(502)),
                    fails(FailureKind::Http(502)),
                ],
                false,
            ),
            (
                "one is answered later",
                vec![
                    fails(FailureKind::Http(502)),
                    fails(FailureKind::Http(502)),
                    fails(FailureKind::Http(502)),
                    none(),
                ],
                false,
            ),
            (
                "the projects' own failures",
                vec![fails(FailureKind::Http(500)), fails(FailureKind::Http(500)), fails(FailureKind::Http(500))],
                false,
            ),
            (
                "a firewall's pages",
                vec![fails(FailureKind::NotGitlab), fails(FailureKind::NotGitlab), fails(FailureKind::NotGitlab)],
                false,
            ),
        ];
        for (sentence, outcomes, is_away) in cases {
            let mut watch = OutageWatch::default();
            outcomes.iter().for_each(|outcome| watch.note(outcome));
            assert_eq!(watch.failure().is_some(), is_away, "{sentence}");
        }
    }
}
