//! A program in a terminal with a user: what the screen shows, keys, sizes, and the state in which it leaves the terminal.

use super::running::{DEADLINE, send_signal};
use super::{BINARY, Env};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};
use vt100::Parser;

pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    parser: Parser,
    mode_before: String,
    /// Every byte, control sequences included.
    pub(crate) raw: Vec<u8>,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// Returns what a terminal shows that does not tell its size.
fn shown(columns: u16, rows: u16) -> (u16, u16) {
    if columns == 0 || rows == 0 { (80, 24) } else { (columns, rows) }
}

fn parser(columns: u16, rows: u16) -> Parser {
    let (columns, rows) = shown(columns, rows);
    Parser::new(rows, columns, 0)
}

impl Env {
    /// Starts it in a terminal of this size.
    pub(crate) fn open(&self, arguments: &[&str], columns: u16, rows: u16) -> Terminal {
        self.open_program(BINARY, arguments, columns, rows)
    }

    /// Starts any program, in the same environment.
    pub(crate) fn open_program(&self, program: &str, arguments: &[&str], columns: u16, rows: u16) -> Terminal {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mode_before = mode(pair.master.as_ref());
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.cwd(self.home());
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        if !self.variables.iter().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm-256color");
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let (sender, output) = channel();
        spawn(move || {
            let mut buffer = [0; 4096];
            // Linux answers EIO once the last writer has gone: the end, not an error.
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        let parser = parser(columns, rows);
        Terminal { master: pair.master, keys, child, output, parser, mode_before, raw: Vec::new() }
    }
}

impl Terminal {
    /// What it shows.
    pub(crate) fn contents(&self) -> String {
        self.parser.screen().contents()
    }

    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Waits until what it shows is what is meant.
    #[track_caller]
    pub(crate) fn wait_until(&mut self, is_meant: impl Fn(&str) -> bool) {
        let until = Instant::now() + DEADLINE;
        while !is_meant(&self.contents()) {
            match self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(why) => panic!("not shown ({why}):\n{}", self.contents()),
            }
        }
    }

    /// Takes what it shows within a moment.
    pub(crate) fn take_for(&mut self, moment: Duration) {
        if let Ok(bytes) = self.output.recv_timeout(moment) {
            self.take(&bytes);
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
        self.raw.extend_from_slice(bytes);
    }

    pub(crate) fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let (columns_shown, rows_shown) = shown(columns, rows);
        self.parser.screen_mut().set_size(rows_shown, columns_shown);
        self.master.resize(size(columns, rows)).unwrap();
    }

    pub(crate) fn signal(&self, signal: &str) {
        send_signal(self.child.process_id().unwrap(), signal);
    }

    /// Waits for its end; the exit code.
    #[track_caller]
    pub(crate) fn end(&mut self) -> i32 {
        let until = Instant::now() + DEADLINE;
        while let Ok(bytes) = self.output.recv_timeout(until.saturating_duration_since(Instant::now())) {
            self.take(&bytes);
        }
        assert!(Instant::now() < until, "it did not end; it shows:\n{}", self.contents());
        self.child.wait().unwrap().exit_code() as i32
    }

    /// Says where in the output a control sequence was written last.
    pub(crate) fn last(&self, sequence: &str) -> Option<usize> {
        self.raw.windows(sequence.len()).rposition(|bytes| bytes == sequence.as_bytes())
    }

    /// Says whether keys are shown and gathered to lines as they were before it started: not raw.
    pub(crate) fn is_as_before(&self) -> bool {
        mode(self.master.as_ref()) == self.mode_before
    }
}

fn mode(master: &(dyn MasterPty + Send)) -> String {
    format!(
        "{:?}",
        master.get_termios().map(|termios| (termios.local_flags, termios.input_flags, termios.output_flags))
    )
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
