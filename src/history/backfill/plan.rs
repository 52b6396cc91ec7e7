//! What is read of a project, and which projects are read together. Pure.

use super::lists::ListedPast;
use super::{FactBatch, Failure, FillCursor, FilledPart, OpenFill, ProjectFact};
use crate::domain::fact::UnixSeconds;
use crate::domain::project::Project;
use crate::domain::usage::Api;
use crate::history::filled::FilledSpan;
use std::cmp::Reverse;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// So long before the last look the next one begins: a pipeline is visible only when its transaction has ended, and on a
/// replica some seconds later.
const OVERLAP: i64 = 10 * 60;
/// GitLab's page (<https://docs.gitlab.com/api/graphql/#limits>). With 50 jobs of each, that is no more than a reading asks
/// for at first: 50 projects with 100 jobs each.
const MOST: usize = 100;
/// An answer that takes this long is too large.
const SLOW: Duration = Duration::from_secs(5);
/// An answer this quick may be larger.
const QUICK: Duration = Duration::from_secs(2);

/// How many pipelines one query is about: learnt from how the server bears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageSize {
    size: usize,
    is_learnt: bool,
}

impl Default for PageSize {
    fn default() -> Self {
        Self { size: MOST, is_learnt: false }
    }
}

impl PageSize {
    pub(super) fn get(self) -> usize {
        self.size
    }

    pub(super) fn is_learnt(self) -> bool {
        self.is_learnt
    }

    /// Learns from an answer to a query for so many.
    pub(super) fn answered(&mut self, count: usize, took: Duration) {
        self.is_learnt = true;
        if took > SLOW {
            self.size = self.size.min((count / 2).max(1));
        } else if took < QUICK {
            self.size = (self.size * 2).min(MOST);
        }
    }

    /// Learns from a query for so many that was too much; `false` where a smaller one is no help.
    pub(super) fn refused(&mut self, count: usize) -> bool {
        self.is_learnt = true;
        let smaller = (count / 2).max(1);
        self.size = self.size.min(smaller);
        count > 1
    }
}

/// A part of a project's past that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PastPart {
    pub span: FilledSpan,
    /// Where it goes on, for one that was begun.
    pub next: Option<String>,
}

/// One project of a backfill.
#[derive(Debug)]
pub(super) struct FillProject {
    pub project: Arc<Project>,
    /// As an earlier run left it.
    before: Option<FillCursor>,
    cursor: FillCursor,
    /// What was to be read, where nothing has changed in it.
    quiet: Option<FilledSpan>,
    /// First what an earlier run has begun, then what is new.
    parts: VecDeque<PastPart>,
    /// Its past out of lists, while it is read over REST.
    pub lists: Option<ListedPast>,
    /// Pipelines that are expected.
    pub expected: u64,
    pub read: u64,
    /// It is read apart from others, because a query with others failed.
    pub is_alone: bool,
    pub is_ended: bool,
    /// Why not all can be read, and whether that is because it is hidden.
    pub gap: Option<(Failure, bool)>,
}

impl FillProject {
    pub(super) fn new(cursor: Option<FillCursor>, project: Arc<Project>) -> Self {
        Self {
            project,
            before: cursor,
            cursor: FillCursor { api: Api::Graphql, whole: None, open: None },
            quiet: None,
            parts: VecDeque::new(),
            lists: None,
            expected: 0,
            read: 0,
            is_alone: false,
            is_ended: false,
            gap: None,
        }
    }

    /// Plans what is read over an API: the rest of what was begun, and all that is new since.
    ///
    /// What was read out of lists is read again where GraphQL tells more.
    pub(super) fn plan(&mut self, api: Api, since: UnixSeconds, until: UnixSeconds) {
        let before = self.before.as_ref();
        let is_enough = |before: &&FillCursor| api == Api::Rest || before.api == Api::Graphql;
        let whole = before.filter(is_enough).and_then(|before| before.whole).filter(|whole| whole.since <= since);
        let goes_on = |open: &&OpenFill| {
            let joins = whole.is_some_and(|whole| open.span.since <= whole.until);
            !open.next.is_empty() && (open.span.since <= since || joins)
        };
        let open = before.filter(|before| before.api == api).and_then(|before| before.open.as_ref()).filter(goes_on);
        let known_until = open.map(|open| open.span.until).or(whole.map(|whole| whole.until));
        let news = match known_until {
            // A clock that was set back makes nothing unread.
            Some(known) => FilledSpan { since: known.min(until).saturating_sub(OVERLAP), until },
            None => FilledSpan { since, until },
        };
        let begun = open.map(|open| PastPart { span: open.span, next: Some(open.next.clone()) });
        self.cursor = FillCursor { api, whole, open: open.cloned() };
        self.parts = begun.into_iter().chain([PastPart { span: news, next: None }]).collect();
    }

