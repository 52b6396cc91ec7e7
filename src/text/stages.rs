//! The stages of one pipeline in a given number of cells: the richest form that fits. Pure layout, no colour.

use super::glyph::{Charset, glyph};
use super::width::{cells, truncate, truncate_middle};
use crate::domain::status::Status;
use std::cmp::Reverse;

/// A cut name keeps this many cells of its own before the ellipsis; with fewer it tells nothing.
const NAME_AT_LEAST: usize = 3;

/// A stage as it is to be shown; the name is sanitised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StageMark {
    pub name: String,
    pub status: Status,
}

/// The forms, richest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StagesForm {
    /// `✓ build  ✗ test  ● deploy`
    Names,
    /// `✓ bui…  ✗ test  ● deploy`: what failed or runs keeps its name whole.
    CutNames,
    /// `✓✓ ✗ test »»`: only what failed or runs has its name.
    Focused,
    /// `✗ test+4`: the worst one.
    Worst,
    /// `✓✗●`
    Glyphs,
    /// `✗●+4`
    Counted,
}

/// Stages laid out: the pieces to print, each in the colour of its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FittedStages {
    pub form: StagesForm,
    /// Status and text of each stage that is shown, in the pipeline's order.
    pub pieces: Vec<(Status, String)>,
    /// The text between two pieces.
    pub gap: &'static str,
    /// `+n` for those not shown; empty when all are.
    pub rest: String,
}

/// Returns how many cells the richest form takes.
pub(crate) fn full_width(stages: &[StageMark]) -> usize {
    let names: usize = stages.iter().map(|stage| 2 + cells(&stage.name)).sum();
    names + NAME_GAP.len() * stages.len().saturating_sub(1)
}

/// Returns how many cells it takes so that what failed or runs keeps its name; a long name counts as one of a usual length.
pub(crate) fn focused_width(stages: &[StageMark]) -> usize {
    let usual = |stage: &StageMark| cells(&stage.name).min(NAME_USUALLY);
    focused_cells(&stages.iter().map(|stage| has_focus(stage).then(|| usual(stage))).collect::<Vec<_>>())
}

const NAME_GAP: &str = "  ";

/// Names of stages are seldom longer than this.
const NAME_USUALLY: usize = 20;

/// Says whether the reader wants to know the stage by name, however little room there is.
fn has_focus(stage: &StageMark) -> bool {
    matches!(stage.status, Status::Failed | Status::Running)
}

/// Returns the richest form that takes at most `width` cells.
pub(crate) fn fit_stages(stages: &[StageMark], width: usize, charset: Charset) -> FittedStages {
    if full_width(stages) <= width {
        return named(stages, StagesForm::Names, |_, stage| stage.name.clone(), charset);
    }
    let lengths: Vec<usize> = stages.iter().map(|stage| cells(&stage.name)).collect();
    let whole = |stage: &StageMark| if has_focus(stage) { usize::MAX } else { 0 };
    let overhead = full_width(stages) - lengths.iter().sum::<usize>();
    let least: Vec<usize> = stages.iter().map(whole).collect();
    if let Some(limits) = width.checked_sub(overhead).and_then(|room| name_limits(&lengths, &least, room)) {
        return named(stages, StagesForm::CutNames, |n, stage| shortened(&stage.name, limits[n], charset), charset);
    }
    if let Some(fitted) = focused(stages, &lengths, width, charset) {
        return fitted;
    }
    if stages.len() <= width {
        return glyphs(stages, StagesForm::Glyphs, &vec![true; stages.len()], charset);
    }
    counted(stages, width, charset)
}

