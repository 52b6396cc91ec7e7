//! The cable of a server: how it is kept, and what its news lead to.

use crate::cli::output;
use crate::collect::cable_feed::{self, FeedFacts, FeedNews, FeedOptions, FeedOutlet, TrackedList};
use crate::collect::told::ToldProjects;
use crate::collect::watch::WatchListener;
use crate::config::{CableUse, Config};
use crate::gitlab::client::Client;
use crate::serve::hub::Hub;
use tokio::sync::watch as channel;

/// Keeps the cable as long as GitLab has one for us.
pub(super) async fn keep(
    hub: &Hub,
    client: &Client,
    config: &Config,
    (projects, listener): (channel::Receiver<TrackedList>, &WatchListener),
    told: ToldProjects,
) {
    if config.serve.cable.usage == CableUse::Off {
        return;
    }
    let say = |news: FeedNews| match news {
        FeedNews::Due(projects) => hub.wake_projects(&projects),
        FeedNews::Warning(warning) => {
            tracing::warn!(warning, "the cable");
            if !config.display.quiet {
                output::to_stderr(&[format!("warning: {warning}; pipelines are asked for")]);
            }
        }
    };
    let (facts, mut news) = channel::channel(FeedFacts::default());
    let options = FeedOptions { patience: config.serve.cable.patience, first_wait: config.collecting.retry_wait };
    let outlet = FeedOutlet { told, facts, say: &say };
    let passing_on = async {
        loop {
            hub.set_cable(news.borrow_and_update().clone());
            if news.changed().await.is_err() {
                return;
            }
        }
    };
    tokio::join!(cable_feed::run(client.clone(), options, projects, listener.clone(), outlet), passing_on);
}
