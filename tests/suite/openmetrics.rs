//! A page of metrics of the real server, judged line by line after the two formats' own rules, and after those of
//! `promtool check metrics` for the families that are our own. An exemplar is easily wrong: no scraper complains aloud.

use super::serve::Served;
use crate::support::Env;
use glwatch_sim::{Options, Sim, TOKEN_READ_API, WorldKind};
use std::collections::{BTreeMap, BTreeSet};

const OPEN: [(&str, &str); 1] = [("accept", "application/openmetrics-text; version=1.0.0")];
/// OpenMetrics 1.0, "Exemplars": the combined length of names and values.
const LONGEST_EXEMPLAR: usize = 128;

/// All that the exporter's file can switch on.
const EVERYTHING: &str = "
project_defaults:
  pull:
    environments: {enabled: true, exclude_stopped: false}
    refs: {tags: {enabled: true}, merge_requests: {enabled: true}}
    pipeline:
      jobs: {enabled: true, from_child_pipelines: {enabled: true}, runner_description: {enabled: true}}
      variables: {enabled: true}
      test_reports: {enabled: true, from_child_pipelines: {enabled: true}, test_cases: {enabled: true}}
wildcards: [{owner: {name: acme, kind: group, include_subgroups: true}}]
";

type Labels = Vec<(String, String)>;

/// `{labels} value [time]` behind a sample.
#[derive(Debug)]
struct ExemplarText {
    labels: Labels,
    value: f64,
    time: Option<f64>,
}

#[derive(Debug)]
struct SampleLine {
    name: String,
    labels: Labels,
    value: f64,
    exemplar: Option<ExemplarText>,
}

/// What is left of a line to read.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn take(&mut self, expected: char) -> Result<(), String> {
        self.0 = self.0.strip_prefix(expected).ok_or_else(|| format!("no {expected:?} before {:?}", self.0))?;
        Ok(())
    }

    fn name(&mut self, may_have_colon: bool) -> Result<String, String> {
        let is_in = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':' && may_have_colon;
        let end = self.0.find(|c| !is_in(c)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("no name before {:?}", self.0));
        }
        self.0 = rest;
        Ok(name.to_owned())
    }

    /// A value in quotation marks: a backslash comes before itself, a quotation mark or an `n` only.
    fn quoted(&mut self) -> Result<String, String> {
        self.take('"')?;
        let mut value = String::new();
        let mut chars = self.0.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Ok(value);
                }
                '\\' => match chars.next() {
                    Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                    Some((_, 'n')) => value.push('\n'),
                    other => return Err(format!("a backslash before {other:?}")),
                },
                control if control.is_control() => return Err(format!("a raw {control:?}")),
                plain => value.push(plain),
            }
        }
        Err("a value without an end".into())
    }

    fn labels(&mut self) -> Result<Labels, String> {
        let mut labels = Labels::new();
        if !self.0.starts_with('{') {
            return Ok(labels);
        }
        self.take('{')?;
        while !self.0.starts_with('}') {
            if !labels.is_empty() {
                self.take(',')?;
            }
            let name = self.name(false)?;
            self.take('=')?;
            if name.starts_with("__") || labels.iter().any(|(known, _)| *known == name) {
                return Err(format!("the label {name}"));
            }
            labels.push((name, self.quoted()?));
        }
        self.take('}')?;
        Ok(labels)
    }

    fn number(&mut self) -> Result<f64, String> {
        let end = self.0.find(' ').unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        match text {
            "+Inf" => Ok(f64::INFINITY),
            "-Inf" => Ok(f64::NEG_INFINITY),
            "NaN" => Ok(f64::NAN),
            text if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => {
                text.parse().map_err(|_| format!("{text:?} is no number"))
            }
            text => Err(format!("{text:?} is no number")),
        }
    }

    fn exemplar(&mut self) -> Result<ExemplarText, String> {
        self.take('#')?;
        self.take(' ')?;
        if !self.0.starts_with('{') {
            return Err("an exemplar without labels".into());
        }
        let labels = self.labels()?;
        self.take(' ')?;
        let value = self.number()?;
        let time = if self.0.is_empty() {
            None
        } else {
            self.take(' ')?;
            Some(self.number()?)
        };
        Ok(ExemplarText { labels, value, time })
    }
}

