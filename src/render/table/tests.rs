//! The table as its readers see it.

use super::*;
use crate::render::example::motley;
use crate::report::status::StatusOptions;
use chrono_tz::Europe::Paris;

const OPTIONS: StatusOptions = StatusOptions { wide: false, zone: Paris, times: false };

fn rendered(options: StatusOptions, style: Style) -> String {
    let mut out = Vec::new();
    write(&StatusReport::new(&motley(), &options), &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn in_terminal(width: u16) -> Style {
    Style { width: Some(width), color: false, ascii: false, stages: StagesWidth::Auto }
}

#[test]
fn look() {
    for width in [20, 40, 60, 80, 120, 200] {
        println!("== {width}\n{}", rendered(OPTIONS, in_terminal(width)));
    }
    println!("{}", rendered(OPTIONS, Style { ascii: true, ..in_terminal(100) }));
    println!("{}", rendered(StatusOptions { wide: true, times: true, ..OPTIONS }, in_terminal(120)));
    println!("{}", rendered(StatusOptions { wide: true, times: true, ..OPTIONS }, in_terminal(200)));
    println!(
        "{}",
        rendered(StatusOptions { wide: true, times: true, ..OPTIONS }, Style { width: None, ..in_terminal(120) })
    );
    println!("{}", rendered(OPTIONS, Style { color: true, ..in_terminal(120) }));
}