/// Names what failed or runs: whole, else cut, else the worst alone; `None` where there is none or no room for a name.
fn focused(stages: &[StageMark], lengths: &[usize], width: usize, charset: Charset) -> Option<FittedStages> {
    let worst =
        (0..stages.len()).filter(|n| has_focus(&stages[*n])).min_by_key(|n| (stages[*n].status.severity(), *n))?;
    let all: Vec<bool> = stages.iter().map(has_focus).collect();
    let only_worst: Vec<bool> = (0..stages.len()).map(|n| n == worst).collect();
    for chosen in [all, only_worst] {
        let of_chosen: Vec<usize> =
            lengths.iter().zip(&chosen).filter(|(_, is)| **is).map(|(length, _)| *length).collect();
        let unnamed: Vec<Option<usize>> = chosen.iter().map(|is| is.then_some(0)).collect();
        let room = width.checked_sub(focused_cells(&unnamed));
        if let Some(limits) = room.and_then(|room| name_limits(&of_chosen, &vec![0; of_chosen.len()], room)) {
            let mut limits = limits.into_iter();
            let names = stages.iter().zip(&chosen).map(|(stage, is)| {
                let limit = if *is { limits.next() } else { None };
                limit.map(|limit| shortened(&stage.name, limit, charset))
            });
            return Some(mixed(stages, &names.collect::<Vec<_>>(), charset));
        }
    }
    let is_wanted = |status: &&Status| status.needs_attention() || status.is_active();
    let most = stages.iter().map(|stage| &stage.status).filter(is_wanted).map(Status::severity).min();
    if most.is_some_and(|most| most < stages[worst].status.severity()) {
        return None;
    }
    let rest = format!("+{}", stages.len() - 1);
    let room = width.checked_sub(2 + rest.len()).filter(|room| *room >= lengths[worst].min(NAME_AT_LEAST + 1))?;
    let name = shortened(&stages[worst].name, room, charset);
    let fitted = named(&stages[worst..=worst], StagesForm::Worst, |_, _| name.clone(), charset);
    Some(FittedStages { rest, ..fitted })
}

/// Cuts a name: a long one in its middle, where less is left at its end.
fn shortened(name: &str, width: usize, charset: Charset) -> String {
    const BOTH_ENDS: usize = 8;
    if width < BOTH_ENDS { truncate(name, width, charset) } else { truncate_middle(name, width, charset) }
}

/// Returns how many cells glyphs take among which some have a name of that length.
fn focused_cells(names: &[Option<usize>]) -> usize {
    let gaps = names.windows(2).filter(|pair| pair.iter().any(Option::is_some)).count();
    names.iter().map(|name| name.map_or(1, |name| 2 + name)).sum::<usize>() + gaps
}

/// Writes glyphs, some with a name and a blank around them.
fn mixed(stages: &[StageMark], names: &[Option<String>], charset: Charset) -> FittedStages {
    let piece = |n: usize| {
        let gap = if n > 0 && (names[n].is_some() || names[n - 1].is_some()) { " " } else { "" };
        let name = names[n].as_ref().map_or(String::new(), |name| format!(" {name}"));
        // A stage may have no name, or only blanks are left of it.
        let text = format!("{gap}{}{name}", glyph(&stages[n].status, charset)).trim_end().to_owned();
        (stages[n].status.clone(), text)
    };
    FittedStages {
        form: StagesForm::Focused,
        pieces: (0..stages.len()).map(piece).collect(),
        gap: "",
        rest: String::new(),
    }
}

fn named(
    stages: &[StageMark],
    form: StagesForm,
    name: impl Fn(usize, &StageMark) -> String,
    charset: Charset,
) -> FittedStages {
    let piece = |(n, stage): (usize, &StageMark)| {
        (stage.status.clone(), format!("{} {}", glyph(&stage.status, charset), name(n, stage)).trim_end().to_owned())
    };
    FittedStages { form, pieces: stages.iter().enumerate().map(piece).collect(), gap: NAME_GAP, rest: String::new() }
}

fn glyphs(stages: &[StageMark], form: StagesForm, shown: &[bool], charset: Charset) -> FittedStages {
    let pieces: Vec<_> = stages
        .iter()
        .zip(shown)
        .filter(|(_, shown)| **shown)
        .map(|(stage, _)| (stage.status.clone(), glyph(&stage.status, charset).to_owned()))
        .collect();
    FittedStages { form, pieces, gap: "", rest: String::new() }
}

