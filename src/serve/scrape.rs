//! A page of metrics for a scraper, in the format that it asks for.

use super::metric_store::MetricStore;
use crate::render::exposition::{MetricsFormat, write_end, write_families};
use crate::report::metrics::Family;
use std::io::{self, Write};

/// The page, and what its `Content-Type` must be.
#[derive(Debug)]
pub struct MetricsPage {
    pub content_type: &'static str,
    parts: Vec<Vec<u8>>,
}

impl MetricsPage {
    /// Returns the length of the page in bytes.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the page in parts, which are sent and given back one by one.
    pub fn into_parts(self) -> Vec<Vec<u8>> {
        self.parts
    }

    pub fn text(&self) -> Vec<u8> {
        self.parts.concat()
    }
}

/// Bytes of a part. A page of 26 MB in one piece would grow by doubling, and the allocator would keep what it took.
const PART: usize = 64 << 10;

#[derive(Default)]
struct PartWriter(Vec<Vec<u8>>);

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.last_mut() {
            Some(part) if part.len() + bytes.len() <= PART => part.extend_from_slice(bytes),
            Some(_) | None => {
                let mut part = Vec::with_capacity(PART.max(bytes.len()));
                part.extend_from_slice(bytes);
                self.0.push(part);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In which formats pages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageFormats {
    /// OpenMetrics, where a scraper asks for it.
    pub has_openmetrics: bool,
    /// There the exporter's counters end in `_total`, as the exporter writes them. Every Prometheus asks for OpenMetrics,
    /// and dashboards ask for the plain names: these they find where this is not set.
    pub has_totals: bool,
}

/// Writes a page. `accept` is the scraper's header.
pub(crate) fn scrape(
    (store, families): (&MetricStore, &[Family]),
    accept: &str,
    formats: PageFormats,
) -> io::Result<MetricsPage> {
    let format = format(accept, formats.has_openmetrics);
    let mut text = PartWriter::default();
    write_families(families, format, &mut text)?;
    store.write((format, formats.has_totals), &mut text)?;
    write_end(format, &mut text)?;
    let content_type = match format {
        MetricsFormat::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        MetricsFormat::PrometheusText => "text/plain; version=0.0.4; charset=utf-8",
    };
    Ok(MetricsPage { content_type, parts: text.0 })
}

/// Writes a page of these series alone, with the names that the exporter has in each format.
pub fn scrape_store(store: &MetricStore, accept: &str, has_openmetrics: bool) -> io::Result<MetricsPage> {
    scrape((store, &[]), accept, PageFormats { has_openmetrics, has_totals: true })
}

/// Chooses the format: the one of the two that the scraper wants more.
fn format(accept: &str, has_openmetrics: bool) -> MetricsFormat {
    let weight = |kind: &str| {
        let part = accept.split(',').map(str::trim).find(|part| part.split(';').next().map(str::trim) == Some(kind))?;
        let weight = part.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
        weight.map_or(Some(1.0), |weight| weight.parse::<f64>().ok())
    };
    let open = weight("application/openmetrics-text").filter(|weight| *weight > 0.0 && has_openmetrics);
    let plain = weight("text/plain").unwrap_or(0.0);
    match open {
        Some(open) if open >= plain => MetricsFormat::OpenMetrics,
        Some(_) | None => MetricsFormat::PrometheusText,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_gets_the_format_that_it_asks_for() {
        use MetricsFormat::{OpenMetrics, PrometheusText};
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                          text/plain;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let cases = [
            ("nothing is asked for", "", true, PrometheusText),
            ("a browser", "text/html,*/*;q=0.8", true, PrometheusText),
            ("Prometheus", prometheus, true, OpenMetrics),
            ("Prometheus, where it is switched off", prometheus, false, PrometheusText),
            ("the newer alone", "application/openmetrics-text; version=1.0.0", true, OpenMetrics),
            ("the older alone", "text/plain; version=0.0.4", true, PrometheusText),
            ("the older rather", "application/openmetrics-text;q=0.2,text/plain;q=0.9", true, PrometheusText),
            ("the newer not at all", "application/openmetrics-text;q=0", true, PrometheusText),
        ];
        for (sentence, accept, has_openmetrics, expected) in cases {
            assert_eq!(format(accept, has_openmetrics), expected, "{sentence}");
        }
    }
}
