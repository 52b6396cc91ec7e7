//! Decides which columns fit into a terminal, and how wide each becomes. Pure arithmetic.

/// Cells between two columns.
pub(crate) const GUTTER: usize = 2;

/// How often columns are asked to give cells, each time down to a narrower target.
pub(crate) const ROUNDS: usize = 3;

/// What a column would like, and how far it gives way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColumnNeed {
    /// Cells that its widest content takes.
    pub natural: usize,
    /// The width it gives way to in each round; the last one is what it needs to be worth showing.
    pub targets: [usize; ROUNDS],
    /// `None` for a column that always stays; otherwise the highest number leaves first.
    pub leaves: Option<u8>,
    /// The width of a column that always stays, when nothing else can leave any more.
    pub floor: usize,
}

impl ColumnNeed {
    fn target(&self, round: usize) -> usize {
        self.targets[round].min(self.natural)
    }
}

/// Returns the width of each column in a terminal of `width` cells; `None` for a column that leaves.
///
/// Columns leave only when what they need to be worth showing does not fit; the others then share what is left,
/// the one furthest above its target giving first. Lines never become wider than the terminal, whatever its width.
pub(crate) fn fit_columns(needs: &[ColumnNeed], width: usize) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> = needs.iter().map(|need| Some(need.natural)).collect();
    while least(needs, &widths) > width {
        let leaving = (0..needs.len()).filter(|n| widths[*n].is_some()).max_by_key(|n| needs[*n].leaves);
        match leaving {
            Some(n) if needs[n].leaves.is_some() => widths[n] = None,
            Some(_) | None => break,
        }
    }
    for round in 0..ROUNDS {
        squeeze(&mut widths, width, |n| needs[n].target(round));
    }
    squeeze(&mut widths, width, |n| needs[n].floor.min(needs[n].natural));
    squeeze(&mut widths, width, |_| 1);
    if total(&widths) > width {
        // A terminal of a few cells: one column is better than lines that wrap.
        widths.fill(None);
        if let (Some(first), Some(need)) = (widths.first_mut(), needs.first()) {
            *first = Some(need.natural.min(width));
        }
    }
    widths
}

/// Takes cells from the columns, one at a time, until they fit or all have reached their targets.
fn squeeze(widths: &mut [Option<usize>], width: usize, target: impl Fn(usize) -> usize) {
    for _ in width..total(widths) {
        let excess = |n: usize| widths[n].map_or(0, |width| width.saturating_sub(target(n)));
        let Some(widest) = (0..widths.len()).max_by_key(|n| excess(*n)).filter(|n| excess(*n) > 0) else {
            return;
        };
        widths[widest] = widths[widest].map(|width| width - 1);
    }
}

fn least(needs: &[ColumnNeed], widths: &[Option<usize>]) -> usize {
    let least: Vec<_> = widths.iter().zip(needs).map(|(width, need)| width.map(|_| need.target(ROUNDS - 1))).collect();
    total(&least)
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten();
    shown.clone().sum::<usize>() + GUTTER * shown.count().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Project, ref, stages, age.
    fn needs(naturals: [usize; 4]) -> [ColumnNeed; 4] {
        let need = |n: usize, targets, leaves, floor| ColumnNeed { natural: naturals[n], targets, leaves, floor };
        [
            need(0, [30, 20, 16], None, 4),
            need(1, [20, 12, 8], Some(2), 8),
            need(2, [40, 24, 10], None, 2),
            need(3, [3, 3, 3], Some(1), 3),
        ]
    }

    #[test]
    fn columns_shrink_and_then_leave_by_importance() {
        let cases = [
            ("all fit", [18, 4, 30, 3], 80, [Some(18), Some(4), Some(30), Some(3)]),
            ("the widest gives first", [18, 4, 60, 3], 80, [Some(18), Some(4), Some(49), Some(3)]),
            ("all give to their targets", [40, 30, 60, 3], 70, [Some(22), Some(14), Some(25), Some(3)]),
            ("nothing leaves while the least fits", [40, 30, 60, 3], 43, [Some(16), Some(8), Some(10), Some(3)]),
            ("the least important leaves", [40, 30, 60, 3], 42, [Some(20), None, Some(15), Some(3)]),
            ("then the next", [40, 30, 60, 3], 30, [Some(17), None, Some(11), None]),
            ("what stays shrinks", [40, 30, 60, 3], 20, [Some(10), None, Some(8), None]),
            ("down to one column", [40, 30, 60, 3], 3, [Some(3), None, None, None]),
        ];
        for (sentence, naturals, width, expected) in cases {
            assert_eq!(fit_columns(&needs(naturals), width), expected, "{sentence}");
        }
    }

    proptest! {
        #[test]
        fn never_wider_than_the_terminal(naturals in proptest::array::uniform4(0usize..200), width in 0usize..300) {
            let widths = fit_columns(&needs(naturals), width);
            prop_assert!(total(&widths) <= width, "{:?}", widths);
            if width >= 20 {
                prop_assert!(widths[0].is_some() && widths[2].is_some());
            }
        }
    }
}
