//! Offset paging: reads the headers of a list that describe its further pages.

use reqwest::header::HeaderMap;
use url::Url;

/// The most that GitLab puts on one page (<https://docs.gitlab.com/api/rest/#offset-based-pagination>).
pub(super) const PER_PAGE: usize = 100;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPage<T> {
    pub items: Vec<T>,
    /// Items that came and could not be read.
    pub odd: usize,
    /// `x-total`; GitLab leaves it out above 10 000 records.
    pub total: Option<u64>,
    /// `x-total-pages`, left out likewise.
    pub total_pages: Option<u32>,
    /// The number of the page after this one.
    pub next: Option<u32>,
}

impl<T> ListPage<T> {
    pub(super) fn new(items: Vec<T>, number: u32, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let next = match (text("x-next-page"), text("link")) {
            (Some(""), _) => None,
            // What cannot be read is not the end.
            (Some(next), _) => Some(next.parse().unwrap_or(number + 1)),
            (None, Some(link)) => link.contains("rel=\"next\"").then_some(number + 1),
            // A proxy that strips headers: only a page that is not full is surely the last.
            (None, None) => (items.len() >= PER_PAGE).then_some(number + 1),
        };
        let total = text("x-total").and_then(|total| total.parse().ok());
        let total_pages = text("x-total-pages").and_then(|pages| pages.parse().ok());
        Self { items, odd: 0, total, total_pages, next }
    }

    /// Makes a page of items of which some could not be read: they count as having come.
    pub(super) fn of_items(items: Vec<Option<T>>, number: u32, headers: &HeaderMap) -> Self {
        let ListPage { items, total, total_pages, next, .. } = ListPage::new(items, number, headers);
        let came = items.len();
        let items: Vec<T> = items.into_iter().flatten().collect();
        Self { odd: came - items.len(), items, total, total_pages, next }
    }
}

/// Returns where the next page begins of a list that is read by keys: GitLab tells it in a link and nowhere else
/// (<https://docs.gitlab.com/api/rest/#keyset-based-pagination>).
pub(super) fn next_cursor(headers: &HeaderMap) -> Option<String> {
    let links = headers.get("link")?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let address = next.split_once('<')?.1.split_once('>')?.0;
    let url = Url::parse(address).ok()?;
    url.query_pairs().find(|(name, _)| name == "cursor").map(|(_, cursor)| cursor.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    #[test]
    fn the_next_page_is_found_with_whatever_headers_are_left() {
        let full = PER_PAGE;
        type Headers = &'static [(&'static str, &'static str)];
        let cases: [(&str, Headers, usize, Option<u32>); 6] = [
            ("x-next-page names it", &[("x-next-page", "3")], full, Some(3)),
            ("x-next-page is empty on the last page", &[("x-next-page", "")], full, None),
            ("only Link is left", &[("link", "<https://x/?page=3>; rel=\"next\"")], full, Some(3)),
            ("Link without a next", &[("link", "<https://x/?page=1>; rel=\"first\"")], full, None),
            ("no header and a full page", &[], full, Some(3)),
            ("no header and a page that is not full", &[], 7, None),
        ];
        for (sentence, headers, count, expected) in cases {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap()))
                .collect();
            assert_eq!(ListPage::new(vec![(); count], 2, &headers).next, expected, "{sentence}");
        }
    }

    #[test]
    fn a_list_that_is_read_by_keys_goes_on_where_its_link_says() {
        let cases = [
            ("none", None, None),
            (
                "the next",
                Some("<https://x/api?per_page=100&cursor=eyJpZCI6IjEifQ%3D%3D&a=b>; rel=\"next\""),
                Some("eyJpZCI6IjEifQ=="),
            ),
            ("only the first", Some("<https://x/api?cursor=a>; rel=\"first\""), None),
            (
                "among others",
                Some("<https://x/?cursor=a>; rel=\"first\", <https://x/?cursor=b>; rel=\"next\""),
                Some("b"),
            ),
            ("no address", Some("rel=\"next\""), None),
        ];
        for (sentence, link, expected) in cases {
            let link = link.map(|link| (HeaderName::from_static("link"), HeaderValue::from_static(link)));
            assert_eq!(next_cursor(&link.into_iter().collect()).as_deref(), expected, "{sentence}");
        }
    }
}
