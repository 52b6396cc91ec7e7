//! Turns the bytes of a log into lines and sections.

use super::line::{LINE_AT_MOST, WrittenLine};
use super::style::{StyledRun, painted};
use super::timestamp;
use crate::text::sanitise::{REPLACEMENT, STRING_AT_MOST};

const ESCAPE: char = '\u{1B}';
const CANCEL: u8 = 0x18;

/// What a log consists of, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanerEvent<'a> {
    Line(CleanLine<'a>),
    /// A section begins; its header is the next line. Seconds since 1970.
    SectionStart {
        name: &'a str,
        at: u64,
        /// The log wants it folded until the reader unfolds it.
        is_collapsed: bool,
    },
    /// A section ends. The log may end one that never began.
    SectionEnd {
        name: &'a str,
        at: u64,
    },
}

/// A line that a terminal can only print: of all control characters it holds at most tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CleanLine<'a> {
    /// As GitLab's viewer numbers it; an empty line has the number of the one before.
    pub number: u64,
    pub text: &'a str,
    /// When it was written, `19:00:00` in UTC, where the log says so.
    pub time: Option<&'a str>,
    /// Empty unless colours are kept, and where the line has none. Text before the first is plain.
    pub runs: &'a [StyledRun],
}

impl CleanLine<'_> {
    /// Returns the text with its colours for a terminal, reset at its end.
    pub fn painted(&self) -> String {
        painted(self.text, self.runs)
    }
}

/// Takes a log in pieces of any size and hands out what it says; what it keeps is bounded, whatever comes.
pub struct LogCleaner {
    timestamps: Timestamps,
    /// The first bytes of a line, until it is clear whether they are a timestamp.
    head: Vec<u8>,
    is_in_head: bool,
    /// The line is over unless the next one goes on with it.
    is_held: bool,
    /// The start of a character whose other bytes have not come yet.
    partial: Vec<u8>,
    escape: Option<Escape>,
    parser: vte::Parser,
    written: WrittenLine,
    number: u64,
    /// Of the line that is being written; empty where the log has none.
    time: String,
}

/// Whether the lines have timestamps: the first one decides, as in GitLab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timestamps {
    Unknown,
    Off,
    On,
}

/// An escape sequence that is being read.
#[derive(Debug, Clone, Copy, Default)]
struct Escape {
    /// Bytes so far.
    length: usize,
    /// A title, a link, a device's data: it holds text, up to its terminator.
    is_string: bool,
}

impl Default for LogCleaner {
    fn default() -> Self {
        Self {
            timestamps: Timestamps::Unknown,
            head: Vec::with_capacity(timestamp::LENGTH),
            is_in_head: true,
            is_held: false,
            partial: Vec::with_capacity(4),
            escape: None,
            parser: vte::Parser::new(),
            written: WrittenLine::default(),
            number: 0,
            time: String::new(),
        }
    }
}

impl LogCleaner {
    /// Makes one that drops colours.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one that keeps sixteen colours and bold.
    pub fn with_colours() -> Self {
        Self { written: WrittenLine::keeping_styles(), ..Self::default() }
    }

