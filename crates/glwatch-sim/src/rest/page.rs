//! Paging: which slice of a list, and the headers that tell the client about the others.

use super::api_request::{ApiAnswer, ApiRequest};

/// GitLab leaves the totals out above this many records, to spare its database the counting.
const COUNT_LIMIT: usize = 10_000;
/// Offset paging ends here (`Gitlab::PaginationDelegate`, documented as 50 000 records).
const OFFSET_LIMIT: usize = 50_000;

/// The slice of a list that one request asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListPage {
    number: usize,
    size: usize,
}

impl ListPage {
    pub(super) fn of(asked: &ApiRequest<'_>) -> Result<Self, ApiAnswer> {
        let number = asked.query.number("page").unwrap_or(1);
        let size = asked.query.number("per_page").unwrap_or(20).min(100);
        if (number - 1).saturating_mul(size) > OFFSET_LIMIT {
            let text = "Offset pagination has a maximum allowed offset of 50000 for requests that return objects of \
                        type Project. Remaining records can be retrieved using keyset pagination.";
            return Err(ApiAnswer::error(405, serde_json::json!({ "error": text })));
        }
        Ok(Self { number, size })
    }

    /// Turns the asked slice of `items` into an answer, with only that slice serialised.
    pub(super) fn answer<T>(
        self,
        base: &str,
        asked: &ApiRequest<'_>,
        items: &[T],
        show: impl Fn(&T) -> serde_json::Value,
    ) -> ApiAnswer {
        self.slice(base, asked, items, items.len() <= COUNT_LIMIT, show)
    }

    /// The same for a list that GitLab never counts.
    pub(super) fn uncounted<T>(
        self,
        base: &str,
        asked: &ApiRequest<'_>,
        items: &[T],
        show: impl Fn(&T) -> serde_json::Value,
    ) -> ApiAnswer {
        self.slice(base, asked, items, false, show)
    }

    fn slice<T>(
        self,
        base: &str,
        asked: &ApiRequest<'_>,
        items: &[T],
        counted: bool,
        show: impl Fn(&T) -> serde_json::Value,
    ) -> ApiAnswer {
        let start = ((self.number - 1) * self.size).min(items.len());
        let end = (start + self.size).min(items.len());
        let pages = items.len().div_ceil(self.size).max(1);
        let next = (end < items.len()).then_some(self.number + 1);
        let previous = (self.number > 1).then(|| self.number - 1);
        let text = |n: Option<usize>| n.map(|n| n.to_string()).unwrap_or_default();
        let mut answer = ApiAnswer::ok(items[start..end].iter().map(show).collect());
        answer.headers = vec![
            ("x-page", self.number.to_string()),
            ("x-per-page", self.size.to_string()),
            ("x-next-page", text(next)),
            ("x-prev-page", text(previous)),
        ];
        if counted {
            answer.headers.push(("x-total", items.len().to_string()));
            answer.headers.push(("x-total-pages", pages.to_string()));
        }
        let url = |page: usize| {
            let rest = asked.query.without_page();
            format!("<{base}{}?{rest}page={page}&per_page={}>", asked.path, self.size)
        };
        let mut links: Vec<String> = Vec::new();
        links.extend(previous.map(|page| format!("{}; rel=\"prev\"", url(page))));
        links.extend(next.map(|page| format!("{}; rel=\"next\"", url(page))));
        links.push(format!("{}; rel=\"first\"", url(1)));
        links.extend(counted.then(|| format!("{}; rel=\"last\"", url(pages))));
        answer.headers.push(("link", links.join(", ")));
        answer
    }
}

/// Returns the id below which a keyset page begins.
pub(super) fn cursor(asked: &ApiRequest<'_>) -> Option<u64> {
    asked.query.get("cursor").and_then(|cursor| cursor.parse().ok())
}

/// Turns the records after the cursor into an answer whose only paging header is the link to the next ones
/// (<https://docs.gitlab.com/api/rest/#keyset-based-pagination>). `items` have their ids in descending order.
pub(super) fn keyset<T>(
    base: &str,
    asked: &ApiRequest<'_>,
    items: &[T],
    id: impl Fn(&T) -> u64,
    show: impl Fn(&T) -> serde_json::Value,
) -> ApiAnswer {
    let size = asked.query.number("per_page").unwrap_or(20).min(100);
    let after = cursor(asked);
    let mut left = items.iter().filter(|item| after.is_none_or(|after| id(item) < after));
    let shown: Vec<&T> = left.by_ref().take(size).collect();
    let last = shown.last().map(|item| id(item)).filter(|_| left.next().is_some());
    let mut answer = ApiAnswer::ok(shown.into_iter().map(show).collect());
    if let Some(last) = last {
        let rest = asked.query.without_page();
        let url = format!("{base}{}?{rest}per_page={size}&cursor={last}", asked.path);
        answer.headers.push(("link", format!("<{url}>; rel=\"next\"")));
    }
    answer
}