/// Reads a line that is no comment. A sample of ours has no time of its own.
fn sample(line: &str) -> Result<SampleLine, String> {
    let mut rest = Rest(line);
    let (name, labels) = (rest.name(true)?, rest.labels()?);
    rest.take(' ')?;
    let value = rest.number()?;
    let exemplar = match rest.0.is_empty() {
        true => None,
        false => {
            rest.take(' ')?;
            Some(rest.exemplar()?)
        }
    };
    match rest.0.is_empty() {
        true => Ok(SampleLine { name, labels, value, exemplar }),
        false => Err(format!("{:?} at the end", rest.0)),
    }
}

#[derive(Debug, Default)]
struct FamilyLines {
    kind: String,
    help: Option<String>,
    unit: Option<String>,
    samples: Vec<SampleLine>,
}

/// Reads a page: families are whole, each is declared once, before its samples.
fn families(page: &str, is_open: bool) -> Result<BTreeMap<String, FamilyLines>, String> {
    let body = match is_open {
        true => page.strip_suffix("# EOF\n").ok_or("no end")?,
        false => page,
    };
    let mut all: BTreeMap<String, FamilyLines> = BTreeMap::new();
    let mut current = String::new();
    for line in body.strip_suffix('\n').unwrap_or(body).split('\n') {
        let of_line = |problem: String| format!("{problem}: {line}");
        let Some(comment) = line.strip_prefix("# ") else {
            let sample = sample(line).map_err(of_line)?;
            let family = all.get_mut(&current).ok_or_else(|| of_line("a sample before any family".into()))?;
            let rest = sample.name.strip_prefix(current.as_str()).ok_or_else(|| of_line("another family".into()))?;
            let suffixes: &[&str] = match (family.kind.as_str(), is_open) {
                ("counter", true) => &["_total", "_created"],
                ("histogram", _) => &["_bucket", "_sum", "_count", "_created"],
                // A counter that must keep a name without _total, as the exporter's dashboards ask for it.
                ("gauge", _) | ("counter", false) | ("unknown", true) => &[""],
                _ => return Err(of_line(format!("the kind {:?}", family.kind))),
            };
            if !suffixes.contains(&rest) {
                return Err(of_line(format!("{rest:?} of a {}", family.kind)));
            }
            family.samples.push(sample);
            continue;
        };
        let [what, name, text] = comment.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            return Err(of_line("a comment".into()));
        };
        if what == "TYPE" {
            current = name.to_owned();
            if all.insert(current.clone(), FamilyLines { kind: text.into(), ..FamilyLines::default() }).is_some() {
                return Err(of_line("a family twice".into()));
            }
            continue;
        }
        let family = all.get_mut(name).filter(|family| name == current && family.samples.is_empty());
        let family = family.ok_or_else(|| of_line("it belongs before the samples of its family".into()))?;
        let known = match (what, is_open) {
            ("HELP", _) => &mut family.help,
            ("UNIT", true) => &mut family.unit,
            _ => return Err(of_line("a comment".into())),
        };
        if known.replace(text.to_owned()).is_some() {
            return Err(of_line("it is said twice".into()));
        }
    }
    Ok(all)
}

/// The label that tells the bound of a bucket, and the other ones.
fn bound(sample: &SampleLine) -> Option<(f64, Labels)> {
    let (bounds, others): (Labels, Labels) = sample.labels.iter().cloned().partition(|(name, _)| name == "le");
    let [(_, text)] = &bounds[..] else { return None };
    Some((if text == "+Inf" { f64::INFINITY } else { text.parse().ok()? }, others))
}

