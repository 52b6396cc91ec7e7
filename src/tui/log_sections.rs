//! The sections of a log: which are open, which are folded, and what a folded one hides.
//!
//! A log may end a section that never began, or never end one: <https://docs.gitlab.com/ci/jobs/job_logs/>.

use crate::text::plural::counted;

/// Sections within one another; what is deeper belongs to the last of these.
const DEEPEST: usize = 16;
/// The most sections of one log; a later one belongs to the section around it.
const MOST_SECTIONS: usize = 10_000;

/// A section of the log.
#[derive(Debug)]
struct LogSection {
    name: String,
    /// The number of the section around it; 0 for none.
    around: usize,
    is_open: bool,
    is_folded: bool,
    /// Lines below its header, with those of the sections in it.
    lines: usize,
    errors: usize,
}

/// All sections of a log, numbered from 1; 0 is the log itself.
#[derive(Debug, Default)]
pub(super) struct LogSections {
    all: Vec<LogSection>,
    open: Vec<usize>,
    /// Counts what changes lines that are made already.
    pub(super) version: u64,
}

impl LogSections {
    /// Begins a section in the one that is open, and returns its number; `None` for one too many.
    pub(super) fn begin(&mut self, name: &str, is_folded: bool) -> Option<usize> {
        if self.open.len() >= DEEPEST || self.all.len() >= MOST_SECTIONS {
            return None;
        }
        let around = self.current();
        self.all.push(LogSection { name: name.into(), around, is_open: true, is_folded, lines: 0, errors: 0 });
        self.open.push(self.all.len());
        Some(self.all.len())
    }

    /// Ends a section and those in it that were not ended. Says whether there was one of that name.
    pub(super) fn end(&mut self, name: &str) -> bool {
        let Some(at) = self.open.iter().rposition(|number| self.name(*number) == name) else { return false };
        self.close_from(at);
        true
    }

    /// Ends all sections: nothing more comes.
    pub(super) fn end_all(&mut self) {
        self.close_from(0);
    }

    fn close_from(&mut self, at: usize) {
        for number in self.open.split_off(at) {
            let Some(section) = self.get_mut(number) else { continue };
            section.is_open = false;
            let is_folded = section.is_folded;
            self.version += u64::from(is_folded);
        }
    }

    /// Returns the section that a line belongs to which comes now.
    pub(super) fn current(&self) -> usize {
        self.open.last().copied().unwrap_or(0)
    }

    /// Counts a line below the headers of all sections that it is in.
    pub(super) fn count(&mut self, section: usize, is_error: bool) {
        let mut number = section;
        while let Some(section) = self.get_mut(number) {
            section.lines += 1;
            section.errors += usize::from(is_error);
            let is_seen = is_error && section.is_folded;
            number = section.around;
            self.version += u64::from(is_seen);
        }
    }

    pub(super) fn name(&self, section: usize) -> &str {
        self.get(section).map_or("", |section| section.name.as_str())
    }

    pub(super) fn is_folded(&self, section: usize) -> bool {
        self.get(section).is_some_and(|section| section.is_folded)
    }

    /// Returns the section around another one; 0 for none.
    pub(super) fn around(&self, section: usize) -> usize {
        self.get(section).map_or(0, |section| section.around)
    }

    /// Says whether lines of a section are hidden: it is folded, or one that it is in.
    pub(super) fn is_hidden(&self, section: usize) -> bool {
        let mut number = section;
        while let Some(section) = self.get(number) {
            if section.is_folded {
                return true;
            }
            number = section.around;
        }
        false
    }

    /// Folds a section, or unfolds it.
    pub(super) fn toggle(&mut self, section: usize) {
        if let Some(section) = self.get_mut(section) {
            section.is_folded = !section.is_folded;
            self.version += 1;
        }
    }

    /// Unfolds a section and those that it is in.
    pub(super) fn reveal(&mut self, section: usize) {
        let mut number = section;
        while let Some(section) = self.get_mut(number) {
            let was_folded = std::mem::take(&mut section.is_folded);
            number = section.around;
            self.version += u64::from(was_folded);
        }
    }

    /// Folds all sections but those with an error in them; where these are folded, unfolds all.
    pub(super) fn toggle_all(&mut self) {
        let may_fold = |section: &LogSection| section.errors == 0 && section.lines > 0;
        let is_folding = self.all.iter().any(|section| may_fold(section) && !section.is_folded);
        for section in &mut self.all {
            // What tells about the failure stays in sight.
            section.is_folded = is_folding && (section.is_folded || may_fold(section));
        }
        self.version += 1;
    }

