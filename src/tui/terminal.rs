//! Taking the terminal, and giving it back as it was on every way out.

use super::announcement::ViewAnnouncement;
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::execute;
use crossterm::style::Print;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use parking_lot::Mutex;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use std::io::{self, BufWriter, Stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Bytes of a large picture, escape sequences included.
const PICTURE: usize = 256 * 1024;

/// The terminal while it is ours; dropping this gives it back.
#[derive(Debug)]
pub struct TerminalScreen {
    pub terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    /// The name that the window has by now.
    title: String,
}

impl TerminalScreen {
    /// Takes the terminal: raw keys, a screen of its own, no cursor.
    pub fn take() -> io::Result<Self> {
        give_back_on_panic();
        enter()?;
        match terminal() {
            Ok(terminal) => Ok(Self { terminal, title: String::new() }),
            Err(error) => {
                let _ = leave();
                Err(error)
            }
        }
    }

    /// Gives the terminal back, stops the process as ctrl-z does, and takes the terminal again when it goes on.
    pub fn suspend(&mut self) -> io::Result<()> {
        leave()?;
        self.title.clear();
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        enter()?;
        // A new one knows that its screen is empty. Clearing the old one would ask the terminal where the cursor is, and
        // wait for an answer that not every terminal gives.
        self.terminal = terminal()?;
        Ok(())
    }

    /// Gives the terminal to another program for a while.
    pub fn lend(&mut self) -> io::Result<()> {
        IS_LENT.store(true, Ordering::SeqCst);
        self.title.clear();
        leave()
    }

    /// Takes it again.
    pub fn take_again(&mut self) -> io::Result<()> {
        *LENT_UNTIL.lock() = Some(Instant::now());
        IS_LENT.store(false, Ordering::SeqCst);
        enter()?;
        self.terminal = terminal()?;
        Ok(())
    }

    /// Makes the mouse ours, or gives it back to the terminal.
    pub fn set_mouse(&mut self, is_ours: bool) -> io::Result<()> {
        HAS_MOUSE.store(is_ours, Ordering::SeqCst);
        if is_ours { execute!(io::stdout(), EnableMouseCapture) } else { execute!(io::stdout(), DisableMouseCapture) }
    }

    /// Takes over another size, and returns it.
    pub fn resize(&mut self) -> io::Result<(u16, u16)> {
        self.terminal.resize(area())?;
        Ok(self.size())
    }

    /// Names the window, where that is another name than before; a terminal without windows is left alone.
    pub fn set_title(&mut self, title: &str) -> io::Result<()> {
        if self.title == title || !has_windows() {
            return Ok(());
        }
        title.clone_into(&mut self.title);
        if !IS_NAMED.swap(true, Ordering::SeqCst) {
            execute!(io::stdout(), Print(KEEP_TITLE))?;
        }
        execute!(io::stdout(), SetTitle(title))
    }

    /// Asks the terminal to put a text on the clipboard (OSC 52).
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
    }

    /// Rings the bell, and asks the desktop to show a line (OSC 9), which a terminal without windows would not know.
    pub fn announce(&mut self, announcement: &ViewAnnouncement) -> io::Result<()> {
        let mut text = String::new();
        if let Some(shown) = announcement.text.as_ref().filter(|_| has_windows()) {
            text.push_str(&format!("\u{1B}]9;{shown}\u{7}"));
        }
        if announcement.has_bell {
            text.push('\u{7}');
        }
        execute!(io::stdout(), Print(text))
    }

    /// Returns how many columns and rows are drawn.
    pub fn size(&mut self) -> (u16, u16) {
        let area = self.terminal.get_frame().area();
        (area.width, area.height)
    }
}

/// The console of Linux has neither windows nor a desktop around it.
fn has_windows() -> bool {
    std::env::var("TERM").map_or(true, |term| term != "linux")
}

/// A terminal whose screen is taken for empty. Its size changes when that is reported, not in the middle of a picture.
fn terminal() -> io::Result<Terminal<CrosstermBackend<BufWriter<Stdout>>>> {
    let options = TerminalOptions { viewport: Viewport::Fixed(area()) };
    // A picture goes out in one write, however many cells have changed; standard output itself writes line by line.
    Terminal::with_options(CrosstermBackend::new(BufWriter::with_capacity(PICTURE, io::stdout())), options)
}

/// Returns the size of the terminal; one that does not tell its size, or tells 0, is taken for the classic one.
fn area() -> Rect {
    match crossterm::terminal::size() {
        Ok((width @ 1.., height @ 1..)) => Rect::new(0, 0, width, height),
        Ok(_) | Err(_) => Rect::new(0, 0, 80, 24),
    }
}

impl Drop for TerminalScreen {
    fn drop(&mut self) {
        // Nothing is left to tell that it failed.
        let _ = leave();
    }
}

/// Whether the window has a name of ours. Its own is kept by the terminal, where that can.
static IS_NAMED: AtomicBool = AtomicBool::new(false);
/// Puts the window's name on the terminal's stack, and takes it from there again (xterm's `CSI 22 t` and `CSI 23 t`).
const KEEP_TITLE: &str = "\u{1B}[22;0t";
const OLD_TITLE: &str = "\u{1B}[23;0t";

/// Whether the mouse is ours.
static HAS_MOUSE: AtomicBool = AtomicBool::new(false);

/// Whether another program has the terminal: then ctrl-c is meant for that one.
static IS_LENT: AtomicBool = AtomicBool::new(false);

/// When it was given back: an interrupt of that moment was meant for the other program, too.
static LENT_UNTIL: Mutex<Option<Instant>> = Mutex::new(None);
const SAME_MOMENT: Duration = Duration::from_millis(500);

/// Says whether another program has the terminal, or had it just now.
pub fn is_lent() -> bool {
    let was_lent = || LENT_UNTIL.lock().is_some_and(|until| until.elapsed() < SAME_MOMENT);
    IS_LENT.load(Ordering::SeqCst) || was_lent()
}

/// Whether the terminal is ours. To give it back twice would move the cursor over what was written in between.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    IS_TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, Hide).inspect_err(|_| drop(leave()))
}

fn leave() -> io::Result<()> {
    if !IS_TAKEN.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    if HAS_MOUSE.swap(false, Ordering::SeqCst) {
        execute!(io::stdout(), DisableMouseCapture)?;
    }
    // tmux gives the main screen its old size before it comes back: rows of ours that are wider by now would be broken over
    // two lines, and what then has no room would return among the user's own lines.
    let shown = execute!(io::stdout(), MoveTo(0, 0), Clear(ClearType::FromCursorDown), Show, LeaveAlternateScreen);
    if IS_NAMED.swap(false, Ordering::SeqCst) {
        execute!(io::stdout(), Print(OLD_TITLE))?;
    }
    disable_raw_mode()?;
    shown
}

/// A panic's message would be lost with the screen that it is written on.
fn give_back_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = leave();
        before(panic);
    }));
}
