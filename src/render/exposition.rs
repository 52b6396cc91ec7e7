//! Metric families as OpenMetrics 1.0 text. The only encoder.
//!
//! <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>. As all families are gauges, the
//! same text reads as Prometheus' own format 0.0.4, too: `# UNIT` and `# EOF` are comments there.

use crate::report::metrics::{Family, Sample};
use crate::text::sanitise::sanitise;
use std::collections::HashSet;
use std::io::{self, Write};

/// Writes the families that have a series.
pub fn write(families: &[Family], out: &mut dyn Write) -> io::Result<()> {
    for family in families.iter().filter(|family| !family.samples.is_empty()) {
        write_family(family, out)?;
    }
    writeln!(out, "# EOF")
}

fn write_family(family: &Family, out: &mut dyn Write) -> io::Result<()> {
    let name = family.name;
    writeln!(out, "# TYPE {name} gauge")?;
    if let Some(unit) = family.unit {
        writeln!(out, "# UNIT {name} {}", unit.word())?;
    }
    writeln!(out, "# HELP {name} {}", escaped(family.help))?;
    // One series twice makes the whole page unreadable, and two foreign texts can become the same harmless one.
    let mut seen = HashSet::new();
    for sample in &family.samples {
        let labels = labels(sample);
        if !seen.contains(&labels) {
            writeln!(out, "{name}{labels} {}", number(sample.value))?;
            seen.insert(labels);
        }
    }
    Ok(())
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