    /// Says what a folded section hides.
    pub(super) fn hidden_words(&self, section: usize) -> String {
        let Some(section) = self.get(section) else { return String::new() };
        let mut words = match section.is_open {
            // Its lines still come: a number would have to be counted up in a line that is made once.
            true => "goes on".to_owned(),
            false => counted(section.lines, "line"),
        };
        match section.errors {
            0 => {}
            _ if section.is_open => words.push_str(", with errors"),
            errors => words.push_str(&format!(", {}", counted(errors, "error"))),
        }
        words
    }

    pub(super) fn hides_errors(&self, section: usize) -> bool {
        self.get(section).is_some_and(|section| section.is_folded && section.errors > 0)
    }

    fn get(&self, section: usize) -> Option<&LogSection> {
        self.all.get(section.checked_sub(1)?)
    }

    fn get_mut(&mut self, section: usize) -> Option<&mut LogSection> {
        self.all.get_mut(section.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `+name`, `-name`, and lines: `!` for an error. Returns the section of each line.
    fn read(log: &str) -> (LogSections, Vec<usize>) {
        let (mut sections, mut of_lines) = (LogSections::default(), Vec::new());
        for word in log.split_whitespace() {
            match (word.strip_prefix('+'), word.strip_prefix('-')) {
                (Some(name), _) => drop(sections.begin(name, false)),
                (_, Some(name)) => drop(sections.end(name)),
                _ => {
                    of_lines.push(sections.current());
                    sections.count(sections.current(), word == "!");
                }
            }
        }
        (sections, of_lines)
    }

    #[test]
    fn a_line_belongs_to_the_innermost_section_that_is_open() {
        let cases: [(&str, &str, &[usize]); 8] = [
            ("no section", "x x", &[0, 0]),
            ("one after another", "x +a x -a x +b x -b", &[0, 1, 0, 2]),
            ("one in another", "+a x +b x -b x -a x", &[1, 2, 1, 0]),
            ("the inner one is not ended", "+a +b x -a x", &[2, 0]),
            ("one ends that never began", "+a x -zzz x -a x", &[1, 1, 0]),
            ("the last is not ended", "+a x -a +b x x", &[1, 2, 2]),
            ("two of one name", "+a x +a x -a x -a x", &[1, 2, 1, 0]),
            ("they cross", "+a +b x -a x -b x", &[2, 0, 0]),
        ];
        for (sentence, log, expected) in cases {
            assert_eq!(read(log).1, expected, "{sentence}");
        }
    }

    #[test]
    fn a_hostile_log_cannot_grow_what_is_kept_without_end() {
        let deep: String = (0..50_000).map(|n| format!("+s{n} ")).collect();
        let (sections, _) = read(&deep);
        assert_eq!((sections.all.len(), sections.current()), (DEEPEST, DEEPEST));
        let many: String = (0..50_000).map(|n| format!("+s{n} -s{n} ")).collect();
        let (sections, of_lines) = read(&format!("{many} x"));
        assert_eq!((sections.all.len(), of_lines), (MOST_SECTIONS, vec![0]));
    }

    #[test]
    fn folding_one_hides_what_is_in_it_and_nothing_else() {
        let (mut sections, _) = read("+a x +b x -b -a +c x -c");
        sections.toggle(1);
        let hidden = |sections: &LogSections| [1, 2, 3].map(|section| sections.is_hidden(section));
        assert_eq!(hidden(&sections), [true, true, false]);
        sections.toggle(2);
        sections.toggle(1);
        assert_eq!(hidden(&sections), [false, true, false], "the inner one stays folded");
        sections.toggle(1);
        sections.reveal(2);
        assert_eq!(hidden(&sections), [false; 3]);
    }

    #[test]
    fn all_fold_but_those_that_tell_about_the_failure_and_unfold_again() {
        let (mut sections, _) = read("+a x -a +b x +c ! -c -b +empty -empty");
        let folded = |sections: &LogSections| [1, 2, 3, 4].map(|section| sections.is_folded(section));
        sections.toggle_all();
        assert_eq!(folded(&sections), [true, false, false, false]);
        sections.toggle_all();
        assert_eq!(folded(&sections), [false; 4]);
        sections.toggle(3);
        sections.toggle_all();
        assert_eq!(folded(&sections), [true, false, true, false], "what the user folded stays so");
        sections.toggle_all();
        assert_eq!(folded(&sections), [false; 4]);
    }

    #[test]
    fn what_is_hidden_is_said() {
        let (mut sections, _) = read("+a x ! ! -a +b x");
        assert_eq!([1, 2].map(|section| sections.hidden_words(section)), ["3 lines, 2 errors", "goes on"]);
        sections.toggle(2);
        let before = sections.version;
        sections.count(2, false);
        assert_eq!(sections.version, before, "a line in what is folded changes no line that is made");
        sections.count(2, true);
        assert!(sections.version > before && sections.hides_errors(2));
        assert_eq!(sections.hidden_words(2), "goes on, with errors");
        sections.end_all();
        assert_eq!(sections.hidden_words(2), "3 lines, 1 error");
    }
}
