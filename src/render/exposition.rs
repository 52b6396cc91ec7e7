//! Metric families as text that Prometheus reads. The only encoder.
//!
//! OpenMetrics 1.0: <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>; text format
//! 0.0.4: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use crate::report::metrics::{Family, Histogram, MetricSeries, Sample};
use crate::text::sanitise::sanitise;
use std::collections::HashSet;
use std::io::{self, Write};

/// The text formats of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricsFormat {
    OpenMetrics,
    /// Prometheus' own format 0.0.4.
    #[cfg_attr(not(test), expect(dead_code, reason = "a scrape will choose it by its Accept header"))]
    PrometheusText,
}

/// Writes the families that have a series.
pub(crate) fn write(families: &[Family], format: MetricsFormat, out: &mut dyn Write) -> io::Result<()> {
    for family in families.iter().filter(|family| !family.series.is_empty()) {
        write_family(family, format, out)?;
    }
    match format {
        MetricsFormat::OpenMetrics => writeln!(out, "# EOF"),
        MetricsFormat::PrometheusText => Ok(()),
    }
}

fn write_family(family: &Family, format: MetricsFormat, out: &mut dyn Write) -> io::Result<()> {
    let (name, is_open) = (family.name, format == MetricsFormat::OpenMetrics);
    let kind = match &family.series {
        MetricSeries::Gauge(_) => "gauge",
        MetricSeries::Counter(_) => "counter",
        MetricSeries::Histogram(_) => "histogram",
    };
    writeln!(out, "# TYPE {name} {kind}")?;
    if let Some(unit) = family.unit.filter(|_| is_open) {
        writeln!(out, "# UNIT {name} {}", unit.word())?;
    }
    writeln!(out, "# HELP {name} {}", if is_open { escaped(family.help) } else { escaped_help(family.help) })?;
    // One series twice makes the whole page unreadable, and two foreign texts can become the same harmless one.
    let mut seen = HashSet::new();
    match &family.series {
        MetricSeries::Gauge(samples) => write_samples(name, samples, &mut seen, out),
        // OpenMetrics demands the suffix; the older format names a counter as it is.
        MetricSeries::Counter(samples) if is_open => write_samples(&format!("{name}_total"), samples, &mut seen, out),
        MetricSeries::Counter(samples) => write_samples(name, samples, &mut seen, out),
        MetricSeries::Histogram(histograms) => {
            histograms.iter().try_for_each(|histogram| write_histogram(name, histogram, &mut seen, out))
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
    seen: &mut HashSet<Vec<String>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let labels = labels(&histogram.labels);
    if !seen.insert(labels.clone()) {
        return Ok(());
    }
    let mut count = 0;
    for (bound, observations) in histogram.buckets.iter().copied().chain([(f64::INFINITY, histogram.above)]) {
        count += observations;
        let bucket: Vec<String> =
            labels.iter().cloned().chain([format!("le=\"{}\"", number_with_point(bound))]).collect();
        writeln!(out, "{name}_bucket{} {count}", braced(&bucket))?;
    }
    writeln!(out, "{name}_sum{} {}", braced(&labels), number(histogram.sum))?;
    writeln!(out, "{name}_count{} {count}", braced(&labels))
}

/// Returns `name="value"` for each label. A label without a value is the same as no label, so it is left out.
fn labels(labels: &[(&'static str, String)]) -> Vec<String> {
    let label = |(name, value): &(&str, String)| {
        let clean = sanitise(value);
        (!clean.is_empty()).then(|| format!("{name}=\"{}\"", escaped(&clean)))
    };
    labels.iter().filter_map(label).collect()
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
