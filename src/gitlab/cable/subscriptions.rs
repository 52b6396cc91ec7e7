//! Which projects are subscribed on one cable, and how far each has come. Pure: commands out, frames in.

use super::protocol::{CableFrame, identifier, subscribe, unsubscribe};
use crate::domain::id::ProjectId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::Instant;

/// So many subscriptions wait for an answer at once. A burst of two thousand frames would wait in buffers on both sides,
/// each side waiting for the other to read.
const MOST_WAITING: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SubscriptionState {
    Wanted,
    Asked(Instant),
    Confirmed,
    /// Refused, ended, or never answered.
    Refused,
}

#[derive(Debug)]
struct Subscription {
    identifier: String,
    state: SubscriptionState,
}

/// What a frame led to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SubscriptionNews {
    Moved(ProjectId),
    /// A project was refused, with the words of the server.
    Refused(ProjectId, String),
    /// It has been taken in, and says nothing.
    Nothing,
    /// It is about nothing that is subscribed.
    Unknown,
}

/// Projects by how far their subscription has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubscriptionCounts {
    pub waiting: usize,
    pub confirmed: usize,
    pub refused: usize,
}

/// The subscriptions of one cable.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    projects: BTreeMap<ProjectId, Subscription>,
    by_identifier: HashMap<String, ProjectId>,
    /// What was subscribed and is not wanted any more.
    leaving: Vec<String>,
}

impl Subscriptions {
    /// Takes over which projects are wanted. `nonce` makes a number that was not used before.
    pub(super) fn want(&mut self, wanted: &BTreeSet<ProjectId>, mut nonce: impl FnMut() -> u64) {
        let gone: Vec<ProjectId> = self.projects.keys().filter(|known| !wanted.contains(known)).copied().collect();
        for project in gone {
            let Some(Subscription { identifier, state }) = self.projects.remove(&project) else { continue };
            self.by_identifier.remove(&identifier);
            if matches!(state, SubscriptionState::Asked(_) | SubscriptionState::Confirmed) {
                self.leaving.push(identifier);
            }
        }
        for project in wanted {
            if !self.projects.contains_key(project) {
                let identifier = identifier(*project, nonce());
                self.by_identifier.insert(identifier.clone(), *project);
                self.projects.insert(*project, Subscription { identifier, state: SubscriptionState::Wanted });
            }
        }
    }

    /// Returns the commands that are due. A subscription without an answer for `patience` counts as refused.
    pub(super) fn commands(&mut self, now: Instant, patience: Duration) -> Vec<String> {
        let mut commands: Vec<String> = self.leaving.drain(..).map(|identifier| unsubscribe(&identifier)).collect();
        let mut waiting = 0;
        for subscription in self.projects.values_mut() {
            if let SubscriptionState::Asked(since) = subscription.state {
                if now.saturating_duration_since(since) > patience {
                    subscription.state = SubscriptionState::Refused;
                } else {
                    waiting += 1;
                }
            }
        }
        let wanted = self.projects.values_mut().filter(|one| one.state == SubscriptionState::Wanted);
        for subscription in wanted.take(MOST_WAITING.saturating_sub(waiting)) {
            subscription.state = SubscriptionState::Asked(now);
            commands.push(subscribe(&subscription.identifier));
        }
        commands
    }

    /// Takes in a frame about a subscription. Rails answers before it confirms, so that the order says nothing: what has
    /// been refused stays so.
    pub(super) fn take(&mut self, frame: CableFrame) -> SubscriptionNews {
        let (CableFrame::Confirmed(of)
        | CableFrame::Rejected(of)
        | CableFrame::Moved(of)
        | CableFrame::Acknowledged(of)
        | CableFrame::Over(of, _)) = &frame
        else {
            return SubscriptionNews::Unknown;
        };
        let Some(project) = self.by_identifier.get(of).copied() else { return SubscriptionNews::Unknown };
        let Some(subscription) = self.projects.get_mut(&project) else { return SubscriptionNews::Unknown };
        match frame {
            CableFrame::Confirmed(_) => {
                if subscription.state != SubscriptionState::Refused {
                    subscription.state = SubscriptionState::Confirmed;
                }
                SubscriptionNews::Nothing
            }
            CableFrame::Moved(_) => SubscriptionNews::Moved(project),
            CableFrame::Rejected(_) => {
                subscription.state = SubscriptionState::Refused;
                SubscriptionNews::Refused(project, "the subscription is rejected".to_owned())
            }
            CableFrame::Over(_, said) => {
                subscription.state = SubscriptionState::Refused;
                SubscriptionNews::Refused(project, said)
            }
            _ => SubscriptionNews::Nothing,
        }
    }

