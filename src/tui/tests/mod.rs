//! The view without a terminal: what keys and updates do to it, and how it looks.

mod hub_past;
mod keys;
mod needs;
mod pictures;
mod plain;
mod screens;
mod sections;
mod trouble;

use super::app::App;
use super::effect::{ViewEffect, ViewEvent};
use super::facts::ViewOptions;
use super::update::update;
use crate::act::rights::TokenRights;
use crate::collect::watch::{ChangeNews, WatchPhase, WatchUpdate};
use crate::domain::change::changes;
use crate::domain::health::RowOrder;
use crate::domain::health::tests::{failure, ran, row};
use crate::domain::id::{GroupId, PipelineId, ProjectId};
use crate::domain::job::Stage;
use crate::domain::project::{ProjectRow, RowState};
use crate::domain::snapshot::{Group, Problem, Snapshot};
use crate::domain::status::Status;
use crate::domain::usage::{Cost, Usage};
use crate::report::layout::StagesWidth;
use crate::report::status::{Row, StatusOptions};
use crate::text::glyph::Charset;
use chrono::{DateTime, TimeDelta, Utc};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const HOST: &str = "https://gitlab.example.com";

fn noon() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A project whose pipeline was created so many minutes before noon, with stages as in `build=success test=failed`.
fn project(id: u64, path: &str, word: &str, minutes: i64, stages: &str) -> ProjectRow {
    let created = noon() - TimeDelta::minutes(minutes);
    let mut row = ran(&format!("acme/{path}"), Status::from_gitlab(word), created.timestamp());
    Arc::make_mut(&mut row.project).id = ProjectId(id);
    Arc::make_mut(&mut row.project).web_url = Some(format!("{HOST}/acme/{path}"));
    row.as_of = noon();
    if let RowState::Ok(pipelines) = &mut row.state {
        let pipelines = Arc::make_mut(pipelines);
        pipelines[0].id = PipelineId(8100 + id);
        pipelines[0].duration = Some(Duration::from_secs(372));
        pipelines[0].finished_at = Some(created);
        pipelines[0].web_url = Some(format!("{HOST}/acme/{path}/-/pipelines/{}", 8100 + id));
        let stage = |(name, word): (&str, &str)| Stage {
            name: name.into(),
            status: Status::from_word(word).unwrap_or(Status::Other(word.into())),
            jobs: vec![],
        };
        pipelines[0].stages = stages.split_whitespace().filter_map(|word| word.split_once('=')).map(stage).collect();
    }
    row
}

/// Seven projects of which three want attention.
fn one_of_each() -> Vec<ProjectRow> {
    let other = |id, path: &str, state| {
        let mut row = row(&format!("acme/{path}"), state);
        Arc::make_mut(&mut row.project).id = ProjectId(id);
        row.as_of = noon();
        row
    };
    vec![
        project(1, "payments/api", "failed", 6, "build=success test=failed deploy=skipped"),
        project(2, "payments/gateway", "running", 3, "build=success test=running deploy=created"),
        project(3, "web/shop", "success", 20, "build=success test=success deploy=success"),
        other(4, "legacy/billing", RowState::Error(failure())),
        other(5, "secret/vault", RowState::NoAccess(failure())),
        other(6, "docs/handbook", RowState::NoPipeline { ever_ran: Some(false) }),
        project(7, "web/\u{1B}[31mevil\u{202E}", "canceled", 90, "build=success test=canceled"),
    ]
}

/// As many green projects: `p00`, `p01`...
fn many(projects: u64) -> Vec<ProjectRow> {
    (0..projects).map(|id| project(id, &format!("p{id:02}"), "success", 10, "build=success")).collect()
}

fn snapshot(rows: Vec<ProjectRow>, problems: Vec<Problem>) -> WatchUpdate {
    let group = Group { id: GroupId(12345), full_path: "acme".into(), web_url: None };
    let usage = Usage { requests: 41, limit: Some(2000), remaining: Some(1959), ..Usage::default() };
    let snapshot = Snapshot { host: HOST.into(), taken_at: noon(), groups: vec![group], rows, problems, usage };
    let cost = Cost { requests: 41, bytes: 1_234_567 };
    WatchUpdate { snapshot: Some(Arc::new(snapshot)), is_whole: true, cost, ..WatchUpdate::new() }
}

fn options() -> ViewOptions {
    let status = StatusOptions { wide: false, zone: chrono_tz::UTC, times: false };
    ViewOptions {
        columns: None,
        status,
        only: None,
        sort: RowOrder::Attention,
        charset: Charset::Unicode,
        color: false,
        stages: StagesWidth::Auto,
        host: HOST.into(),
        groups: vec!["12345".into()],
        interval: Duration::from_secs(10),
        read_only: None,
        rights: TokenRights::May,
        views: vec![],
        pager: "less".into(),
        keys: Default::default(),
        theme: Default::default(),
        bell: vec![],
        desktop: vec![],
    }
}

/// A view that has just got its first snapshot, and waits for the next.
fn app(rows: Vec<ProjectRow>, width: u16, height: u16, now: Instant) -> App {
    let mut app = App::new(options(), width, height, now);
    give(&mut app, snapshot(rows, vec![]), now);
    app
}

fn give(app: &mut App, news: WatchUpdate, now: Instant) {
    let interval = Duration::from_secs(10);
    let news = WatchUpdate { phase: WatchPhase::Waiting { until: now + Duration::from_secs(7), interval }, ..news };
    let before = app.facts.update.whole().cloned();
    if let (Some(before), Some(after)) = (before, news.whole()) {
        let changes = changes(Some(&before), after, 0);
        let news = ChangeNews::Changes(changes.into());
        assert!(update(app, ViewEvent::Changes(news), now).is_empty());
    }
    assert!(update(app, ViewEvent::Update(Box::new(news)), now).is_empty());
}

fn press(app: &mut App, code: KeyCode) -> Vec<ViewEffect> {
    let now = app.facts.now;
    update(app, ViewEvent::Key(KeyEvent::new(code, KeyModifiers::NONE)), now)
}

fn type_keys(app: &mut App, keys: &str) -> Vec<ViewEffect> {
    keys.chars().flat_map(|key| press(app, KeyCode::Char(key))).collect()
}

/// The effects by their names.
fn said(effects: &[ViewEffect]) -> Vec<String> {
    let name = |effect: &ViewEffect| {
        let whole = format!("{effect:?}");
        let is_short = matches!(effect, ViewEffect::Open(_));
        if is_short { whole } else { whole.split(['(', ' ']).next().unwrap_or_default().to_owned() }
    };
    effects.iter().map(name).collect()
}