/// Judges the buckets of a histogram: they count what the ones before count, the last one everything.
fn judge_histogram(name: &str, family: &FamilyLines) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    let mut counts: BTreeMap<Labels, f64> = BTreeMap::new();
    for sample in &family.samples {
        if sample.name.ends_with("_bucket") {
            match bound(sample) {
                Some((bound, others)) => series.entry(others).or_default().push((bound, sample.value)),
                None => wrong.push(format!("a bucket of {name} without a bound: {sample:?}")),
            }
        } else if sample.name.ends_with("_count") {
            counts.insert(sample.labels.clone(), sample.value);
        }
    }
    if series.keys().ne(counts.keys()) {
        wrong.push(format!("{name} has not as many counts as buckets"));
    }
    for (labels, buckets) in series {
        let grows = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let last = buckets.last().copied();
        if !grows || last != counts.get(&labels).map(|count| (f64::INFINITY, *count)) {
            wrong.push(format!("{name} {labels:?}: {buckets:?}"));
        }
    }
    wrong
}

/// Judges every exemplar of a family: where it may be, how long it is, and that it lies in its bucket and in the past.
fn judge_exemplars(name: &str, family: &FamilyLines, now: f64) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut below = f64::NEG_INFINITY;
    for sample in &family.samples {
        let to = bound(sample).map(|(bound, _)| bound);
        if let Some(ExemplarText { labels, value, time }) = &sample.exemplar {
            let length: usize = labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
            let is_placed = sample.name.ends_with("_bucket") || sample.name.ends_with("_total");
            let is_inside = to.is_none_or(|to| below < *value && *value <= to);
            let is_past = time.is_none_or(|time| time > 0.0 && time <= now);
            if !(is_placed && length <= LONGEST_EXEMPLAR && is_inside && is_past && sample.value > 0.0) {
                wrong.push(format!("{name}: {sample:?} above {below}"));
            }
        }
        below = to.filter(|to| to.is_finite()).unwrap_or(f64::NEG_INFINITY);
    }
    wrong
}

/// What `promtool check metrics` finds.
fn judge_names(name: &str, family: &FamilyLines, is_open: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut rule = |holds: bool, problem: &str| {
        if !holds {
            wrong.push(format!("{name}: {problem}"));
        }
    };
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let parts = || name.split('_');
    rule(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "not in small letters");
    rule(
        (family.kind == "counter" && !is_open) == name.ends_with("_total"),
        "_total is for counters of the older format",
    );
    rule(!ends(&["_count", "_sum", "_bucket"]), "ends like a part of a histogram");
    rule(!parts().any(|part| ["gauge", "counter", "histogram", "metric"].contains(&part)), "names its kind");
    let units = ["ms", "milliseconds", "minutes", "hours", "days", "kb", "mb", "kilobytes", "megabytes", "percent"];
    rule(!parts().any(|part| units.contains(&part)), "not in the base unit");
    if let Some(unit) = &family.unit {
        rule(name.ends_with(&format!("_{unit}")), "does not end in its unit");
    }
    wrong
}

/// Returns all that is wrong with a page.
fn judged(page: &str, is_open: bool, now: f64) -> Vec<String> {
    let families = match families(page, is_open) {
        Ok(families) => families,
        Err(problem) => return vec![problem],
    };
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (name, family) in &families {
        if family.help.as_deref().is_none_or(str::is_empty) || family.samples.is_empty() {
            wrong.push(format!("{name} has no help, or no sample"));
        }
        for sample in &family.samples {
            let mut labels = sample.labels.clone();
            labels.sort();
            if !seen.insert((sample.name.clone(), labels)) {
                wrong.push(format!("twice: {sample:?}"));
            }
            if family.kind == "counter" && !(sample.value >= 0.0 && sample.value.is_finite()) {
                wrong.push(format!("a counter at {}: {sample:?}", sample.value));
            }
        }
        if family.kind == "histogram" {
            wrong.extend(judge_histogram(name, family));
        }
        wrong.extend(judge_exemplars(name, family, now));
        if name.starts_with("glwatch_") {
            wrong.extend(judge_names(name, family, is_open));
        }
    }
    wrong
}