    /// Returns how many bytes are held for what comes, apart from the parser's own.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.head.capacity() + self.partial.capacity() + self.written.kept()
    }

    /// Takes the next piece of the log.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut impl FnMut(CleanerEvent<'_>)) {
        while !bytes.is_empty() {
            if self.is_in_head {
                let room = timestamp::LENGTH - self.head.len();
                let end = bytes.iter().take(room).position(|byte| *byte == b'\n');
                let (head, rest) = bytes.split_at(end.unwrap_or(room.min(bytes.len())));
                self.head.extend_from_slice(head);
                bytes = rest;
                if end.is_some() || self.head.len() == timestamp::LENGTH {
                    self.leave_head(out);
                }
                continue;
            }
            match bytes.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    if !self.pass(&bytes[..end], out) {
                        self.take(&bytes[..end], out);
                        self.end_physical_line(out);
                    }
                    bytes = &bytes[end + 1..];
                }
                None => {
                    self.take(bytes, out);
                    bytes = &[];
                }
            }
        }
    }

    /// Says that the log is over; what has no line end yet becomes a line if it has text.
    pub fn finish(&mut self, out: &mut impl FnMut(CleanerEvent<'_>)) {
        if self.is_in_head && !self.head.is_empty() {
            self.leave_head(out);
        }
        self.settle(out);
        if std::mem::take(&mut self.is_held) || !self.written.text.is_empty() {
            self.end_line(out);
        }
    }

    /// Hands a whole plain line on without copying it; returns false if it is not one.
    fn pass(&mut self, line: &[u8], out: &mut impl FnMut(CleanerEvent<'_>)) -> bool {
        let is_between_lines = self.timestamps == Timestamps::Off
            && self.escape.is_none()
            && self.partial.is_empty()
            && self.written.is_untouched();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // Without an early end the compiler makes it many bytes at a time.
        let is_plain = || line.len() <= LINE_AT_MOST && line.iter().fold(true, |all, byte| all & is_plain(*byte));
        if !is_between_lines || !is_plain() {
            return false;
        }
        let Ok(text) = str::from_utf8(line) else { return false };
        self.number += u64::from(!text.is_empty());
        out(CleanerEvent::Line(CleanLine { number: self.number.max(1), text, time: None, runs: &[] }));
        true
    }

    fn leave_head(&mut self, out: &mut impl FnMut(CleanerEvent<'_>)) {
        let head = std::mem::replace(&mut self.head, Vec::with_capacity(timestamp::LENGTH));
        self.is_in_head = false;
        let continues = timestamp::continues(&head);
        if self.timestamps == Timestamps::Unknown {
            self.timestamps = if continues.is_some() { Timestamps::On } else { Timestamps::Off };
        }
        if std::mem::take(&mut self.is_held) && continues != Some(true) {
            self.end_line(out);
        }
        match continues {
            // What goes on has the time of its beginning.
            Some(true) => {}
            Some(false) => {
                self.time.clear();
                self.time.push_str(timestamp::time_of(&head));
            }
            None => {
                self.time.clear();
                self.take(&head, out);
            }
        }
    }

    fn end_physical_line(&mut self, out: &mut impl FnMut(CleanerEvent<'_>)) {
        if self.timestamps == Timestamps::On {
            (self.is_held, self.is_in_head) = (true, true);
        } else {
            self.end_line(out);
        }
    }

    /// Decodes a part of a line; a character may go on in the next part.
    fn take(&mut self, mut bytes: &[u8], out: &mut impl FnMut(CleanerEvent<'_>)) {
        while !self.partial.is_empty() && !bytes.is_empty() {
            self.partial.push(bytes[0]);
            match str::from_utf8(&self.partial) {
                Ok(text) => {
                    let c = text.chars().next().unwrap_or(REPLACEMENT);
                    self.partial.clear();
                    self.write_char(c, out);
                }
                Err(error) if error.error_len().is_some() => {
                    self.partial.clear();
                    self.write_char(REPLACEMENT, out);
                    continue;
                }
                Err(_) => {}
            }
            bytes = &bytes[1..];
        }
        while !bytes.is_empty() {
            let (valid, length) = match str::from_utf8(bytes) {
                Ok(text) => return self.write(text, out),
                Err(error) => (error.valid_up_to(), error.error_len()),
            };
            self.write(str::from_utf8(&bytes[..valid]).unwrap_or_default(), out);
            let Some(length) = length else {
                self.partial.extend_from_slice(&bytes[valid..]);
                return;
            };
            match bytes[valid..valid + length] {
                // Alone it is what a terminal in an eight-bit mode takes for a control character.
                [byte @ 0x80..=0x9F] => self.write_char(char::from(byte), out),
                _ => self.write_char(REPLACEMENT, out),
            }
            bytes = &bytes[valid + length..];
        }
    }

    fn write(&mut self, mut text: &str, out: &mut impl FnMut(CleanerEvent<'_>)) {
        while let Some(first) = text.chars().next() {
            let plain = match self.escape {
                None => text.bytes().position(|byte| !is_plain(byte)).unwrap_or(text.len()),
                Some(_) => 0,
            };
            let (run, rest) = text.split_at(if plain == 0 { first.len_utf8() } else { plain });
            if plain == 0 {
                self.write_char(first, out);
            } else {
                self.written.push_plain(run);
            }
            text = rest;
        }
    }

    fn write_char(&mut self, c: char, out: &mut impl FnMut(CleanerEvent<'_>)) {
        match c {
            ESCAPE => self.begin_escape(),
            '\u{80}'..='\u{9F}' => {
                self.begin_escape();
                // A C1 character is ESC and the character 0x40 below it.
                self.read_escape(char::from_u32(u32::from(c) - 0x40).unwrap_or('@'));
            }
            _ if self.escape.is_some() => self.read_escape(c),
            '\r' => self.written.carriage_return(),
            '\u{8}' => self.written.backspace(),
            '\t' => self.written.push_plain("\t"),
            '\u{0}'..='\u{1F}' | '\u{7F}' => {}
            _ => self.written.push(c),
        }
        if let Some(marker) = self.written.found.take() {
            if !self.written.text.is_empty() {
                self.hand_out(out);
            }
            self.written.erase();
            let (name, at) = (marker.name.as_str(), marker.at);
            out(match marker.is_start {
                true => CleanerEvent::SectionStart { name, at, is_collapsed: marker.is_collapsed },
                false => CleanerEvent::SectionEnd { name, at },
            });
        }
    }

    fn begin_escape(&mut self) {
        self.parser.advance(&mut self.written, &[0x1B]);
        self.written.sequence_ended = false;
        self.escape = Some(Escape::default());
    }

    fn read_escape(&mut self, c: char) {
        let Some(mut escape) = self.escape else { return };
        let kind = if escape.length == 0 { Some(c) } else { None };
        escape.is_string |= matches!(kind, Some(']' | 'P' | 'X' | '^' | '_'));
        escape.length += c.len_utf8();
        self.escape = Some(escape);
        if let (true, Ok(byte)) = (c.is_ascii(), u8::try_from(c)) {
            self.parser.advance(&mut self.written, &[byte]);
        } else if !escape.is_string {
            self.cancel_escape();
            return self.written.push(c);
        }
        if self.written.sequence_ended {
            self.escape = None;
        } else if escape.length >= STRING_AT_MOST {
            self.cancel_escape();
        }
    }

    fn cancel_escape(&mut self) {
        if self.escape.take().is_some() {
            self.parser.advance(&mut self.written, &[CANCEL]);
        }
    }

    /// Gives up what has begun and can no longer end: half a character, an escape sequence.
    fn settle(&mut self, out: &mut impl FnMut(CleanerEvent<'_>)) {
        if !self.partial.is_empty() {
            self.partial.clear();
            self.write_char(REPLACEMENT, out);
        }
        self.cancel_escape();
    }

    fn end_line(&mut self, out: &mut impl FnMut(CleanerEvent<'_>)) {
        self.settle(out);
        if !(self.written.text.is_empty() && self.written.had_marker) {
            self.hand_out(out);
        }
        self.written.begin();
    }

    fn hand_out(&mut self, out: &mut impl FnMut(CleanerEvent<'_>)) {
        self.written.close();
        let text = self.written.text.as_str();
        self.number += u64::from(!text.is_empty());
        let time = Some(self.time.as_str()).filter(|time| !time.is_empty());
        out(CleanerEvent::Line(CleanLine { number: self.number.max(1), text, time, runs: &self.written.runs }));
    }
}

/// Printable ASCII, and the tab.
fn is_plain(byte: u8) -> bool {
    (0x20..0x7F).contains(&byte) || byte == b'\t'
}