    /// Returns since when anything is new.
    pub(super) fn news_since(&self) -> UnixSeconds {
        self.parts.back().map_or(0, |part| part.span.since)
    }

    /// Returns the part that is to be read next.
    pub(super) fn part(&self) -> Option<&PastPart> {
        self.parts.front()
    }

    /// Notes how many pipelines are new; where none is, there is nothing to read for that.
    pub(super) fn learn_count(&mut self, count: u64) {
        self.expected = count;
        if count > 0 {
            return;
        }
        let Some(news) = self.parts.pop_back() else { return };
        match self.parts.back_mut() {
            // Nothing has changed since that was begun: it is as of now.
            Some(begun) => begun.span.until = begun.span.until.max(news.span.until),
            None => self.quiet = Some(news.span),
        }
    }

    /// Notes that it has no pipelines at all.
    pub(super) fn learn_empty(&mut self) {
        let since = self.parts.iter().map(|part| part.span.since).min();
        let until = self.parts.back().map(|part| part.span.until);
        self.parts.clear();
        self.quiet = since.zip(until).map(|(since, until)| FilledSpan { since, until });
    }

    /// Returns its place in the order of pages: those that are asked for the same come together, the largest first.
    pub(super) fn order(&self) -> (bool, UnixSeconds, Reverse<u64>) {
        let since = self.part().map_or(0, |part| part.span.since);
        (self.is_alone, since, Reverse(self.expected))
    }

    /// Notes where the part that is read goes on.
    pub(super) fn open_at(&mut self, next: String) {
        if let Some(part) = self.parts.front_mut() {
            part.next = Some(next.clone());
            self.cursor.open = Some(OpenFill { span: part.span, next });
        }
    }

    /// Notes that a part was read to its end, and returns the days that are filled by it.
    pub(super) fn complete_part(&mut self) -> Range<i64> {
        self.parts.pop_front().map_or(0..0, |part| self.cursor.complete(part.span))
    }

    /// Notes that nothing has changed up to now, and returns the days that are filled by that.
    pub(super) fn complete_quiet(&mut self) -> Range<i64> {
        self.quiet.take().map_or(0..0, |span| self.cursor.complete(span))
    }

    /// Makes what is written.
    pub(super) fn written(&self, seen_at: UnixSeconds, facts: FactBatch, days: Range<i64>) -> FilledPart {
        let project = ProjectFact {
            id: self.project.id,
            full_path: self.project.full_path.clone(),
            default_branch: self.project.default_branch.clone(),
            seen_at,
        };
        let facts = FactBatch { projects: vec![project], ..facts };
        FilledPart { project: self.project.id, facts, cursor: self.cursor.clone(), days }
    }

    pub(super) fn end(&mut self) {
        self.is_ended = true;
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_ended || self.gap.is_some()
    }
}

