//! The families that are our own: the state of the group, how fresh it is, and how the server does.

use super::counter_book::CounterBook;
use super::exporter::ExporterState;
use super::metric_store::{own_key, own_values};
use super::own_families as family;
use crate::collect::cable_feed::FeedFacts;
use crate::domain::excerpt::SnapshotView;
use crate::domain::project::ProjectRow;
use crate::domain::server::Server;
use crate::domain::snapshot::Snapshot;
use crate::domain::usage::EndpointCount;
use crate::report::metrics::{self, Family, OwnFamily, Sample};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// What the server knows of itself and of GitLab.
#[derive(Debug)]
pub(super) struct ServerFacts {
    /// Webhooks by what became of them.
    pub hooks: BTreeMap<&'static str, u64>,
    pub endpoints: Vec<EndpointCount>,
    pub gitlab: Option<Server>,
    /// `None` where none is wanted.
    pub cable: Option<FeedFacts>,
}

/// A counter's labels, and what was counted since the start.
type CountedSample = (Vec<String>, u64);

/// Returns the families about a snapshot.
pub(super) fn of_snapshot(snapshot: &Snapshot) -> Vec<Family> {
    let mut all = metrics::families(&SnapshotView::all(snapshot));
    let sample = |row: &ProjectRow| {
        let labels = vec![("project", row.project.full_path.clone())];
        Some(Sample { labels, value: row.read_at()?.timestamp() as f64 })
    };
    all.push(family::PROJECT_READ.with(snapshot.rows.iter().filter_map(sample).collect()));
    all
}

/// Returns the families about the server. Its counters go on where an earlier process ended.
pub(super) fn of_the_server(exporter: &mut ExporterState, facts: &ServerFacts) -> Vec<Family> {
    let gauge = |family: &OwnFamily, value: f64| family.with(vec![Sample { labels: Vec::new(), value }]);
    let hook = |(outcome, count): (&&'static str, &u64)| (vec![(*outcome).to_owned()], *count);
    let endpoint = |found: &EndpointCount| {
        let status = found.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        (vec![found.endpoint.clone(), status], found.count)
    };
    let of_cable = |count: fn(&FeedFacts) -> u64| facts.cable.iter().map(|cable| (Vec::new(), count(cable))).collect();
    let counters: [(&OwnFamily, Vec<CountedSample>); 7] = [
        (&family::SERIES_DROPPED, vec![(Vec::new(), exporter.store().dropped())]),
        (&family::TRACKED_FAILURES, vec![(Vec::new(), exporter.failed())]),
        (&family::WEBHOOKS, facts.hooks.iter().map(hook).collect()),
        (&family::API_REQUESTS, facts.endpoints.iter().map(endpoint).collect()),
        (&family::CABLE_EVENTS, of_cable(|cable| cable.events)),
        (&family::CABLE_IGNORED, of_cable(|cable| cable.ignored)),
        (&family::CABLE_RECONNECTS, of_cable(|cable| cable.reconnects)),
    ];
    let mut families = vec![
        gauge(&family::SERIES, exporter.store().len() as f64),
        gauge(&family::TRACKED_DUE, exporter.counts().due as f64),
        family::GITLAB_INFO.with(facts.gitlab.iter().map(gitlab_info).collect()),
    ];
    families.extend(facts.cable.iter().flat_map(of_the_cable));
    let book = exporter.counters();
    families.extend(counters.map(|(family, counted)| family.with(kept(book, family, &counted))));
    families
}

fn of_the_cable(cable: &FeedFacts) -> [Family; 3] {
    let is = |family: &OwnFamily, holds: bool| {
        family.with(vec![Sample { labels: Vec::new(), value: if holds { 1.0 } else { 0.0 } }])
    };
    let counts = cable.subscriptions;
    let states = [("confirmed", counts.confirmed), ("refused", counts.refused), ("waiting", counts.waiting)];
    let states = states.map(|(state, count)| sample(&family::CABLE_SUBSCRIPTIONS, &[state.to_owned()], count as f64));
    [
        is(&family::CABLE_CONNECTED, cable.is_connected),
        is(&family::CABLE_RELIED_ON, cable.is_relied_on),
        family::CABLE_SUBSCRIPTIONS.with(states.into()),
    ]
}

/// Adds what was counted since the start to what was saved, and returns all that is known of a family: what an earlier
/// process has counted is shown, too, where this one has not counted it yet.
fn kept(book: &mut CounterBook, family: &OwnFamily, counted: &[CountedSample]) -> Vec<Sample> {
    let mut seen = BTreeSet::new();
    let mut samples = Vec::new();
    for (values, count) in counted {
        let key = own_key(values);
        let value = book.follow(family.name, &key, *count as f64);
        samples.push(sample(family, values, value));
        seen.insert(key.rest);
    }
    let earlier = book.of_family(family.name).filter(|(rest, _)| !seen.contains(*rest));
    samples.extend(earlier.map(|(rest, value)| sample(family, &own_values(rest), value)));
    samples
}

fn sample(family: &OwnFamily, values: &[String], value: f64) -> Sample {
    Sample { labels: family.labels.iter().copied().zip(values.iter().cloned()).collect(), value }
}

fn gitlab_info(server: &Server) -> Sample {
    let edition = server.is_enterprise.map_or("", |is_enterprise| if is_enterprise { "ee" } else { "ce" });
    sample(&family::GITLAB_INFO, &[server.version.clone(), edition.to_owned()], 1.0)
}

/// Returns a short text that is another one for another content.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().take(12).fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