#[test]
fn every_line_of_a_real_page_is_what_its_format_demands() {
    let sim = Sim::start(Options { world: WorldKind::Demo, ..Options::default() }).unwrap();
    let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).with("GLWATCH_API", "graphql");
    let served = Served::ready(&env, &sim, &["--interval", "1h"]);
    served.wait(|served| served.total("glwatch_pipeline_runs_total") > 0.0);
    // Nothing is due, either, before the first ref is known.
    served.wait(|served| served.total("gitlab_ci_pipeline_id") > 0.0);
    served.wait(|served| served.metric("glwatch_tracked_due") == Some(0.0));
    let now = sim.clock().now().timestamp() as f64 + 1.0;
    let samples = |page: &str, is_open: bool| -> usize {
        families(page, is_open).unwrap().values().map(|family| family.samples.len()).sum()
    };
    let both = || (served.ask("GET", "/metrics", &OPEN, ""), served.get("/metrics"));
    // Both show the same series, unless one came between them.
    served.wait(|_| {
        let (open, plain) = both();
        samples(&open.body, true) == samples(&plain.body, false)
    });
    let (open, plain) = both();
    assert!(open.headers["content-type"].starts_with("application/openmetrics-text; version=1.0.0"));
    assert_eq!(judged(&open.body, true, now), Vec::<String>::new());
    let found = families(&open.body, true).unwrap();
    let exemplars = found.values().flat_map(|family| &family.samples).filter_map(|sample| sample.exemplar.as_ref());
    let exemplars: Vec<&ExemplarText> = exemplars.collect();
    assert!(exemplars.len() > 10, "{exemplars:?}");
    assert!(exemplars.iter().all(|exemplar| exemplar.time.is_some() && exemplar.labels[0].0 == "pipeline_id"));
    assert!(plain.headers["content-type"].starts_with("text/plain; version=0.0.4"));
    assert_eq!(judged(&plain.body, false, now), Vec::<String>::new());
    assert!(!plain.body.contains(" # {"), "the older format has no exemplars");
    let unknown = |families: &BTreeMap<String, FamilyLines>| {
        let names = families.iter().filter(|(_, family)| family.kind == "unknown").map(|(name, _)| name.clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(unknown(&found), ["gitlab_ci_pipeline_run_count"], "only what may not be renamed");
}

/// A family as docs/metrics.md describes it.
#[derive(Debug)]
struct DescribedFamily {
    kind: String,
    labels: BTreeSet<String>,
    what: String,
}

/// Reads the tables of docs/metrics.md, by the names of the older format.
fn described() -> BTreeMap<String, DescribedFamily> {
    fn quoted(text: &str) -> Option<String> {
        Some(text.trim().strip_prefix('`')?.strip_suffix('`')?.to_owned())
    }
    let row = |line: &str| {
        let [_, name, kind, labels, what, _] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            return None;
        };
        let labels = labels.split(',').filter_map(quoted).collect();
        Some((quoted(name)?, DescribedFamily { kind: kind.into(), labels, what: what.into() }))
    };
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).lines().filter_map(row).collect()
}

