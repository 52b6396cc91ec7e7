//! The one integration binary. Which file holds what:
//!
//! - `dora.rs`: how well a group delivers, against simulated months whose failures were planted
//! - `stats_truth.rs`: the same against a simulated month whose causes were planted
//! - `stats.rs`: how good the CI is, from the history alone, and what is refused
//! - `status.rs`: the group as the simulated GitLab knows it, in every output
//! - `trouble.rs`: one bad project, what the exit code tells; the others named so begin here, too:
//! - `trouble_input.rs`: settings that cannot be used
//! - `trouble_access.rs`: tokens and groups that GitLab refuses
//! - `trouble_network.rs`: no way to the server, certificates, redirects
//! - `trouble_server.rs`: answers that no GitLab should give, and limits
//! - `trouble_output.rs`: nowhere to write to, and signals
//! - `conformance.rs`: GitLab's own documented answers
//! - `exporter_cases.rs`: the exporter that `glwatch serve` replaces, case by case
//! - `exporter_live.rs`: what it shows of refs that change: pipelines that come and go, projects that are new
//! - `exports.rs`: every format, files replaced whole, what is shown against what is judged
//! - `trouble.rs`: bad input and bad servers, each with its message and exit code
//! - `config.rs`: files, profiles, who may set what, `glwatch config`
//! - `gate.rs`: what would open a gate by mistake: refs, empty groups, variables, files
//! - `misplaced.rs`: answers that are well formed, and not what was asked for
//! - `log_file.rs`: a line for each request
//! - `list.rs`: projects that come, go, or are lost with a page of the list
//! - `cable.rs`: what GitLab's websocket tells the server, what that saves, and what goes wrong with it
//! - `cache.rs`: what one run leaves for the next
//! - `memory.rs`: what readings leave in the history, and what is answered from it
//! - `hub_past.rs`: what a hub remembers, and that a client of it shows that as its own memory
//! - `hub_earlier.rs`: what a hub remembers of one project, page by page, and that each screen shows it as over GitLab
//! - `history_fill.rs`: what a backfill brings and costs, and that it goes on where it was stopped
//! - `cost.rs`: how many requests a run makes, and how many at once
//! - `graphql.rs`: many projects with one request: the same answers as over REST, on any server, for less
//! - `queries.rs`: the queries themselves against the published schemas, and their complexity
//! - `real_logs.rs`: why it is red, on real logs and on answers that the simulated GitLab does not give
//! - `notify.rs`: the bell, the desktop and programs that get each change
//! - `openmetrics.rs`: a page of metrics of the real server, line by line after the formats' rules
//! - `watch.rs`: `--watch` without a terminal: what a refresh costs, what it tells, how it ends
//! - `wait.rs`: `--wait`, and where each exit code is reached
//! - `logs.rs`: a job's log, once and as it grows
//! - `act.rs`: retry, cancel and play: what is asked, refused, sent once
//! - `not_gitlab.rs`: answers that another server gives in GitLab's place
//! - `proxy.rs`: a real proxy in between
//! - `script.rs`: the script of the README, run as printed
//! - `words.rs`: first lines of errors, help, hints, completions, what `config check` finds
//! - `seams.rs`: what other front ends build on: handles of a client, the loop without the program around it
//! - `hub.rs`: another server of ours is read instead of GitLab: as strictly, and believed no more
//! - `serve.rs`: the server's addresses, who may look, what a webhook leads to, what it costs
//! - `serve_webhooks.rs`: webhooks that are lost, doubled, swapped or too many, and the truth in the end
//! - `serve_ages.rs`: GitLab goes away under a hub: what says how old things are
//! - `serve_hooks.rs`: the webhooks of the projects, listed, created and removed
//! - `serve_restart.rs`: counters of a server that is killed, and a memory that cannot be written
//! - `wildcards.rs`: users, all that is visible and single projects, as the exporter's file names them
//! - `secrets.rs`: the token shows nowhere
//! - `torn.rs`: readings that are half of one moment, that lack a part, or that never end
//! - `downstream.rs`: triggered pipelines that no pulse tells of
//! - `silence.rs`: what an answer leaves out is asked for again and never made up
//! - `kinds.rs`: the README's lists of kinds and states against the code
//! - `dashboard.rs`: views, what is remembered of them, logs outside, the mouse, what the token may
//! - `needs.rs`: what jobs need, and what it costs to know it
//! - `tmux.rs`: the same inside tmux; sizes in a storm; what a quiet refresh writes
//! - `pictures.rs`: the README's pictures, made of the screen
//! - `terminal.rs`: the real binary in a real terminal, the live view included

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

#[path = "../support/mod.rs"]
mod support;

mod act;
mod cable;
mod cache;
mod config;
mod conformance;
mod cost;
mod dashboard;
mod dora;
mod downstream;
mod explain;
mod exporter_cases;
mod exporter_live;
mod exports;
mod gate;
mod graphql;
mod headers;
mod history_fill;
mod hub;
mod hub_earlier;
mod hub_past;
mod kinds;
mod list;
mod log_file;
mod logs;
mod memory;
mod misplaced;
mod needs;
mod not_gitlab;
mod notify;
mod openmetrics;
mod pictures;
mod proxy;
mod queries;
mod real_logs;
mod script;
mod seam_act;
mod seams;
mod secret_sources;
mod secrets;
mod serve;
mod serve_ages;
mod serve_hooks;
mod serve_restart;
mod serve_webhooks;
mod silence;
mod stats;
mod stats_truth;
mod status;
mod terminal;
mod tmux;
mod torn;
mod trouble;
mod trouble_access;
mod trouble_input;
mod trouble_network;
mod trouble_output;
mod trouble_server;
mod wait;
mod watch;
mod wildcards;
mod words;
