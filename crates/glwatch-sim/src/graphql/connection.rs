//! Lists in pages: `nodes`, `edges`, `pageInfo`, `count`.

use std::ops::Range;

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue;

use super::resolver_helpers::{ResolvedField, leaf, maybe, object};

/// What can stand in a connection.
pub(super) trait ListItem: ObjectValue + Clone {
    const CONNECTION: &'static str;
    const EDGE: &'static str;

    /// Tells the items of one list apart.
    fn key(&self) -> u64;
}

pub(super) struct ListConnection<T> {
    items: Vec<T>,
    page: Range<usize>,
}

impl<T: ListItem> ListConnection<T> {
    /// Takes the page of `items` that the field's arguments ask for; `most` is the largest, and that of those who do not say.
    pub(super) fn new(items: Vec<T>, info: &ResolveInfo<'_>, most: usize) -> Self {
        let number = |name: &str| {
            let given = info.arguments().get(name).and_then(JsonValue::as_i64)?;
            Some(usize::try_from(given).unwrap_or(0).min(most))
        };
        let cursor = |name: &str| info.arguments().get(name).and_then(JsonValue::as_str);
        let mut page = 0..items.len();
        if let Some(after) = cursor("after") {
            page.start = place(&items, after).map_or(0, |at| at + 1).min(items.len());
        }
        if let Some(before) = cursor("before") {
            page.end = place(&items, before).unwrap_or(items.len()).clamp(page.start, items.len());
        }
        match (number("first"), number("last")) {
            (None, Some(last)) => page.start = page.start.max(page.end.saturating_sub(last)),
            (first, last) => {
                page.end = page.end.min(page.start + first.unwrap_or(most));
                page.start = page.start.max(page.end.saturating_sub(last.unwrap_or(most)));
            }
        }
        Self { items, page }
    }

    fn cursor(&self, at: usize) -> String {
        format!("{:x}-{at:x}", self.items[at].key())
    }
}

/// Finds the item of a cursor: by its key, or by its former place when it is gone.
fn place<T: ListItem>(items: &[T], cursor: &str) -> Option<usize> {
    let (key, at) = cursor.split_once('-')?;
    let (key, at) = (u64::from_str_radix(key, 16).ok()?, usize::from_str_radix(at, 16).ok()?);
    items.iter().position(|item| item.key() == key).or(Some(at))
}

impl<T: ListItem> ObjectValue for ListConnection<T> {
    fn type_name(&self) -> &str {
        T::CONNECTION
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "nodes" => {
                let nodes = self.items[self.page.clone()].iter().cloned();
                Ok(ResolvedValue::list(nodes.map(ResolvedValue::object)))
            }
            "edges" => {
                let edge =
                    |at| ResolvedValue::object(ListEdge { cursor: self.cursor(at), node: self.items[at].clone() });
                Ok(ResolvedValue::list(self.page.clone().map(edge)))
            }
            "pageInfo" => {
                let page = &self.page;
                object(PageInfo {
                    start: (!page.is_empty()).then(|| self.cursor(page.start)),
                    end: (!page.is_empty()).then(|| self.cursor(page.end - 1)),
                    has_previous: page.start > 0,
                    has_next: page.end < self.items.len(),
                })
            }
            "count" => {
                let limit = info.arguments().get("limit").and_then(JsonValue::as_i64);
                let most = limit.map_or(i64::MAX, |limit| limit.saturating_add(1));
                leaf(i64::try_from(self.items.len()).unwrap_or(i64::MAX).min(most))
            }
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

struct ListEdge<T> {
    cursor: String,
    node: T,
}

impl<T: ListItem> ObjectValue for ListEdge<T> {
    fn type_name(&self) -> &str {
        T::EDGE
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "cursor" => leaf(self.cursor.as_str()),
            "node" => object(self.node.clone()),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

struct PageInfo {
    start: Option<String>,
    end: Option<String>,
    has_previous: bool,
    has_next: bool,
}

impl ObjectValue for PageInfo {
    fn type_name(&self) -> &str {
        "PageInfo"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "startCursor" => maybe(self.start.as_deref()),
            "endCursor" => maybe(self.end.as_deref()),
            "hasPreviousPage" => leaf(self.has_previous),
            "hasNextPage" => leaf(self.has_next),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
