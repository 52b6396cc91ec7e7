//! `--wait`: reads until no pipeline is active any more, or until the deadline, and returns the last snapshot.

use super::cache::Cache;
use super::error::CliError;
use super::exit::Exit;
use super::output;
use super::progress::ProgressLine;
use super::run_context::RunContext;
use super::terminal;
use crate::collect::run::{Collector, ReadingReply};
use crate::collect::told::ToldProjects;
use crate::collect::watch::{self, WatchHooks, WatchUpdate};
use crate::config::{Config, NewerThan, Wait};
use crate::domain::snapshot::Snapshot;
use crate::domain::waiting;
use crate::text::plural::counted;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;
use tokio::sync::watch as channel;
use tokio::time::{Instant, timeout_at};

/// More projects than this are counted when the deadline comes.
const NAMED_AT_MOST: usize = 20;

/// Waits, and returns what there was to see in the end and whether the deadline came first.
pub(super) async fn run(
    collector: Collector,
    config: &Config,
    wait: &Wait,
    run_context: &RunContext,
    (cache, line): (&Cache, &ProgressLine),
) -> Result<(ReadingReply, Exit), CliError> {
    let (outlet, listener) = watch::watch_channel(WatchUpdate::new());
    let (_, asked) = watch::request_queue();
    let pace = watch::WatchPace {
        asked: config.pace.interval,
        rps: config.collecting.rps.unwrap_or(watch::DEFAULT_RPS),
        hands_out_rows: false,
        is_patient: false,
    };
    let hooks = WatchHooks {
        keep: Box::new(|collector| cache.keep(collector)),
        explain: Box::new(|group| terminal::failed_reading(group, config, run_context)),
        told: ToldProjects::default(),
    };
    let readings = async {
        let end = watch::run(collector, pace, outlet, asked, hooks).await;
        end.map_err(|group| terminal::group_error(group, config, run_context))
    };
    until_over(readings, listener.updates(), config, wait, line).await
}

/// Waits beside readings, wherever they come from, which end only with an error.
pub(super) async fn until_over(
    readings: impl Future<Output = Result<(), CliError>>,
    updates: channel::Receiver<WatchUpdate>,
    config: &Config,
    wait: &Wait,
    line: &ProgressLine,
) -> Result<(ReadingReply, Exit), CliError> {
    let deadline = Instant::now() + wait.deadline;
    tokio::select! {
        outcome = readings => match outcome {
            Err(error) => Err(error),
            Ok(()) => unreachable!("the receiver lives as long as this waits"),
        },
        waited = judge(updates, config, wait, deadline, line) => Ok(waited),
    }
}

/// Looks at every reading until one is the last.
///
/// The first is never cut short by the deadline: a deadline of zero asks for the present state.
async fn judge(
    mut updates: channel::Receiver<WatchUpdate>,
    config: &Config,
    wait: &Wait,
    deadline: Instant,
    line: &ProgressLine,
) -> (ReadingReply, Exit) {
    let mut newer_than: Option<DateTime<Utc>> = None;
    let mut judged: Option<Arc<Snapshot>> = None;
    loop {
        let update = updates.borrow_and_update().clone();
        let reply = |snapshot: &Snapshot| ReadingReply {
            snapshot: snapshot.clone(),
            unmatched: update.unmatched.clone(),
            excluded: update.excluded,
        };
        if let Some(snapshot) = update.whole() {
            let since = *newer_than.get_or_insert_with(|| begin(wait, snapshot.taken_at));
            let since = wait.newer_than.map(|_| since);
            let waited_for: Vec<(&str, &str)> = snapshot
                .rows
                .iter()
                .filter_map(|row| Some((row.project.full_path.as_str(), waiting::reason(row, since)?)))
                .collect();
            let is_failed = wait.fail_fast && snapshot.rows.iter().any(|row| config.verdict.fail_on.matches(row));
            if waited_for.is_empty() || is_failed {
                return (reply(snapshot), Exit::Done);
            }
            if Instant::now() >= deadline {
                tell(&waited_for);
                return (reply(snapshot), Exit::Deadline);
            }
            if judged.as_ref().is_none_or(|last| !Arc::ptr_eq(last, snapshot)) {
                line.say(format!("waiting for {}", counted(waited_for.len() as u64, "project")));
                judged = Some(snapshot.clone());
            }
            // At the deadline the last snapshot is judged once more.
            let _ = timeout_at(deadline, updates.changed()).await;
        } else if updates.changed().await.is_err() {
            // The readings have ended with an error, which the caller reports.
            std::future::pending::<()>().await;
        }
    }
}

fn begin(wait: &Wait, started: DateTime<Utc>) -> DateTime<Utc> {
    match wait.newer_than {
        Some(NewerThan::Time(time)) => time,
        Some(NewerThan::Ago(ago)) => {
            let ago = TimeDelta::from_std(ago).unwrap_or(TimeDelta::MAX);
            started.checked_sub_signed(ago).unwrap_or(DateTime::<Utc>::MIN_UTC)
        }
        None => started,
    }
}

/// Names what was waited for in vain.
fn tell(waited_for: &[(&str, &str)]) {
    let mut lines =
        vec![format!("the deadline came before {} had ended:", counted(waited_for.len() as u64, "project"))];
    lines.extend(waited_for.iter().take(NAMED_AT_MOST).map(|(project, why)| format!("  {project} {why}")));
    if let Some(more) = waited_for.len().checked_sub(NAMED_AT_MOST).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    output::to_stderr(&lines);
}
