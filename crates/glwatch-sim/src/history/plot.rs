//! Who pushed what when: the pipelines and merge requests of one project, before anything fails.

use super::calendar::{DAY, HOUR, WorkCalendar};
use super::delivery::deliver;
use super::failures::plant;
use super::{HistoryEntry, LONGEST, MergePurpose, PastKind, PastMergeRequest, PastPipeline, ProjectHistory};
use crate::plan::USERS;
use crate::rng::Rng;

const MINUTE: i64 = 60_000;
/// How many pipelines lie ahead of the world's beginning, one a day.
const AHEAD: i64 = 3;

/// Makes up what happened in a project in the days before `anchor`.
pub(crate) fn plot(seed: u64, anchor: i64, project: u64, entry: &HistoryEntry) -> Result<ProjectHistory, String> {
    let mut rng = Rng::of(&[seed, 0x4157, project]);
    let days = i64::from(entry.days.max(1));
    let from = anchor - days * DAY;
    let calendar = WorkCalendar::new(from, anchor - 2 * HOUR);
    let mut history = ProjectHistory {
        from,
        pipelines: Vec::with_capacity(entry.pipelines),
        merge_requests: Vec::with_capacity(entry.merge_requests),
        deployments: Vec::new(),
        issues: Vec::new(),
        red_stretches: Vec::new(),
        flaky: None,
    };
    let mut events = request_events(&mut history, &mut rng, &calendar, entry);
    let Some(left) = entry.pipelines.checked_sub(events.len()) else {
        return Err(format!("a history of {} merge requests needs {} pipelines", entry.merge_requests, events.len()));
    };
    let nights = usize::try_from(days - 1).unwrap_or(0).min(left / 2);
    events.extend(night_events(anchor, nights, project));
    let pushes = left - nights;
    for n in 0..pushes {
        let share = (n as f64 + share(&mut rng)) / pushes as f64;
        events.push((calendar.at(share), if n % 8 == 5 { PastKind::Tag } else { PastKind::Push }));
    }
    space_out(&mut events, from, anchor)?;
    events.extend((1..=AHEAD).map(|day| (anchor + day * DAY - 5 * HOUR, PastKind::Push)));
    number(&mut history, &events, &mut rng);
    for request in &mut history.merge_requests {
        request.created = request.pushes[0] - 30_000;
        request.first_commit = request.first_commit.min(request.created - MINUTE);
    }
    plant(&mut history, &mut rng, project, entry.days, anchor);
    deliver(&mut history, &mut rng, entry.deployments, project, anchor)?;
    Ok(history)
}

/// Returns one pipeline for each of the last nights, at two and some.
fn night_events(anchor: i64, nights: usize, project: u64) -> impl Iterator<Item = (i64, PastKind)> {
    let midnight = anchor.div_euclid(DAY) * DAY;
    let minute = i64::try_from(project % 50).unwrap_or(0) * MINUTE;
    (0..nights as i64).map(move |back| (midnight - back * DAY - 22 * HOUR + minute, PastKind::Schedule))
}

/// Returns a number from 0 to 1.
fn share(rng: &mut Rng) -> f64 {
    rng.between(0, 1_000) as f64 / 1_000.0
}

/// Adds the merge requests and returns their pipelines: one for each push, one for the merge.
fn request_events(
    history: &mut ProjectHistory,
    rng: &mut Rng,
    calendar: &WorkCalendar,
    entry: &HistoryEntry,
) -> Vec<(i64, PastKind)> {
    let mut events = Vec::new();
    // A day's work as a share of all.
    let day = 1.3 / f64::from(entry.days.max(1));
    let most = (entry.pipelines / entry.merge_requests.max(1)).saturating_sub(1).clamp(1, 3);
    let mut opened: Vec<f64> = (0..entry.merge_requests)
        .map(|n| (n as f64 + share(rng)) / entry.merge_requests as f64 * (0.97 - 2.5 * day).max(0.1))
        .collect();
    opened.sort_by(f64::total_cmp);
    for (request, opened) in opened.into_iter().enumerate() {
        let count = 1 + usize::try_from(rng.next() % most as u64).unwrap_or(0);
        let mut at = opened;
        let mut pushes = Vec::with_capacity(count);
        for _ in 0..count {
            pushes.push(calendar.at(at));
            at += day * (0.3 + 0.3 * share(rng));
        }
        events.extend(pushes.iter().map(|push| (*push, PastKind::MergeRequest(request))));
        let (end, fate) = (calendar.at(at), rng.next() % 100);
        if fate < 85 {
            events.push((end, PastKind::Merge(request)));
        }
        history.merge_requests.push(PastMergeRequest {
            created: pushes[0] - 30_000,
            merged: None,
            closed: (85..93).contains(&fate).then_some(end),
            author: user(rng),
            first_commit: pushes[0] - rng.between(HOUR, 60 * HOUR),
            pushes,
            commit: None,
            purpose: MergePurpose::Change,
        });
    }
    events
}

fn user(rng: &mut Rng) -> usize {
    usize::try_from(rng.next() % USERS.len() as u64).unwrap_or(0)
}

/// Keeps the pipelines of the default branch apart, and any two by a second.
fn space_out(events: &mut Vec<(i64, PastKind)>, from: i64, anchor: i64) -> Result<(), String> {
    let (mut requests, mut trunk): (Vec<_>, Vec<_>) =
        std::mem::take(events).into_iter().partition(|(_, kind)| matches!(kind, PastKind::MergeRequest(_)));
    trunk.sort_by_key(|(at, _)| *at);
    for n in 1..trunk.len() {
        trunk[n].0 = trunk[n].0.max(trunk[n - 1].0 + LONGEST);
    }
    let mut latest = anchor - 2 * HOUR;
    for (at, _) in trunk.iter_mut().rev() {
        *at = (*at).min(latest);
        latest = *at - LONGEST;
    }
    if trunk.first().is_some_and(|(at, _)| *at < from) {
        return Err("a history has too many pipelines for its days".to_owned());
    }
    requests.append(&mut trunk);
    requests.sort_by_key(|(at, _)| *at);
    for n in 1..requests.len() {
        let before = requests[n - 1].0;
        requests[n].0 = requests[n].0.max((before.div_euclid(1_000) + 1) * 1_000 + before.rem_euclid(1_000));
    }
    *events = requests;
    Ok(())
}

/// Turns the events into pipelines with their commits.
fn number(history: &mut ProjectHistory, events: &[(i64, PastKind)], rng: &mut Rng) {
    let mut commit = 0;
    let mut pushes = vec![0; history.merge_requests.len()];
    for (created, kind) in events {
        let (created, kind) = (*created, *kind);
        commit += u32::from(kind.brings_commit());
        let of = match kind {
            PastKind::MergeRequest(request) => {
                let push = pushes[request];
                pushes[request] += 1;
                history.merge_requests[request].pushes[push as usize] = created;
                push
            }
            PastKind::Merge(request) => {
                history.merge_requests[request].merged = Some(created - 2_000);
                history.merge_requests[request].commit = Some(commit);
                commit
            }
            PastKind::Push | PastKind::Schedule | PastKind::Tag => commit,
        };
        let user = match kind {
            PastKind::MergeRequest(request) | PastKind::Merge(request) => history.merge_requests[request].author,
            _ => user(rng),
        };
        history.pipelines.push(PastPipeline { created, kind, commit: of, user, failure: None });
    }
}
