//! The loop of the view without a picture: events and typed lines go in, lines come out.

use super::effect::{ViewEffect, ViewEvent};
use super::facts::ViewOptions;
use super::plain::{PlainStep, PlainView};
use super::run::{ViewEnd, ViewServices, ViewSources, hand_on, open_page};
use crate::collect::watch::WatchListener;
use std::io::{self, BufRead, IsTerminal, Write};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Writes what is and what changes, and takes what is typed, until the user has enough.
pub async fn run(options: ViewOptions, listener: WatchListener, services: ViewServices) -> io::Result<ViewEnd> {
    let mut view = PlainView::new(options, Instant::now());
    write(&[view.greeting()])?;
    let mut sources = ViewSources::new(listener, services);
    let (mut typed, mut is_typing) = (typed_lines(), true);
    // What programs write that were given a log, while the view goes on.
    let (written, mut writing) = mpsc::unbounded_channel();
    let first = ViewEvent::Update(Box::new(sources.latest()));
    let (lines, _) = view.take(first, Instant::now());
    write(&lines)?;
    loop {
        let step = tokio::select! {
            event = sources.next() => match event {
                Some(event) => view.take(event, Instant::now()),
                None => return Ok(ViewEnd::Closed),
            },
            Some(lines) = writing.recv() => (lines, Vec::new()),
            line = typed.recv(), if is_typing => match line {
                Some(line) => view.typed(&line, Instant::now()),
                // The end of what is typed, as by ctrl-d; where there never was anything, it goes on without.
                None if io::stdin().is_terminal() => return Ok(ViewEnd::Quit),
                None => {
                    is_typing = false;
                    continue;
                }
            },
        };
        if let Some(end) = perform(step, &sources.services, &written)? {
            return Ok(end);
        }
    }
}

/// The lines of a program that was given a log.
type ProgramLines = mpsc::UnboundedSender<Vec<String>>;

fn perform(
    (lines, effects): PlainStep,
    services: &ViewServices,
    written: &ProgramLines,
) -> io::Result<Option<ViewEnd>> {
    write(&lines)?;
    for effect in effects {
        match hand_on(effect, services) {
            Some(ViewEffect::Quit) => return Ok(Some(ViewEnd::Quit)),
            Some(ViewEffect::Interrupt) => return Ok(Some(ViewEnd::Interrupted)),
            Some(ViewEffect::Open(url)) => {
                let page = open_page(url);
                let what = if page.is_opened { "opening in the browser" } else { "there is no browser here" };
                write(&[format!("{what}; the address is {}", page.url)])?;
            }
            Some(ViewEffect::Page { words, text }) => {
                let written = written.clone();
                tokio::spawn(async move { written.send(super::outside::piped(&words, text).await) });
            }
            Some(ViewEffect::Save { path, text }) => write(&[super::outside::save(&path, &text)])?,
            // Its text comes as a change.
            Some(ViewEffect::Announce(announcement)) if announcement.has_bell => write_text("\u{7}")?,
            _ => {}
        }
    }
    Ok(None)
}

/// Reads standard input line by line, in a thread that ends with the program.
fn typed_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || io::stdin().lock().lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
    lines
}

fn write(lines: &[String]) -> io::Result<()> {
    let mut text = lines.join("\n");
    if !lines.is_empty() {
        text.push('\n');
    }
    write_text(&text)
}

fn write_text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