/// Takes the projects whose pipelines fit on one page of so many out of those that wait in order, and says how many
/// pipelines of each.
pub(super) fn take_page(waiting: &mut Vec<usize>, projects: &[FillProject], size: usize) -> (Vec<usize>, usize) {
    let Some(first) = waiting.first().and_then(|at| projects.get(*at)) else { return (Vec::new(), 0) };
    let pipelines = usize::try_from(first.expected).unwrap_or(size).clamp(1, size);
    let most = if first.is_alone { 1 } else { (size / pipelines).clamp(1, MOST) };
    let is_alike = |of: &FillProject| {
        !of.is_alone && of.part().map(|part| part.span.since) == first.part().map(|part| part.span.since)
    };
    let alike = waiting.iter().skip(1).take(most - 1).take_while(|at| projects.get(**at).is_some_and(is_alike));
    let count = 1 + alike.count();
    (waiting.drain(..count).collect(), pipelines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::project;
    use proptest::prelude::*;

    const SINCE: UnixSeconds = 1_790_000_000;
    const UNTIL: UnixSeconds = SINCE + 30 * 86_400;

    fn planned(at: usize, before: Option<FillCursor>, count: u64) -> FillProject {
        let mut of = FillProject::new(before, project(at as u64));
        of.plan(Api::Graphql, SINCE, UNTIL);
        of.learn_count(count);
        of
    }

    /// The rule of the README.
    fn pages(counts: &[u64]) -> u64 {
        let own: u64 = counts.iter().filter(|count| **count > 50).map(|count| count.div_ceil(100)).sum();
        let mut small: Vec<u64> = counts.iter().copied().filter(|count| (1..=50).contains(count)).collect();
        small.sort_unstable_by_key(|count| Reverse(*count));
        let mut shared = 0;
        while let Some(largest) = small.first() {
            let fit = usize::try_from(100 / largest).unwrap().min(small.len());
            small.drain(..fit);
            shared += 1;
        }
        own + shared
    }

    proptest! {
        #[test]
        fn the_pages_are_as_many_as_the_readme_says(counts in prop::collection::vec(0_u64..350, 0..120)) {
            let projects: Vec<FillProject> =
                counts.iter().enumerate().map(|(at, count)| planned(at, None, *count)).collect();
            let mut left = counts.clone();
            let mut waiting: Vec<usize> = (0..counts.len()).filter(|at| projects[*at].part().is_some()).collect();
            let mut asked = 0;
            waiting.sort_by_key(|at| projects[*at].order());
            while !waiting.is_empty() {
                let (batch, pipelines) = take_page(&mut waiting, &projects, MOST);
                asked += 1;
                prop_assert!(batch.len() * pipelines <= MOST && batch.len() <= MOST);
                for at in batch {
                    left[at] -= left[at].min(pipelines as u64);
                    // The rest of a project has pages of its own.
                    asked += left[at].div_ceil(MOST as u64);
                }
            }
            prop_assert_eq!(asked, pages(&counts));
        }
    }

    #[test]
    fn the_size_follows_how_the_server_bears_it() {
        let seconds = Duration::from_secs;
        let mut size = PageSize::default();
        assert_eq!((size.get(), size.is_learnt()), (100, false));
        size.answered(100, seconds(6));
        assert_eq!((size.get(), size.is_learnt()), (50, true), "too slow: half");
        size.answered(50, seconds(3));
        assert_eq!(size.get(), 50, "neither quick nor slow");
        size.answered(50, seconds(1));
        assert_eq!(size.get(), 100, "quick: more");
        assert!(size.refused(100) && size.refused(3));
        assert_eq!(size.get(), 1);
        assert!(!size.refused(1), "nothing is smaller than one");
    }

    #[test]
    fn what_is_read_begins_where_the_last_run_ended() {
        let span = |since: i64, until: i64| FilledSpan { since: SINCE + since, until: SINCE + until };
        let cursor = |api, whole, open: Option<FilledSpan>| {
            let open = open.map(|span| OpenFill { span, next: "c".into() });
            Some(FillCursor { api, whole, open })
        };
        let all = [(0, UNTIL - SINCE, false)];
        type Case<'a> = (&'a str, Option<FillCursor>, Api, &'a [(i64, i64, bool)]);
        let day = 86_400;
        let cases: [Case<'_>; 9] = [
            ("nothing was read", None, Api::Graphql, &all),
            (
                "all was read: what is new",
                cursor(Api::Graphql, Some(span(0, day)), None),
                Api::Graphql,
                &[(day - OVERLAP, UNTIL - SINCE, false)],
            ),
            ("less was read than is wanted", cursor(Api::Graphql, Some(span(day, 2 * day)), None), Api::Graphql, &all),
            ("lists tell less", cursor(Api::Rest, Some(span(0, day)), None), Api::Graphql, &all),
            (
                "and are enough for lists",
                cursor(Api::Rest, Some(span(0, day)), None),
                Api::Rest,
                &[(day - OVERLAP, UNTIL - SINCE, false)],
            ),
            (
                "what was begun is read to its end, and what is new since",
                cursor(Api::Graphql, None, Some(span(0, day))),
                Api::Graphql,
                &[(0, day, true), (day - OVERLAP, UNTIL - SINCE, false)],
            ),
            ("begun over the other API", cursor(Api::Rest, None, Some(span(0, day))), Api::Graphql, &all),
            (
                "begun after what was read",
                cursor(Api::Graphql, Some(span(0, 2 * day)), Some(span(2 * day - 60, 3 * day))),
                Api::Graphql,
                &[(2 * day - 60, 3 * day, true), (3 * day - OVERLAP, UNTIL - SINCE, false)],
            ),
            ("begun later than is wanted", cursor(Api::Graphql, None, Some(span(day, 2 * day))), Api::Graphql, &all),
        ];
        for (sentence, before, api, expected) in cases {
            let mut of = FillProject::new(before, project(1));
            of.plan(api, SINCE, UNTIL);
            let part = |part: &PastPart| (part.span.since - SINCE, part.span.until - SINCE, part.next.is_some());
            assert_eq!(of.parts.iter().map(part).collect::<Vec<_>>(), expected, "{sentence}");
        }
    }
}
