//! Keeps a cable open, and says which projects are due and which need not be asked about in each turn.
//!
//! GitLab sends nothing again that was missed. So after each connection what is subscribed is read once, everything is
//! read once in a while whatever was told, and a reading that finds what nothing announced proves the feed silent.

use super::feed_evidence::FeedEvidence;
use super::told::ToldProjects;
use super::watch::{WatchListener, WatchUpdate};
use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::gitlab::cable::{Cable, CableEnd, CableEvent, SubscriptionCounts};
use crate::gitlab::client::Client;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

/// The longest wait before the next attempt at a connection, but for its jitter.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// A feed that was found silent, spoke again and was found silent once more, loses news.
const MOST_SILENCES: u32 = 2;

/// What is wrong with a feed that says nothing.
const SILENT: &str = "a pipeline changed that the cable did not tell about";

/// How the feed is kept.
#[derive(Debug, Clone, Copy)]
pub struct FeedOptions {
    /// A server that is not heard for so long is gone. GitLab sends a ping every three seconds.
    pub patience: Duration,
    /// The wait before the second attempt at a connection; doubles from there.
    pub first_wait: Duration,
}

/// What the feed says.
#[derive(Debug)]
pub enum FeedNews {
    /// Pipelines of these projects moved, or may have.
    Due(BTreeSet<ProjectId>),
    /// Something that the one who runs the program should know.
    Warning(String),
}

/// What is known of the feed.
#[derive(Debug, Clone, Default)]
pub struct FeedFacts {
    pub is_connected: bool,
    /// Whether projects are asked about less often because of it.
    pub is_relied_on: bool,
    /// When that ended.
    pub relied_until: Option<Instant>,
    pub subscriptions: SubscriptionCounts,
    pub events: u64,
    /// Frames that meant nothing to us.
    pub ignored: u64,
    /// Connections after the first.
    pub reconnects: u64,
    /// Why there is no feed, or none that is relied on.
    pub trouble: Option<String>,
}

/// A list of projects that changes over time.
pub type TrackedList = Arc<[Arc<Project>]>;

/// Where the feed goes.
pub struct FeedOutlet<'f> {
    pub told: ToldProjects,
    pub facts: watch::Sender<FeedFacts>,
    pub say: &'f (dyn Fn(FeedNews) + Send + Sync),
}

/// Keeps the feed until it is refused for good or no project list comes any more.
pub async fn run(
    client: Client,
    options: FeedOptions,
    projects: watch::Receiver<TrackedList>,
    listener: WatchListener,
    outlet: FeedOutlet<'_>,
) {
    let evidence = FeedEvidence::default();
    let updates = listener.updates();
    let mut feed = CableFeed {
        options,
        projects,
        updates,
        outlet,
        evidence,
        covered: BTreeSet::new(),
        silences: 0,
        is_silent: false,
    };
    let mut failures = 0;
    loop {
        if feed.projects.wait_for(|projects| !projects.is_empty()).await.is_err() {
            return;
        }
        let begun = Instant::now();
        let end = match client.open_cable(options.patience).await {
            Ok(cable) => {
                let end = feed.follow(cable).await;
                feed.lose();
                end
            }
            Err(error) if error.refuses_websockets() => FeedEnd::Refused(error.to_string()),
            Err(error) => FeedEnd::Passing(error.to_string()),
        };
        match end {
            FeedEnd::NoListener => return,
            FeedEnd::Refused(reason) => return feed.give_up(&reason),
            FeedEnd::Passing(reason) => {
                tracing::info!(reason, "the cable is not there");
                feed.outlet.facts.send_modify(|facts| facts.trouble = Some(reason));
            }
        }
        failures = if begun.elapsed() > LONGEST_WAIT { 0 } else { failures + 1 };
        sleep(wait_before(options.first_wait, failures, fastrand::f64())).await;
        feed.outlet.facts.send_modify(|facts| facts.reconnects += 1);
    }
}

/// Returns how long to wait after so many failures in a row. `chance` lies between 0 and 1: a server that restarts has many
/// clients, and they must not all come back at once.
fn wait_before(first: Duration, failures: u32, chance: f64) -> Duration {
    let wait = first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_WAIT);
    wait.mul_f64(1.0 + chance)
}

/// Why a connection is over.
enum FeedEnd {
    NoListener,
    /// Another attempt has no sense.
    Refused(String),
    Passing(String),
}

impl From<CableEnd> for FeedEnd {
    fn from(end: CableEnd) -> Self {
        match end {
            CableEnd::Broken(problem) => Self::Passing(problem),
            CableEnd::Silent(time) => Self::Passing(format!("nothing was heard for {time:?}")),
            CableEnd::Dismissed { reason, comes_back: true } => Self::Passing(format!("GitLab hung up: {reason}")),
            CableEnd::Dismissed { reason, comes_back: false } => Self::Refused(format!("GitLab hung up: {reason}")),
        }
    }
}

struct CableFeed<'f> {
    options: FeedOptions,
    projects: watch::Receiver<TrackedList>,
    updates: watch::Receiver<WatchUpdate>,
    outlet: FeedOutlet<'f>,
    evidence: FeedEvidence,
    /// What GitLab tells about, each of them read since.
    covered: BTreeSet<ProjectId>,
    /// How often the feed was found to be silent.
    silences: u32,
    is_silent: bool,
}

