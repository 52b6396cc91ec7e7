//! Writes a terminal's screen as SVG: the same cells that a test looks at.

use std::fmt::Write as _;
use vt100::{Cell, Color, Screen};

/// Of one cell, in pixels; the font is as wide as its cells, whatever the reader's machine has.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
const MARGIN: f64 = 10.0;
const BACKGROUND: &str = "#1c1f26";
const FOREGROUND: &str = "#d7dae0";
/// The terminal's sixteen colours.
const PALETTE: [&str; 16] = [
    "#1c1f26", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d7dae0", "#7f848e", "#ff7b86",
    "#b5e08f", "#ffd98f", "#7cc4ff", "#dc92f0", "#6fd3df", "#ffffff",
];

/// Cells of one look that are beside one another.
struct CellRun {
    text: String,
    start: u16,
    cells: u16,
    look: String,
}

/// Returns the picture, with a title for those who do not see it.
pub(crate) fn of_screen(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (width, height) = (f64::from(columns) * WIDTH + 2.0 * MARGIN, f64::from(rows) * HEIGHT + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n\
         <title>{}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{BACKGROUND}\"/>\n\
         <g font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"14\" fill=\"{FOREGROUND}\" \
         xml:space=\"preserve\">\n",
        escaped(title)
    );
    for row in 0..rows {
        for run in runs(screen, row, columns).iter().filter(|run| !run.text.trim().is_empty()) {
            let (x, y) = (MARGIN + f64::from(run.start) * WIDTH, MARGIN + (f64::from(row) + 0.75) * HEIGHT);
            let length = f64::from(run.cells) * WIDTH;
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" textLength=\"{length:.1}\"{}>{}</text>",
                run.look,
                escaped(&run.text)
            );
        }
    }
    svg + "</g>\n</svg>\n"
}

fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<CellRun> {
    let mut runs: Vec<CellRun> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column) else { continue };
        if cell.is_wide_continuation() {
            runs.iter_mut().next_back().into_iter().for_each(|run| run.cells += 1);
            continue;
        }
        let (text, look) = (if cell.has_contents() { cell.contents() } else { " " }, look(cell));
        // Blanks between columns part runs: what is right of them must not drift.
        let is_gap = text == " " && runs.last().is_some_and(|run| run.text.ends_with(' '));
        match runs.last_mut().filter(|run| run.look == look && !is_gap) {
            Some(run) => {
                run.text.push_str(text);
                run.cells += 1;
            }
            None => runs.push(CellRun { text: text.to_owned(), start: column, cells: 1, look }),
        }
    }
    for run in &mut runs {
        let blanks = run.text.len() - run.text.trim_start_matches(' ').len();
        run.start += blanks as u16;
        run.text = run.text.trim().to_owned();
        run.cells = screen_cells(&run.text);
    }
    runs
}

fn screen_cells(text: &str) -> u16 {
    unicode_width::UnicodeWidthStr::width(text) as u16
}

fn look(cell: &Cell) -> String {
    let mut look = String::new();
    if let Some(color) = color(cell.fgcolor()) {
        let _ = write!(look, " fill=\"{color}\"");
    }
    if cell.bold() {
        look.push_str(" font-weight=\"bold\"");
    }
    if cell.dim() {
        look.push_str(" opacity=\"0.6\"");
    }
    if cell.underline() {
        look.push_str(" text-decoration=\"underline\"");
    }
    look
}

fn color(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Idx(index) => PALETTE.get(usize::from(index)).map(|color| (*color).to_owned()),
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
    }
}

fn escaped(text: &str) -> String {
    let is_text = |c: &char| !c.is_control();
    text.chars().filter(is_text).collect::<String>().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