/// Shares `room` cells among names: short ones keep theirs, the long ones are cut to the same length, but to no less than
/// their own `least`.
fn name_limits(lengths: &[usize], least: &[usize], room: usize) -> Option<Vec<usize>> {
    let cut = |limit: usize| -> Vec<usize> {
        lengths.iter().zip(least).map(|(length, least)| (*length).min(limit.max(*least))).collect()
    };
    let longest = lengths.iter().copied().max()?;
    let total = |limit: usize| cut(limit).iter().sum::<usize>();
    let limit = (NAME_AT_LEAST + 1..=longest.max(NAME_AT_LEAST + 1)).rev().find(|limit| total(*limit) <= room)?;
    let mut spare = room - total(limit);
    let widen = |(given, length): (usize, &usize)| {
        let extra = usize::from(given < *length && spare > 0);
        spare -= extra;
        given + extra
    };
    Some(cut(limit).into_iter().zip(lengths).map(widen).collect())
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
    FittedStages { rest, ..glyphs(stages, StagesForm::Counted, &chosen(stages, shown), charset) }
}

/// Chooses which stages are shown: the most severe of those that need attention, then the first of the others.
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

    fn text(fitted: &FittedStages) -> String {
        let pieces: Vec<&str> = fitted.pieces.iter().map(|(_, text)| text.as_str()).collect();
        format!("{}{}", pieces.join(fitted.gap), fitted.rest)
    }

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
            ("what passed is cut first", three, 24, Unicode, "✓ bui…  ✗ test  ● deploy"),
            ("what failed or runs keeps its name", three, 22, Unicode, "✓ ✗ test ● deploy"),
            ("then the longest of those is cut", three, 16, Unicode, "✓ ✗ test ● depl…"),
            ("then only the worst has its name", three, 14, Unicode, "✓ ✗ test ●"),
            ("and the others are counted", three, 9, Unicode, "✗ test+2"),
            ("glyphs alone", three, 7, Unicode, "✓✗●"),
            ("glyphs alone, exactly", three, 3, Unicode, "✓✗●"),
            ("what passed leaves first", three, 2, Unicode, "✗…"),
            ("a single cell", three, 1, Unicode, "✗"),
            ("nothing", three, 0, Unicode, ""),
            (
                "evenly where nothing failed",
                "build=success test=success deploy=manual",
                22,
                Unicode,
                "✓ bui…  ✓ test  ▷ dep…",
            ),
            ("glyphs when a name would lose its face", "build=success test=success deploy=manual", 21, Unicode, "✓✓▷"),
            ("a long name loses its middle", "integration-tests=failed a=success", 15, Unicode, "✗ integ…tests ✓"),
            ("of many, what failed and what runs", twelve, 22, Unicode, "✓✓✓✓✓»✓✓✓ ✗ j ▷ ● l"),
            ("of many, the worst", twelve, 17, Unicode, "✓✓✓✓✓»✓✓✓ ✗ j ▷●"),
            ("the worst is the last to go", twelve, 6, Unicode, "✗ j+11"),
            ("a glyph without its name", twelve, 5, Unicode, "✗▷●+9"),
            ("short names are not cut", "a=success b=failed", 8, Unicode, "✓ a  ✗ b"),
            ("the short name of what failed", "a=success b=failed", 7, Unicode, "✓ ✗ b"),
            ("short names do not fit", "a=success b=failed", 4, Unicode, "✓✗"),
        ];
        for (sentence, stages, width, charset, expected) in cases {
            assert_eq!(text(&fit_stages(&marks(stages), width, charset)), expected, "{sentence}");
        }
    }

    #[test]
    fn wide_names_are_cut_between_characters() {
        let stages = [StageMark { name: "配備する".into(), status: Status::Success }];
        assert_eq!(text(&fit_stages(&stages, 9, Unicode)), "✓ 配備す…");
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
            prop_assert!(cells(&text(&fitted)) <= width, "{:?}", fitted);
            let is_wanted = |s: &&Status| s.needs_attention() || s.is_active();
            let worst = stages.iter().map(|s| &s.status).filter(is_wanted).min_by_key(|s| s.severity());
            if let Some(worst) = worst {
                prop_assert!(fitted.pieces.iter().any(|(status, _)| status == worst), "{:?}", fitted);
            }
        }
    }
}
