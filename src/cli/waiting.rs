//! Says on standard error what a command waits for: a pause that the server asked for, or a late answer.

use super::output;
use crate::gitlab::client::{Client, Waiting};
use crate::text::duration::duration;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// From one look to the next.
const LOOK: Duration = Duration::from_secs(1);
/// A shorter pause is over before it is read about.
const SHORTEST_PAUSE: Duration = Duration::from_secs(2);
/// Large answers take GitLab a few seconds.
const SILENCE: Duration = Duration::from_secs(10);
/// Interval after which a silence that goes on is reported again.
const AGAIN: Duration = Duration::from_secs(30);

/// What was told last.
#[derive(Debug, Default)]
struct AnnouncedWaits {
    /// When the pause that was told of ends.
    pause_ends: Option<Instant>,
    /// For how long nothing had come.
    silent_for: Option<Duration>,
}

impl AnnouncedWaits {
    /// Returns the line that is due, if one is.
    fn line(&mut self, waiting: Option<Waiting>, host: &str, now: Instant) -> Option<String> {
        match waiting {
            Some(Waiting::Told { left }) => {
                let ends = now + left;
                let is_known = self.pause_ends.is_some_and(|known| ends <= known + SHORTEST_PAUSE);
                if is_known || left <= SHORTEST_PAUSE {
                    return None;
                }
                self.pause_ends = Some(ends);
                Some(format!("waiting for {host}: it asks for a pause, {} are left", duration(left)))
            }
            Some(Waiting::Silent { since }) if since >= SILENCE => {
                let is_known = self.silent_for.is_some_and(|known| since >= known && since < known + AGAIN);
                if is_known {
                    return None;
                }
                self.silent_for = Some(since);
                Some(format!("waiting for {host}: no answer for {}", duration(since)))
            }
            Some(Waiting::Silent { .. }) | None => {
                self.silent_for = None;
                None
            }
        }
    }
}

/// Does some work, and tells meanwhile what it waits for.
pub(super) async fn announced<T>(client: &Client, is_wanted: bool, work: impl Future<Output = T>) -> T {
    let telling = async {
        if !is_wanted {
            std::future::pending::<()>().await;
        }
        let host = client.host().to_string();
        let mut waits = AnnouncedWaits::default();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            if let Some(line) = waits.line(client.waiting(), &host, Instant::now()) {
                output::to_stderr(&[line]);
            }
        }
    };
    tokio::select! {
        outcome = work => outcome,
        () = telling => unreachable!("telling goes on as long as the work"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_once_and_a_silence_again_when_it_goes_on() {
        let start = Instant::now();
        let seconds = Duration::from_secs;
        let pause = |left| Some(Waiting::Told { left: seconds(left) });
        let silent = |since| Some(Waiting::Silent { since: seconds(since) });
        let cases = [
            ("nothing is waited for", 0, None, None),
            ("a short pause", 1, pause(2), None),
            ("a pause", 10, pause(60), Some("waiting for h: it asks for a pause, 1m are left")),
            ("the same pause a moment later", 11, pause(59), None),
            ("it was made longer", 12, pause(120), Some("waiting for h: it asks for a pause, 2m are left")),
            ("an answer takes its time", 200, silent(9), None),
            ("it takes too long", 201, silent(10), Some("waiting for h: no answer for 10s")),
            ("that is known", 202, silent(11), None),
            ("it goes on", 231, silent(40), Some("waiting for h: no answer for 40s")),
            ("another silence", 300, silent(12), Some("waiting for h: no answer for 12s")),
        ];
        let mut waits = AnnouncedWaits::default();
        for (sentence, at, waiting, expected) in cases {
            assert_eq!(waits.line(waiting, "h", start + seconds(at)).as_deref(), expected, "{sentence}");
        }
    }
}