#[test]
fn every_family_that_a_server_shows_is_described() {
    // One project of each, so that no page is large: one with test cases, and one with environments.
    let deployed = WorldKind::History { projects: 1, days: 20, pipelines: 20, merge_requests: 2, deployments: 3 };
    let few = EVERYTHING.replace("test_cases: {enabled: true}", "test_cases: {enabled: false}");
    let described = described();
    let mut missing: BTreeSet<&String> = described.keys().collect();
    let of_demo = ["glwatch_pipeline_runs_total", "glwatch_gitlab_info", "gitlab_ci_pipeline_test_case_status"];
    for (world, file_text, include, late) in [
        (WorldKind::Demo, EVERYTHING, "acme/payments/payouts", &of_demo[..]),
        (deployed, few.as_str(), "*", &["gitlab_ci_environment_behind_commits_count"]),
    ] {
        let sim = Sim::start(Options { world, ..Options::default() }).unwrap();
        let env = Env::new().with("GITLAB_TOKEN", TOKEN_READ_API).with("GLWATCH_API", "graphql");
        let file = env.home().join("exporter.yml");
        std::fs::write(&file, format!("gitlab: {{url: '{}'}}\n{file_text}", sim.url())).unwrap();
        let file = file.to_str().unwrap();
        let more = ["--exporter-config", file, "--cable", "on", "--interval", "1h", "--include", include];
        let served = Served::ready(&env, &sim, &more);
        for family in late {
            served.wait(|served| served.get("/metrics").body.contains(&format!("\n{family}{{")));
        }
        served.wait(|served| served.metric("glwatch_tracked_due") == Some(0.0));
        assert_eq!(served.ask("POST", "/webhook", &[], "{}").status, 200);
        for (name, family) in families(&served.get("/metrics").body, false).unwrap() {
            let known = described.get(&name).unwrap_or_else(|| panic!("{name} is not in docs/metrics.md"));
            assert_eq!((&family.kind, family.help.as_ref()), (&known.kind, Some(&known.what)), "{name}");
            let labels = family.samples.iter().flat_map(|sample| &sample.labels).map(|(label, _)| label.clone());
            let labels: BTreeSet<String> = labels.filter(|label| family.kind != "histogram" || label != "le").collect();
            assert!(labels.is_subset(&known.labels), "{name}: {labels:?}");
            missing.remove(&name);
        }
    }
    assert_eq!(missing, BTreeSet::new(), "what the two show is all there is, or this test knows too little");
}

#[test]
fn a_page_that_is_wrong_is_found() {
    let family =
        |lines: &str| format!("# TYPE a histogram\n# HELP a x\n{lines}a_bucket{{le=\"+Inf\"}} 2\na_count 2\n# EOF\n");
    let exemplar = |text: &str| family(&format!("a_bucket{{le=\"1.0\"}} 1 {text}\n"));
    let long = format!("# {{x=\"{}\"}} 0.5", "y".repeat(128));
    let cases = [
        ("right", exemplar("# {id=\"7\"} 0.5 100"), None),
        ("without a time", exemplar("# {id=\"7\"} 0.5"), None),
        ("without labels in it", exemplar("# {} 0.5 100"), None),
        ("no labels at all", exemplar("# 0.5 100"), Some("without labels")),
        ("no value", exemplar("# {id=\"7\"}"), Some("no ' '")),
        ("no number", exemplar("# {id=\"7\"} half"), Some("is no number")),
        ("a second time", exemplar("# {id=\"7\"} 0.5 100 200"), Some("at the end")),
        ("no blank before it", exemplar("#{id=\"7\"} 0.5"), Some("no ' '")),
        ("a label twice", exemplar("# {id=\"7\",id=\"8\"} 0.5"), Some("the label id")),
        ("an escape that is none", exemplar("# {id=\"\\d\"} 0.5"), Some("a backslash")),
        ("too long", exemplar(&long), Some("above")),
        ("outside of its bucket", exemplar("# {id=\"7\"} 1.5 100"), Some("above")),
        ("in the future", exemplar("# {id=\"7\"} 0.5 1001"), Some("above")),
        ("in milliseconds", exemplar("# {id=\"7\"} 0.5 100000"), Some("above")),
        ("of a bucket that counts nothing", family("a_bucket{le=\"1.0\"} 0 # {id=\"7\"} 0.5\n"), Some("above")),
        ("of a sum", family("a_sum 3 # {id=\"7\"} 0.5\n"), Some("above")),
        ("buckets that count less", family("a_bucket{le=\"1.0\"} 3\n"), Some("a []")),
        ("a series twice", family("a_sum 3\na_sum 3\n"), Some("twice")),
        ("a sample of another family", family("b 3\n"), Some("another family")),
        ("an empty line", family("\n"), Some("no name")),
        ("no end", family("").replace("# EOF\n", ""), Some("no end")),
        ("something behind the end", format!("{}x", family("")), Some("no end")),
    ];
    for (sentence, page, expected) in cases {
        let wrong = judged(&page, true, 1000.0).join("\n");
        match expected {
            None => assert_eq!(wrong, "", "{sentence}"),
            Some(words) => assert!(wrong.contains(words), "{sentence}: {wrong:?}"),
        }
    }
}
