//! The worked cases: `tests/dora/dora-cases.json`, or the file that `GLWATCH_DORA_CASES` names.

use super::MeasuresEntry;
use crate::domain::window::TimeWindow;
use crate::dora::example::{DoraCase, read_case};
use crate::dora::known::DoraBasis;
use crate::dora::measures::DoraMeasures;
use crate::dora::verdict::{ProjectVerdicts, judge};
use serde_json::{Map, Value};

fn measured(case: &DoraCase) -> Value {
    let verdicts: Vec<ProjectVerdicts> = case.projects.iter().map(|known| judge(known, case.rules)).collect();
    let all: Vec<&ProjectVerdicts> = verdicts.iter().collect();
    // A case has projects of one kind only; one of incidents alone has none.
    let is_piped = verdicts.iter().any(|of| of.basis == DoraBasis::Pipelines);
    let basis = if is_piped { DoraBasis::Pipelines } else { DoraBasis::Deployments };
    let window = TimeWindow { from: case.from, to: case.to };
    serde_json::to_value(MeasuresEntry::new(basis, &DoraMeasures::of(&all, window))).unwrap()
}

fn is_same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(found), Value::Number(expected)) => {
            (found.as_f64().unwrap() - expected.as_f64().unwrap()).abs() <= 1e-6
        }
        (Value::Array(found), Value::Array(expected)) => {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(found, expected)| is_same(found, expected))
        }
        (Value::Object(found), Value::Object(expected)) => {
            let keys = |of: &Map<String, Value>| {
                let mut keys: Vec<String> = of.keys().cloned().collect();
                keys.sort();
                keys
            };
            keys(found) == keys(expected) && found.iter().all(|(key, found)| is_same(found, &expected[key]))
        }
        (found, expected) => found == expected,
    }
}

#[test]
fn dora_cases() {
    let vendored = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/dora/dora-cases.json");
    let file = std::env::var("GLWATCH_DORA_CASES").unwrap_or_else(|_| vendored.to_owned());
    let cases: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    let mut wrong = Vec::new();
    for case in cases {
        let (found, expected) = (measured(&read_case(&case["input"])), &case["expect"]);
        let (found, expected) = (found.as_object().unwrap(), expected.as_object().unwrap());
        let keys = found.keys().chain(expected.keys().filter(|key| !found.contains_key(*key)));
        for key in keys {
            let (found, expected) = (found.get(key).unwrap_or(&Value::Null), expected.get(key));
            if !expected.is_some_and(|expected| is_same(found, expected)) {
                let (id, title) = (&case["id"], &case["title"]);
                wrong.push(format!("{id} ({title}): {key}: {found}, expected {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_wrong_number_is_seen() {
    let same = [("1.0", "1"), ("0.428571", "0.42857142"), ("{\"3\": [1]}", "{\"3\": [1.0]}")];
    let other = [("null", "0"), ("0.42858", "0.428571"), ("[]", "[1]"), ("{\"3\": 1}", "{\"4\": 1}"), ("{}", "null")];
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert!(same.iter().all(|(found, expected)| is_same(&read(found), &read(expected))));
    assert!(other.iter().all(|(found, expected)| !is_same(&read(found), &read(expected))));
}

#[test]
fn the_example_of_the_page_is_right() {
    let read = |file: &str| std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let found = measured(&read_case(&serde_json::from_str(&read("tests/dora/example.json")).unwrap()));
    let page = read("docs/dora.md");
    let row = |line: &str| {
        let (key, value) = line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | ")?;
        Some((key.to_owned(), serde_json::from_str::<Value>(value).unwrap()))
    };
    let rows: Vec<(String, Value)> = page.lines().filter_map(row).collect();
    assert!(rows.len() > 20, "the table is gone");
    for (key, value) in rows {
        assert!(
            found.get(&key).is_some_and(|found| is_same(found, &value)),
            "{key}: {}, the page: {value}",
            found[&key]
        );
    }
}
