//! The stages of one pipeline in a given number of cells: the richest form that fits. Pure layout, no colour.

use super::glyph::{Charset, glyph};
use super::width::{cells, truncate};
use crate::domain::status::Status;
use std::cmp::Reverse;

/// A cut name keeps this many cells of its own before the ellipsis; with fewer it tells nothing.
const NAME_AT_LEAST: usize = 3;

/// A stage as it is to be shown; the name is sanitised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageMark {
    pub name: String,
    pub status: Status,
}

/// The forms, richest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `✓ build  ✗ test  ● deploy`
    Names,
    /// `✓ bui…  ✗ test  ● dep…`
    CutNames,
    /// `✓✗●`
    Glyphs,
    /// `✗●+4`
    Counted,
}

/// Stages laid out: the pieces to print, each in the colour of its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FittedStages {
    pub form: Form,
    /// Status and text of each stage that is shown, in the pipeline's order.
    pub pieces: Vec<(Status, String)>,
    /// What stands between two pieces.
    pub gap: &'static str,
    /// `+n` for those not shown; empty when all are.
    pub rest: String,
}

impl FittedStages {
    pub fn to_text(&self) -> String {
        let pieces: Vec<&str> = self.pieces.iter().map(|(_, text)| text.as_str()).collect();
        format!("{}{}", pieces.join(self.gap), self.rest)
    }
}

/// Returns how many cells the richest form takes.
pub fn full_width(stages: &[StageMark]) -> usize {
    let names: usize = stages.iter().map(|stage| 2 + cells(&stage.name)).sum();
    names + NAME_GAP.len() * stages.len().saturating_sub(1)
}

const NAME_GAP: &str = "  ";

/// Returns the richest form that takes at most `width` cells.
pub fn fit_stages(stages: &[StageMark], width: usize, charset: Charset) -> FittedStages {
    let overhead = full_width(stages) - stages.iter().map(|stage| cells(&stage.name)).sum::<usize>();
    if full_width(stages) <= width {
        return named(stages, Form::Names, |_, stage| stage.name.clone(), charset);
    }
    if let Some(limits) = width.checked_sub(overhead).and_then(|room| name_limits(stages, room)) {
        return named(stages, Form::CutNames, |n, stage| truncate(&stage.name, limits[n], charset), charset);
    }
    if stages.len() <= width {
        return glyphs(stages, Form::Glyphs, &vec![true; stages.len()], charset);
    }
    counted(stages, width, charset)
}

fn named(
    stages: &[StageMark],
    form: Form,
    name: impl Fn(usize, &StageMark) -> String,
    charset: Charset,
) -> FittedStages {
    let piece = |(n, stage): (usize, &StageMark)| {
        (stage.status.clone(), format!("{} {}", glyph(&stage.status, charset), name(n, stage)).trim_end().to_owned())
    };
    FittedStages { form, pieces: stages.iter().enumerate().map(piece).collect(), gap: NAME_GAP, rest: String::new() }
}

fn glyphs(stages: &[StageMark], form: Form, shown: &[bool], charset: Charset) -> FittedStages {
    let pieces: Vec<_> = stages
        .iter()
        .zip(shown)
        .filter(|(_, shown)| **shown)
        .map(|(stage, _)| (stage.status.clone(), glyph(&stage.status, charset).to_owned()))
        .collect();
    FittedStages { form, pieces, gap: "", rest: String::new() }
}

/// Shares `room` cells among the names: short ones keep theirs, the long ones are cut to the same length.
fn name_limits(stages: &[StageMark], room: usize) -> Option<Vec<usize>> {
    let lengths: Vec<usize> = stages.iter().map(|stage| cells(&stage.name)).collect();
    let total = |limit: usize| lengths.iter().map(|length| (*length).min(limit)).sum::<usize>();
    let longest = lengths.iter().copied().max()?;
    let limit = (NAME_AT_LEAST + 1..=longest).rev().find(|limit| total(*limit) <= room)?;
    let mut spare = room - total(limit);
    Some(
        lengths
            .iter()
            .map(|length| {
                let extra = usize::from(*length > limit && spare > 0);
                spare -= extra;
                (*length).min(limit + extra)
            })
            .collect(),
    )
}

