//! Metric families as text that Prometheus reads. The only encoder.
//!
//! OpenMetrics 1.0: <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>; text format
//! 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use crate::report::metrics::{BucketExemplar, Family, Histogram, MetricSeries, Sample};
use crate::text::sanitise::sanitise;
use std::collections::HashSet;
use std::io::{self, Write};

/// The text formats of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricsFormat {
    OpenMetrics,
    /// Prometheus' own format 0.0.4.
    PrometheusText,
}

/// Writes the families that have a series, as a whole page.
pub(crate) fn write(families: &[Family], format: MetricsFormat, out: &mut dyn Write) -> io::Result<()> {
    write_families(families, format, out)?;
    write_end(format, out)
}

/// Writes the families that have a series, as a part of a page.
pub(crate) fn write_families(families: &[Family], format: MetricsFormat, out: &mut dyn Write) -> io::Result<()> {
    families.iter().filter(|family| !family.series.is_empty()).try_for_each(|family| write_family(family, format, out))
}

/// Ends a page.
pub(crate) fn write_end(format: MetricsFormat, out: &mut dyn Write) -> io::Result<()> {
    match format {
        MetricsFormat::OpenMetrics => writeln!(out, "# EOF"),
        MetricsFormat::PrometheusText => Ok(()),
    }
}

/// Writes what comes before the series of a family: name, kind and help.
pub(crate) fn write_header(
    (name, kind, help): (&str, &str, &str),
    format: MetricsFormat,
    out: &mut dyn Write,
) -> io::Result<()> {
    let help = if format == MetricsFormat::OpenMetrics { escaped(help) } else { escaped_help(help) };
    writeln!(out, "# TYPE {name} {kind}")?;
    writeln!(out, "# HELP {name} {help}")
}

/// Writes a series whose labels are text already.
pub(crate) fn write_series(
    (name, suffix): (&str, &str),
    labels: &str,
    value: f64,
    out: &mut dyn Write,
) -> io::Result<()> {
    if labels.is_empty() {
        writeln!(out, "{name}{suffix} {}", number(value))
    } else {
        writeln!(out, "{name}{suffix}{{{labels}}} {}", number(value))
    }
}

/// Returns labels as text; values are foreign.
pub(crate) fn label_text<'a>(all: impl Iterator<Item = (&'static str, &'a str)>) -> String {
    all.filter_map(|(name, value)| label(name, value)).collect::<Vec<_>>().join(",")
}

fn write_family(family: &Family, format: MetricsFormat, out: &mut dyn Write) -> io::Result<()> {
    let (name, is_open) = (family.name, format == MetricsFormat::OpenMetrics);
    let kind = match &family.series {
        MetricSeries::Gauge(_) => "gauge",
        MetricSeries::Counter(_) => "counter",
        MetricSeries::Histogram(_) => "histogram",
    };
    // OpenMetrics names the family without the suffix of its series; in the older format the name is the whole one.
    let suffix = if kind == "counter" { "_total" } else { "" };
    let family_name = if is_open { name.to_owned() } else { format!("{name}{suffix}") };
    writeln!(out, "# TYPE {family_name} {kind}")?;
    if let Some(unit) = family.unit.filter(|_| is_open) {
        writeln!(out, "# UNIT {name} {}", unit.word())?;
    }
    writeln!(out, "# HELP {family_name} {}", if is_open { escaped(family.help) } else { escaped_help(family.help) })?;
    // One series twice makes the whole page unreadable, and two foreign texts can become the same harmless one.
    let mut seen = HashSet::new();
    match &family.series {
        MetricSeries::Gauge(samples) => write_samples(name, samples, &mut seen, out),
        MetricSeries::Counter(samples) => write_samples(&format!("{name}{suffix}"), samples, &mut seen, out),
        MetricSeries::Histogram(histograms) => {
            histograms.iter().try_for_each(|histogram| write_histogram(name, histogram, format, &mut seen, out))
        }
    }
}

fn write_samples(
    name: &str,
    samples: &[Sample],
    seen: &mut HashSet<Vec<String>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    for sample in samples {
        let labels = labels(&sample.labels);
        if !seen.contains(&labels) {
            writeln!(out, "{name}{} {}", braced(&labels), number(sample.value))?;
            seen.insert(labels);
        }
    }
    Ok(())
}

/// Writes buckets that each count what the ones before count, as both formats demand.
fn write_histogram(
    name: &str,
    histogram: &Histogram,
    format: MetricsFormat,
    seen: &mut HashSet<Vec<String>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let labels = labels(&histogram.labels);
    if !seen.insert(labels.clone()) {
        return Ok(());
    }
    let mut count = 0;
    let buckets = histogram.buckets.iter().copied().chain([(f64::INFINITY, histogram.above)]);
    for (place, (bound, observations)) in buckets.enumerate() {
        count += observations;
        let bucket: Vec<String> =
            labels.iter().cloned().chain([format!("le=\"{}\"", number_with_point(bound))]).collect();
        write!(out, "{name}_bucket{} {count}", braced(&bucket))?;
        // The older format has none. An example of what is not counted yet would be none.
        match histogram.exemplars.get(&place) {
            Some(exemplar) if format == MetricsFormat::OpenMetrics && observations > 0 => {
                write_exemplar(exemplar, out)?
            }
            _ => {}
        }
        writeln!(out)?;
    }
    writeln!(out, "{name}_sum{} {}", braced(&labels), number(histogram.sum))?;
    writeln!(out, "{name}_count{} {count}", braced(&labels))
}

/// Writes an exemplar. Its labels have at most 128 characters: the address of a pipeline may be longer, its number is not.
fn write_exemplar(exemplar: &BucketExemplar, out: &mut dyn Write) -> io::Result<()> {
    let BucketExemplar { pipeline, value, at } = exemplar;
    write!(out, " # {{pipeline_id=\"{pipeline}\"}} {} {}", number(*value), at.timestamp())
}

/// Returns `name="value"` for each label. A label without a value is the same as no label, so it is left out.
fn labels(labels: &[(&'static str, String)]) -> Vec<String> {
    labels.iter().filter_map(|(name, value)| label(name, value)).collect()
}

fn label(name: &str, value: &str) -> Option<String> {
    let clean = sanitise(value);
    (!clean.is_empty()).then(|| format!("{name}=\"{}\"", escaped(&clean)))
}

fn braced(labels: &[String]) -> String {
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

fn escaped(text: &str) -> String {
    escaped_help(text).replace('"', "\\\"")
}

/// In the older format a quotation mark in a help text stays as it is.
fn escaped_help(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// OpenMetrics writes a bound with a point, so that a scraper sees the same label value from every program.
fn number_with_point(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { number(value) }
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
