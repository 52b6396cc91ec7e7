//! Metric families as text for Prometheus: its own format 0.0.4 and OpenMetrics 1.0. The only encoder.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>,
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>

use crate::report::metrics::{Family, Kind, Sample};
use crate::text::sanitise::sanitise;
use std::collections::HashSet;
use std::io::{self, Write};

/// Which of the two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`
    Prometheus,
    /// `application/openmetrics-text; version=1.0.0`
    OpenMetrics,
}

/// The suffix of a counter's samples, which OpenMetrics does not count to the name of the family.
const TOTAL: &str = "_total";

/// Writes the families that have a series.
pub fn write(families: &[Family], format: Format, out: &mut dyn Write) -> io::Result<()> {
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        write_family(family, format, out)?;
    }
    match format {
        Format::Prometheus => Ok(()),
        Format::OpenMetrics => writeln!(out, "# EOF"),
    }
}

fn write_family(family: &Family, format: Format, out: &mut dyn Write) -> io::Result<()> {
    let (name, series) = names(family, format);
    let kind = match family.kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
    };
    // OpenMetrics escapes quotes in HELP, 0.0.4 prints a backslash before them.
    let help = match format {
        Format::OpenMetrics => escaped(family.help),
        Format::Prometheus => escaped(family.help).replace("\\\"", "\""),
    };
    match (format, family.unit) {
        (Format::OpenMetrics, Some(unit)) => {
            writeln!(out, "# TYPE {name} {kind}\n# UNIT {name} {}\n# HELP {name} {help}", unit.word())?;
        }
        (Format::OpenMetrics, None) => writeln!(out, "# TYPE {name} {kind}\n# HELP {name} {help}")?,
        (Format::Prometheus, _) => writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")?,
    }
    // One series twice makes the whole page unreadable, and two foreign texts can become the same harmless one.
    let mut seen = HashSet::new();
    for sample in &family.samples {
        let labels = labels(sample);
        if !seen.contains(&labels) {
            writeln!(out, "{series}{labels} {}", number(sample.value))?;
            seen.insert(labels);
        }
    }
    Ok(())
}

/// Returns the name of the family and that of its series.
fn names(family: &Family, format: Format) -> (String, String) {
    match (format, family.kind) {
        (Format::OpenMetrics, Kind::Counter) => {
            let name = family.name.strip_suffix(TOTAL).unwrap_or(family.name);
            (name.to_owned(), format!("{name}{TOTAL}"))
        }
        (Format::OpenMetrics, Kind::Gauge) | (Format::Prometheus, Kind::Gauge | Kind::Counter) => {
            (family.name.to_owned(), family.name.to_owned())
        }
    }
}

/// Returns `{name="value",..}`. A label without a value is the same as no label, so it is left out.
fn labels(sample: &Sample) -> String {
    let label = |(name, value): &(&str, String)| {
        let clean = sanitise(value);
        (!clean.is_empty()).then(|| format!("{name}=\"{}\"", escaped(&clean)))
    };
    let labels: Vec<String> = sample.labels.iter().filter_map(label).collect();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests;