impl CableFeed<'_> {
    async fn follow(&mut self, mut cable: Cable) -> FeedEnd {
        self.outlet.facts.send_modify(|facts| {
            facts.is_connected = true;
            facts.trouble = self.is_silent.then(|| SILENT.to_owned());
        });
        self.projects.mark_changed();
        loop {
            if self.projects.has_changed().unwrap_or(false) {
                let wanted = self.projects.borrow_and_update().iter().map(|project| project.id).collect();
                cable.want(&wanted);
            }
            if let Err(end) = cable.send_due().await {
                return end.into();
            }
            if let Some(reason) = self.take_subscriptions(&cable) {
                return FeedEnd::Refused(format!("GitLab takes no subscription: {reason}"));
            }
            let proof = self.evidence.deadline();
            tokio::select! {
                event = cable.next() => match event {
                    CableEvent::Moved(project) => self.announce(project),
                    CableEvent::Changed => {}
                    CableEvent::Ignored => self.outlet.facts.send_modify(|facts| facts.ignored += 1),
                    CableEvent::Ended(end) => return end.into(),
                },
                changed = self.projects.changed() => {
                    if changed.is_err() {
                        return FeedEnd::NoListener;
                    }
                    self.projects.mark_changed();
                }
                changed = self.updates.changed() => {
                    if changed.is_err() {
                        return FeedEnd::NoListener;
                    }
                    self.look();
                }
                () = sleep_until(proof.unwrap_or_else(Instant::now)), if proof.is_some() => self.find_silent(),
            }
        }
    }

    /// Notes the confirmed subscriptions once every one is answered. Returns the reason if all of them were refused.
    fn take_subscriptions(&mut self, cable: &Cable) -> Option<String> {
        let counts = cable.counts();
        self.outlet.facts.send_if_modified(|facts| {
            let is_news = facts.subscriptions != counts;
            facts.subscriptions = counts;
            is_news
        });
        if counts.waiting > 0 {
            return None;
        }
        let confirmed = cable.confirmed();
        if confirmed != self.covered {
            let new: BTreeSet<ProjectId> = confirmed.difference(&self.covered).copied().collect();
            self.covered = confirmed;
            self.evidence.tell(&self.covered, Instant::now());
            self.rely();
            if !new.is_empty() {
                (self.outlet.say)(FeedNews::Due(new));
            }
        }
        cable.refusal_of_all().map(str::to_owned)
    }

    /// Polls subscribed projects less often, unless the feed is silent.
    fn rely(&self) {
        let told = if self.is_silent { BTreeSet::new() } else { self.covered.clone() };
        let is_relied_on = !told.is_empty();
        self.outlet.told.set(told);
        self.outlet.facts.send_modify(|facts| {
            if facts.is_relied_on && !is_relied_on {
                facts.relied_until = Some(Instant::now());
            }
            facts.is_relied_on = is_relied_on;
        });
    }

    fn announce(&mut self, project: ProjectId) {
        self.outlet.facts.send_modify(|facts| facts.events += 1);
        self.evidence.announce(project, Instant::now());
        if self.is_silent && self.silences < MOST_SILENCES {
            self.is_silent = false;
            self.outlet.facts.send_modify(|facts| facts.trouble = None);
            self.rely();
        }
        (self.outlet.say)(FeedNews::Due([project].into()));
    }

    fn look(&mut self) {
        let snapshot = self.updates.borrow_and_update().whole().cloned();
        if let Some(snapshot) = snapshot {
            self.evidence.look(&snapshot, Instant::now(), self.options.patience);
        }
    }

    /// Goes back to asking in each turn, and says so once.
    fn find_silent(&mut self) {
        self.evidence.forget();
        self.evidence.tell(&self.covered, Instant::now());
        if self.is_silent {
            return;
        }
        if self.silences == 0 {
            let warning = format!("{SILENT}: it is not relied on (is the feature switched off in GitLab?)");
            (self.outlet.say)(FeedNews::Warning(warning));
        }
        self.is_silent = true;
        self.silences += 1;
        self.outlet.facts.send_modify(|facts| facts.trouble = Some(SILENT.to_owned()));
        self.rely();
    }

    /// Notes that the connection is gone.
    fn lose(&mut self) {
        self.covered.clear();
        self.evidence.forget();
        self.rely();
        self.outlet.facts.send_modify(|facts| {
            facts.is_connected = false;
            facts.subscriptions = SubscriptionCounts::default();
        });
    }

    fn give_up(&self, reason: &str) {
        (self.outlet.say)(FeedNews::Warning(format!("the cable is not used: {reason}")));
        self.outlet.facts.send_modify(|facts| facts.trouble = Some(reason.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest_and_differ() {
        let first = Duration::from_millis(500);
        let cases = [(1, 0.0, 500), (1, 1.0, 1_000), (3, 0.0, 2_000), (8, 0.0, 60_000), (1_000, 1.0, 120_000)];
        for (failures, chance, expected) in cases {
            assert_eq!(wait_before(first, failures, chance).as_millis(), expected, "{failures} {chance}");
        }
        assert!(wait_before(Duration::ZERO, 5, 1.0).is_zero());
    }
}