    /// Returns the projects that GitLab tells about.
    pub(super) fn confirmed(&self) -> BTreeSet<ProjectId> {
        let confirmed = self.projects.iter().filter(|(_, one)| one.state == SubscriptionState::Confirmed);
        confirmed.map(|(project, _)| *project).collect()
    }

    pub(super) fn counts(&self) -> SubscriptionCounts {
        let mut counts = SubscriptionCounts::default();
        for subscription in self.projects.values() {
            match subscription.state {
                SubscriptionState::Wanted | SubscriptionState::Asked(_) => counts.waiting += 1,
                SubscriptionState::Confirmed => counts.confirmed += 1,
                SubscriptionState::Refused => counts.refused += 1,
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn ids(ids: impl IntoIterator<Item = u64>) -> BTreeSet<ProjectId> {
        ids.into_iter().map(ProjectId).collect()
    }

    /// Subscribes these, and returns their identifiers in order.
    fn asked(subscriptions: &mut Subscriptions, projects: impl IntoIterator<Item = u64>) -> Vec<String> {
        let mut nonce = 0;
        subscriptions.want(&ids(projects), || {
            nonce += 1;
            nonce
        });
        sent(&subscriptions.commands(Instant::now(), PATIENCE), "subscribe")
    }

    fn sent(commands: &[String], kind: &str) -> Vec<String> {
        let parsed = commands.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
        let of_kind = parsed.filter(|command| command["command"] == kind);
        of_kind.map(|command| command["identifier"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn only_some_subscriptions_wait_for_an_answer_at_once() {
        let mut subscriptions = Subscriptions::default();
        let first = asked(&mut subscriptions, 0..120);
        assert_eq!(first.len(), MOST_WAITING);
        assert!(subscriptions.commands(Instant::now(), PATIENCE).is_empty());
        for identifier in &first[..20] {
            subscriptions.take(CableFrame::Confirmed(identifier.clone()));
        }
        assert_eq!(subscriptions.commands(Instant::now(), PATIENCE).len(), 20);
        let counts = SubscriptionCounts { waiting: 100, confirmed: 20, refused: 0 };
        assert_eq!(subscriptions.counts(), counts);
        // None of those that wait is answered in time: they make room, and are not told about.
        let later = Instant::now() + PATIENCE + Duration::from_secs(1);
        assert_eq!(subscriptions.commands(later, PATIENCE).len(), MOST_WAITING);
        assert_eq!(subscriptions.counts().refused, 50);
    }

    #[test]
    fn what_is_refused_stays_so_whatever_comes_first() {
        let over = |of: &str| CableFrame::Over(of.to_owned(), "Unauthorized subscription".to_owned());
        let confirmed = |of: &str| CableFrame::Confirmed(of.to_owned());
        type FrameOf<'a> = &'a dyn Fn(&str) -> CableFrame;
        let cases: [(&str, &[FrameOf<'_>], bool); 6] = [
            ("taken", &[&confirmed], true),
            ("refused, then taken", &[&over, &confirmed], false),
            ("taken, then refused", &[&confirmed, &over], false),
            ("rejected", &[&|of| CableFrame::Rejected(of.to_owned())], false),
            ("answered, and not taken yet", &[&|of| CableFrame::Acknowledged(of.to_owned())], false),
            ("answered and taken", &[&|of| CableFrame::Acknowledged(of.to_owned()), &confirmed], true),
        ];
        for (sentence, frames, is_confirmed) in cases {
            let mut subscriptions = Subscriptions::default();
            let of = asked(&mut subscriptions, [7]).remove(0);
            for frame in frames {
                subscriptions.take(frame(&of));
            }
            assert_eq!(subscriptions.confirmed().contains(&ProjectId(7)), is_confirmed, "{sentence}");
        }
    }

    #[test]
    fn projects_come_and_go() {
        let mut subscriptions = Subscriptions::default();
        let first = asked(&mut subscriptions, [1, 2, 3]);
        subscriptions.take(CableFrame::Confirmed(first[0].clone()));
        subscriptions.take(CableFrame::Rejected(first[2].clone()));
        subscriptions.want(&ids([2, 4]), || 99);
        let commands = subscriptions.commands(Instant::now(), PATIENCE);
        assert_eq!(sent(&commands, "unsubscribe"), [first[0].clone()], "what was refused is not subscribed");
        assert_eq!(sent(&commands, "subscribe").len(), 1);
        assert_eq!(subscriptions.take(CableFrame::Moved(first[0].clone())), SubscriptionNews::Unknown, "it is gone");
        assert_eq!(subscriptions.take(CableFrame::Moved(first[1].clone())), SubscriptionNews::Moved(ProjectId(2)));
        assert_eq!(subscriptions.take(CableFrame::Moved("made up".into())), SubscriptionNews::Unknown);
    }
}