/// Shows as many glyphs as leave room for `+n`; where that is none, the worst one and an ellipsis.
fn counted(stages: &[StageMark], width: usize, charset: Charset) -> FittedStages {
    let count = stages.len();
    let rest_of = |shown: usize| format!("+{}", count - shown);
    let (shown, rest) = match (1..count).rev().find(|shown| shown + rest_of(*shown).len() <= width) {
        Some(shown) => (shown, rest_of(shown)),
        None if width < 2 => (width, String::new()),
        None => (1, charset.ellipsis().to_owned()),
    };
    FittedStages { rest, ..glyphs(stages, Form::Counted, &chosen(stages, shown), charset) }
}

/// Chooses which stages are shown: the most severe of those that somebody should see, then the first of the others.
fn chosen(stages: &[StageMark], room: usize) -> Vec<bool> {
    let mut order: Vec<usize> = (0..stages.len()).collect();
    order.sort_by_key(|n| {
        let status = &stages[*n].status;
        let is_wanted = status.needs_attention() || status.is_active();
        (Reverse(is_wanted), if is_wanted { status.severity() } else { 0 }, *n)
    });
    let mut shown = vec![false; stages.len()];
    order.into_iter().take(room).for_each(|n| shown[n] = true);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use Charset::{Ascii, Unicode};
    use proptest::prelude::*;

    fn marks(stages: &str) -> Vec<StageMark> {
        let mark = |word: &str| {
            let (name, status) = word.split_once('=').unwrap();
            StageMark { name: name.into(), status: Status::from_word(status).unwrap() }
        };
        stages.split_whitespace().map(mark).collect()
    }

    #[test]
    fn the_richest_form_that_fits_is_taken() {
        let three = "build=success test=failed deploy=running";
        let twelve = "a=success b=success c=success d=success e=success f=skipped g=success h=success i=success j=failed k=manual l=running";
        let cases = [
            ("no stages", "", 10, Unicode, ""),
            ("names in full", three, 25, Unicode, "✓ build  ✗ test  ● deploy"),
            ("names in full, in ASCII", three, 25, Ascii, "v build  x test  * deploy"),
            ("the longest name is cut first", three, 24, Unicode, "✓ build  ✗ test  ● depl…"),
            ("then all evenly", three, 22, Unicode, "✓ bui…  ✗ test  ● dep…"),
            ("glyphs when a name would lose its face", three, 21, Unicode, "✓✗●"),
            ("glyphs alone", three, 3, Unicode, "✓✗●"),
            ("what passed leaves first", three, 2, Unicode, "✗…"),
            ("a single cell", three, 1, Unicode, "✗"),
            ("nothing", three, 0, Unicode, ""),
            ("the blocked stages stay", twelve, 8, Unicode, "✓✓✓✗▷●+6"),
            ("more room shows more of the start", twelve, 11, Unicode, "✓✓✓✓✓»✗▷●+3"),
            ("the worst is the last to go", twelve, 4, Unicode, "✗+11"),
            ("short names are not cut", "a=success b=failed", 8, Unicode, "✓ a  ✗ b"),
            ("short names do not fit", "a=success b=failed", 7, Unicode, "✓✗"),
        ];
        for (sentence, stages, width, charset, expected) in cases {
            assert_eq!(fit_stages(&marks(stages), width, charset).to_text(), expected, "{sentence}");
        }
    }

    #[test]
    fn wide_names_are_cut_between_characters() {
        let stages = [StageMark { name: "配備する".into(), status: Status::Success }];
        assert_eq!(fit_stages(&stages, 9, Unicode).to_text(), "✓ 配備す…");
    }

    proptest! {
        #[test]
        fn it_always_fits_and_shows_the_worst(
            names in proptest::collection::vec(("[a-z日🚀]{0,14}", 0usize..Status::KNOWN.len()), 1..14),
            width in 1usize..120,
        ) {
            let stages: Vec<_> = names
                .into_iter()
                .map(|(name, n)| StageMark { name, status: Status::KNOWN[n].clone() })
                .collect();
            let fitted = fit_stages(&stages, width, Unicode);
            prop_assert!(cells(&fitted.to_text()) <= width, "{:?}", fitted);
            let is_wanted = |s: &&Status| s.needs_attention() || s.is_active();
            let worst = stages.iter().map(|s| &s.status).filter(is_wanted).min_by_key(|s| s.severity());
            if let Some(worst) = worst {
                prop_assert!(fitted.pieces.iter().any(|(status, _)| status == worst), "{:?}", fitted);
            }
        }
    }
}
