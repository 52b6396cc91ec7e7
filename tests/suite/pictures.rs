//! The README's pictures: the same cells that the tests look at.
//!
//! `UPDATE_PICTURES=1 cargo test --test suite pictures` makes them again.

use crate::support::Env;
use crate::support::svg::of_screen;
use glwatch_sim::{Options, Sim, TOKEN_API};
use quick_xml::Reader;
use quick_xml::events::Event;
use std::path::PathBuf;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 50)];

fn path(columns: u16, rows: u16) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("docs/overview-{columns}x{rows}.svg"))
}

/// Returns all texts of a picture; panics where it is no XML.
fn texts(svg: &str) -> Vec<String> {
    let mut reader = Reader::from_str(svg);
    let mut texts = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Text(text) => texts.push(text.decode().unwrap().into_owned()),
            Event::Eof => return texts,
            _ => {}
        }
    }
}

#[test]
fn the_pictures_of_the_readme_are_made_of_the_screen_at_three_sizes() {
    let readme = include_str!("../../README.md");
    for (columns, rows) in SIZES {
        let sim = Sim::start(Options::default()).unwrap();
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_API);
        let arguments = ["--host", sim.url(), "--group-id", "12345", "--watch", "--rps", "1000"];
        let mut terminal = env.open(&arguments, columns, rows);
        terminal.wait_until(|contents| {
            contents.contains("✓ 14") && !contents.contains("read so far") && contents.contains("? all keys")
        });
        terminal.send("\t");
        let is_explained = |contents: &str| columns < 140 || contents.contains("stage coverage, ran for");
        terminal.wait_until(|contents| contents.contains('▌') && is_explained(contents));
        let svg = of_screen(terminal.screen(), &format!("glwatch --demo --watch at {columns}x{rows}"));
        let seen: String = texts(&svg).concat();
        for words in ["payments", "✗ failed", "? all keys"] {
            assert!(seen.contains(words), "{words} at {columns}x{rows}\n{seen}");
        }
        let path = path(columns, rows);
        if std::env::var_os("UPDATE_PICTURES").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &svg).unwrap();
        }
        let kept = std::fs::read_to_string(&path).expect("UPDATE_PICTURES=1 cargo test --test suite pictures");
        // Ages differ from run to run; what is where does not.
        assert!(texts(&kept).iter().any(|text| text.contains('✗')));
        assert!(kept.starts_with(&svg[..svg.find("<text").unwrap()]), "the writer has changed: UPDATE_PICTURES=1");
        assert!(readme.contains(&format!("docs/overview-{columns}x{rows}.svg")), "not in the README");
        terminal.send("Q");
        assert_eq!(terminal.end(), 0);
    }
}

#[test]
fn what_a_screen_shows_is_in_its_picture_with_its_place_and_its_look() {
    let mut parser = vt100::Parser::new(2, 20, 0);
    parser.process("\u{1B}[31m✗ a<b&c\u{1B}[0m  \u{1B}[1m漢字\u{1B}[0m x".as_bytes());
    let svg = of_screen(parser.screen(), "a & b");
    let expected = [
        "<title>a &amp; b</title>",
        "<text x=\"10.0\" y=\"23.5\" textLength=\"58.8\" fill=\"#e06c75\">✗ a&lt;b&amp;c</text>",
        "<text x=\"85.6\" y=\"23.5\" textLength=\"33.6\" font-weight=\"bold\">漢字</text>",
        ">x</text>",
    ];
    for part in expected {
        assert!(svg.contains(part), "{part} is not in\n{svg}");
    }
    assert_eq!(svg.matches("<text").count(), 3);
}
