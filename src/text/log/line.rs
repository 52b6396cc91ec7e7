//! The line that is being written: what a terminal that knows only carriage return, backspace and erase would show.

use super::marker::{self, SectionMarker};
use super::style::{LogStyle, StyledRun};
use crate::text::sanitise::{Marks, shown};
use crate::text::size::size;

/// Bytes of text that are kept of a line. Longer than anything that is read, short enough for a ring of lines.
pub(super) const LINE_AT_MOST: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct WrittenLine {
    pub(super) text: String,
    pub(super) runs: Vec<StyledRun>,
    keeps_styles: bool,
    /// The escape sequence that was being read is over.
    pub(super) sequence_ended: bool,
    /// A section's marker that was read to its end; what stood before it is the text.
    pub(super) found: Option<SectionMarker>,
    /// Nothing but a marker makes no line.
    pub(super) had_marker: bool,
    style: LogStyle,
    marks: Marks,
    /// Bytes that did not fit.
    dropped: usize,
    /// The last of them: a marker may be there.
    dropped_end: String,
    /// After a carriage return: what comes next replaces the line.
    is_replaced: bool,
    /// A marker and a carriage return were read; it is one if the line is erased next.
    candidate: Option<SectionMarker>,
}

impl WrittenLine {
    pub(super) fn keeping_styles() -> Self {
        Self { keeps_styles: true, ..Self::default() }
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.text.capacity() + self.dropped_end.capacity() + self.runs.capacity() * size_of::<StyledRun>()
    }

    /// Says whether nothing has been written and the next text has no style.
    pub(super) fn is_untouched(&self) -> bool {
        let is_plain = !self.keeps_styles || self.style == LogStyle::default();
        is_plain && self.text.is_empty() && !self.is_replaced && !self.had_marker && self.candidate.is_none()
    }

    /// Adds printable ASCII and tabs.
    pub(super) fn push_plain(&mut self, text: &str) {
        if let Some(last) = text.chars().next_back() {
            self.before_text();
            self.marks.admits(last);
            let room = if self.dropped > 0 { 0 } else { LINE_AT_MOST - self.text.len() };
            let (kept, rest) = text.split_at(room.min(text.len()));
            self.text.push_str(kept);
            self.drop_text(rest);
        }
    }

    /// Adds any other character, or its replacement.
    pub(super) fn push(&mut self, c: char) {
        let Some(c) = shown(c).filter(|c| self.marks.admits(*c)) else { return };
        self.before_text();
        if self.dropped > 0 || self.text.len() + c.len_utf8() > LINE_AT_MOST {
            self.drop_text(c.encode_utf8(&mut [0; 4]));
        } else {
            self.text.push(c);
        }
    }

    fn before_text(&mut self) {
        self.candidate = None;
        if self.is_replaced {
            self.erase();
            self.is_replaced = false;
        }
        let current = self.runs.last().map(|run| run.style).unwrap_or_default();
        if self.keeps_styles && self.dropped == 0 && current != self.style {
            self.runs.push(StyledRun { start: self.text.len(), style: self.style });
        }
    }

    fn drop_text(&mut self, text: &str) {
        self.dropped += text.len();
        let near = text.len().saturating_sub(marker::AT_MOST + 4);
        let start = (near..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(near);
        self.dropped_end.push_str(&text[start..]);
        let surplus = self.dropped_end.len().saturating_sub(2 * marker::AT_MOST);
        let start = (surplus..=self.dropped_end.len()).find(|at| self.dropped_end.is_char_boundary(*at));
        self.dropped_end.drain(..start.unwrap_or(0));
    }

    pub(super) fn carriage_return(&mut self) {
        if !self.is_replaced {
            self.candidate = if self.dropped == 0 {
                SectionMarker::at_end(&self.text)
            } else {
                let near = self.text.len().saturating_sub(marker::AT_MOST);
                let start = (near..=self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(near);
                let before = if self.dropped <= marker::AT_MOST { &self.text[start..] } else { "" };
                SectionMarker::at_end(&format!("{before}{}", self.dropped_end))
            };
        }
        self.is_replaced = true;
    }

    pub(super) fn backspace(&mut self) {
        self.candidate = None;
        if !self.is_replaced && self.dropped == 0 && self.text.pop().is_some() {
            let end = self.text.len();
            self.runs.retain(|run| run.start < end);
        }
    }

    /// Cuts the marker off and leaves the text before it.
    fn accept(&mut self, marker: SectionMarker) {
        let of_dropped = marker.length.min(self.dropped);
        self.dropped -= of_dropped;
        self.text.truncate(self.text.len() - (marker.length - of_dropped));
        let end = self.text.len();
        self.runs.retain(|run| run.start < end);
        self.is_replaced = false;
        self.had_marker = true;
        self.found = Some(marker);
    }

    /// Says in the text how much of the line is missing.
    pub(super) fn close(&mut self) {
        if self.dropped > 0 {
            if self.runs.last().is_some_and(|run| run.style != LogStyle::default()) {
                self.runs.push(StyledRun { start: self.text.len(), style: LogStyle::default() });
            }
            let more = size(self.dropped as u64);
            self.text.push_str(&format!("… {more} more on this line"));
        }
    }

    /// Takes all text away.
    pub(super) fn erase(&mut self) {
        self.text.clear();
        self.runs.clear();
        self.dropped = 0;
        self.dropped_end.clear();
        self.marks = Marks::default();
    }

    /// Begins the next line; the style goes on.
    pub(super) fn begin(&mut self) {
        self.erase();
        self.is_replaced = false;
        self.had_marker = false;
        self.candidate = None;
    }
}

impl vte::Perform for WrittenLine {
    /// Comes only after an unknown sequence has ended without a word.
    fn print(&mut self, c: char) {
        self.push(c);
        self.sequence_ended = true;
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\r' => self.carriage_return(),
            8 => self.backspace(),
            // Cancel and substitute break off any sequence.
            0x18 | 0x1A => self.sequence_ended = true,
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &vte::Params, intermediates: &[u8], _: bool, action: char) {
        self.sequence_ended = true;
        let candidate = self.candidate.take();
        if !intermediates.is_empty() {
            return;
        }
        let first = params.iter().next().and_then(|param| param.first()).copied().unwrap_or(0);
        match (action, first) {
            ('m', _) => self.style.apply(params),
            ('K', 0) if candidate.is_some() => candidate.into_iter().for_each(|marker| self.accept(marker)),
            ('K' | 'J', 0) if self.is_replaced => self.erase(),
            ('K', 2) => self.erase(),
            ('G', 0 | 1) => self.is_replaced = true,
            _ => {}
        }
    }

    fn esc_dispatch(&mut self, _: &[u8], _: bool, _: u8) {
        self.sequence_ended = true;
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.sequence_ended = true;
    }

    fn unhook(&mut self) {
        self.sequence_ended = true;
    }
}
