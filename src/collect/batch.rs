//! Decides which projects are read in one query, and how many. Pure: answers in, decisions out.

use crate::domain::id::ProjectId;
use crate::domain::project::Project;
use crate::gitlab::client::PipelineFilter;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// GitLab's page size, and so the most projects that one query can be about
/// (<https://docs.gitlab.com/api/graphql/#limits>).
pub(super) const MOST: usize = 100;
/// With how many a server that is not known yet is asked.
const FIRST: usize = 50;
/// So many projects that fail in one batch are asked about one by one; more than that are rather too much at once.
pub(super) const ALONE: usize = 3;
/// So many batches are sent before the first answer, as long as the list goes on.
const TRIALS: usize = 2;
/// An answer that takes this long is too large.
const SLOW: Duration = Duration::from_secs(5);
/// An answer this quick may be larger.
const QUICK: Duration = Duration::from_secs(2);

/// How many projects a query is about: learnt from how the server bears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSize {
    /// With their jobs.
    whole: usize,
    /// The most that the server puts on one page, which an administrator may have lowered.
    page: usize,
}

impl Default for BatchSize {
    fn default() -> Self {
        Self { whole: FIRST, page: MOST }
    }
}

impl BatchSize {
    /// Takes over what was learnt at another time.
    pub fn learnt(size: usize) -> Self {
        Self { whole: size.clamp(1, MOST), page: MOST }
    }

    pub fn get(self) -> usize {
        self.whole.min(self.page)
    }

    /// Returns how many projects a query without their jobs is about.
    pub fn page(self) -> usize {
        self.page
    }

    /// Forgets how long a page is, which is learnt again at no cost: a short page is no lost one.
    pub(super) fn with_unknown_page(self) -> Self {
        Self { page: MOST, ..self }
    }

    /// Learns from a page that ended before all that it was asked for.
    fn ended_after(&mut self, count: usize) {
        self.page = self.page.min(count.max(1));
    }

    /// Learns from a batch that was answered. Only a full one says that there may be more.
    fn answered(&mut self, count: usize, took: Duration) {
        if took > SLOW {
            self.whole = self.whole.min((count / 2).max(1));
        } else if took < QUICK && count >= self.whole {
            self.whole = (self.whole * 2).min(MOST);
        }
    }

    /// Learns from a batch that was too much.
    fn refused(&mut self, count: usize) {
        self.whole = self.whole.min((count / 2).max(1));
    }
}

/// What is asked of several projects in one query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum BatchQuestion {
    /// Whether anything has changed.
    Pulse,
    /// The newest pipeline with its jobs.
    Newest,
}

/// One query to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProjectBatch {
    pub question: BatchQuestion,
    pub filter: PipelineFilter,
    pub projects: Vec<Arc<Project>>,
}

/// How far the list has come from which the projects are.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ListFeed {
    /// All that were found so far are in the queue, those known from the last time among them.
    pub is_drained: bool,
    /// No more will be found.
    pub has_ended: bool,
    /// Every project that was found so far was known from the last time: most likely no more will be.
    pub is_known: bool,
}

/// What waits to be asked.
#[derive(Debug, Default)]
pub(super) struct BatchQueue {
    pub size: BatchSize,
    /// By what is asked of them, in the order in which that came up.
    waiting: Vec<(BatchQuestion, PipelineFilter, Vec<Arc<Project>>)>,
    /// Parts of what was too much; they go first.
    parts: VecDeque<ProjectBatch>,
    /// Pulses that are under way.
    pulses: usize,
    /// Batches of whole pipelines that were sent, as long as none has come back.
    trials: Option<usize>,
}

impl BatchQueue {
    pub(super) fn new(size: BatchSize) -> Self {
        let trials = (size.whole == FIRST).then_some(0);
        Self { size, trials, ..Self::default() }
    }

    pub(super) fn add(&mut self, question: BatchQuestion, filter: &PipelineFilter, project: Arc<Project>) {
        match self.waiting.iter_mut().find(|(asked, of, _)| *asked == question && of == filter) {
            Some((_, _, projects)) => projects.push(project),
            None => self.waiting.push((question, filter.clone(), vec![project])),
        }
    }

    /// Takes a project back that waits to be asked about.
    pub(super) fn forget(&mut self, project: ProjectId) {
        self.waiting.iter_mut().for_each(|(_, _, waiting)| waiting.retain(|known| known.id != project));
    }

    /// Takes the next batch that should go.
    ///
    /// A full one goes at once. What is left over goes when nothing more can join it: of the pulses when all projects
    /// that are known are in, of the whole pipelines when the list has ended or most likely brings no other projects, and
    /// the pulses, which tell what has changed, are back.
    pub(super) fn take(&mut self, feed: ListFeed) -> Option<ProjectBatch> {
        let batch = self.parts.pop_front().or_else(|| self.gather(feed))?;
        match batch.question {
            BatchQuestion::Pulse => self.pulses += 1,
            BatchQuestion::Newest => self.trials = self.trials.map(|trials| trials + 1),
        }
        Some(batch)
    }

    fn gather(&mut self, feed: ListFeed) -> Option<ProjectBatch> {
        let size = self.size;
        // What is still to come is better asked about after the first answer, which tells how many at a time.
        let is_on_trial = !feed.has_ended && self.trials.is_some_and(|trials| trials >= TRIALS);
        let pulses_to_come = self.pulses > 0
            || self
                .waiting
                .iter()
                .any(|(question, _, waiting)| *question == BatchQuestion::Pulse && !waiting.is_empty());
        let waiting = self.waiting.iter_mut();
        let mut open = waiting.filter(|(question, _, _)| *question == BatchQuestion::Pulse || !is_on_trial);
        let ready = open.find_map(|(question, filter, waiting)| {
            let (most, is_last_call) = match question {
                BatchQuestion::Pulse => (size.page(), feed.is_drained),
                BatchQuestion::Newest => {
                    let is_whole = feed.has_ended || feed.is_known;
                    (size.get(), feed.is_drained && is_whole && !pulses_to_come)
                }
            };
            let count = waiting.len().min(most);
            (count == most || (is_last_call && count > 0)).then_some((*question, filter, waiting, count))
        });
        let (question, filter, waiting, count) = ready?;
        Some(ProjectBatch { question, filter: filter.clone(), projects: waiting.drain(..count).collect() })
    }

    /// Notes that a batch has come back with an answer.
    pub(super) fn answered(&mut self, batch: &ProjectBatch, took: Duration) {
        self.back(batch);
        if batch.question == BatchQuestion::Newest {
            self.size.answered(batch.projects.len(), took);
        }
    }

    /// Notes that a batch has come back without one.
    pub(super) fn back(&mut self, batch: &ProjectBatch) {
        match batch.question {
            BatchQuestion::Pulse => self.pulses -= 1,
            BatchQuestion::Newest => self.trials = None,
        }
    }

    /// Asks a batch that was too much again, in halves; `false` for one that cannot be halved.
    pub(super) fn split(&mut self, batch: &ProjectBatch) -> bool {
        let count = batch.projects.len();
        if count < 2 {
            return false;
        }
        if batch.question == BatchQuestion::Newest {
            self.size.refused(count);
        }
        let (first, second) = batch.projects.split_at(count.div_ceil(2));
        for half in [second, first] {
            self.parts.push_front(ProjectBatch { projects: half.to_vec(), ..batch.clone() });
        }
        true
    }

    /// Asks again about those projects of a batch that failed: each alone, or, where they are many, in halves.
    pub(super) fn again(&mut self, batch: &ProjectBatch, failed: Vec<Arc<Project>>) {
        let part = |projects| ProjectBatch { question: batch.question, filter: batch.filter.clone(), projects };
        if failed.len() > ALONE {
            self.split(&part(failed));
        } else {
            self.parts.extend(failed.into_iter().map(|project| part(vec![project])));
        }
    }

    /// Asks again about the projects that an answer left out, as many at a time as came. `is_page` says that the server
    /// itself told that there are more: its pages are that short.
    pub(super) fn rest(&mut self, batch: &ProjectBatch, missing: &[Arc<Project>], came: usize, is_page: bool) {
        if is_page {
            self.size.ended_after(came);
        }
        let part = |projects: &[Arc<Project>]| ProjectBatch { projects: projects.to_vec(), ..batch.clone() };
        self.parts.extend(missing.chunks(came.max(1)).map(part));
    }

    /// Forgets everything that waits.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.parts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example::project;

    const ANY: PipelineFilter = PipelineFilter::Any;
    const OPEN: ListFeed = ListFeed { is_drained: false, has_ended: false, is_known: false };
    const ENDED: ListFeed = ListFeed { is_drained: true, has_ended: true, is_known: false };
    /// What was known is in, and the list is still on its way.
    const KNOWN: ListFeed = ListFeed { is_drained: true, has_ended: false, is_known: true };

    fn queue(question: BatchQuestion, count: u64) -> BatchQueue {
        let mut queue = BatchQueue::new(BatchSize::default());
        (0..count).for_each(|id| queue.add(question, &ANY, project(id)));
        queue
    }

    /// Takes all that would go, as if every answer came at once.
    fn lengths(queue: &mut BatchQueue, feed: ListFeed, took: Duration) -> Vec<usize> {
        let mut lengths = Vec::new();
        while let Some(batch) = queue.take(feed) {
            lengths.push(batch.projects.len());
            queue.answered(&batch, took);
        }
        lengths
    }

    #[test]
    fn the_size_follows_how_the_server_bears_it() {
        let seconds = Duration::from_secs;
        let cases = [
            ("quick and full: more", 50, 50, Ok(seconds(1)), 100),
            ("quick, but only a remainder: nothing learnt", 50, 7, Ok(seconds(1)), 50),
            ("neither quick nor slow", 50, 50, Ok(seconds(3)), 50),
            ("slow: half", 50, 50, Ok(seconds(6)), 25),
            ("a slow remainder: half of that", 50, 8, Ok(seconds(6)), 4),
            ("never above a page", 100, 100, Ok(seconds(1)), 100),
            ("too much: half", 50, 50, Err(()), 25),
            ("an old batch that is refused late does not raise it", 6, 50, Err(()), 6),
            ("never none", 1, 1, Err(()), 1),
        ];
        for (sentence, size, count, outcome, expected) in cases {
            let mut size = BatchSize::learnt(size);
            match outcome {
                Ok(took) => size.answered(count, took),
                Err(()) => size.refused(count),
            }
            assert_eq!(size.get(), expected, "{sentence}");
        }
    }

    #[test]
    fn a_page_that_is_shorter_than_asked_for_is_learnt_and_nothing_is_asked_for_twice() {
        let mut queue = queue(BatchQuestion::Pulse, 230);
        let mut asked = Vec::new();
        while let Some(batch) = queue.take(ENDED) {
            asked.push(batch.projects.len());
            let (_, missing) = batch.projects.split_at(batch.projects.len().min(20));
            queue.answered(&batch, Duration::from_secs(1));
            if !missing.is_empty() {
                queue.rest(&batch, missing, 20, true);
            }
        }
        let short = std::iter::repeat_n(20, 10).chain([10]);
        assert_eq!(asked, [100].into_iter().chain(short).collect::<Vec<_>>(), "12 pages of 20 hold 230");
        assert_eq!((queue.size.page(), queue.size.get()), (20, 20));
        assert_eq!(queue.size.with_unknown_page(), BatchSize::default());
    }

    #[test]
    fn full_batches_go_at_once_and_the_rest_when_nothing_more_can_join_it() {
        let slowish = Duration::from_secs(3);
        assert_eq!(lengths(&mut queue(BatchQuestion::Newest, 120), OPEN, slowish), [50, 50]);
        assert_eq!(lengths(&mut queue(BatchQuestion::Newest, 120), ENDED, slowish), [50, 50, 20]);
        assert_eq!(lengths(&mut queue(BatchQuestion::Newest, 120), KNOWN, slowish), [50, 50, 20]);
        assert_eq!(lengths(&mut queue(BatchQuestion::Pulse, 250), OPEN, slowish), [100, 100]);
        assert_eq!(lengths(&mut queue(BatchQuestion::Pulse, 250), ENDED, slowish), [100, 100, 50]);
    }

    #[test]
    fn a_long_list_waits_for_what_the_first_batches_teach() {
        let mut queue = queue(BatchQuestion::Newest, 1000);
        let first: Vec<ProjectBatch> = std::iter::from_fn(|| queue.take(OPEN)).collect();
        assert_eq!(first.len(), TRIALS);
        queue.answered(&first[0], Duration::from_secs(1));
        assert_eq!(queue.take(OPEN).map(|batch| batch.projects.len()), Some(100));
        let mut short = self::queue(BatchQuestion::Newest, 150);
        assert_eq!(std::iter::from_fn(|| short.take(ENDED)).count(), 3, "a list that has ended waits for nothing");
    }

    #[test]
    fn a_server_that_answers_quickly_is_asked_about_more_at_once() {
        assert_eq!(
            lengths(&mut queue(BatchQuestion::Newest, 400), ENDED, Duration::from_secs(1)),
            [50, 100, 100, 100, 50]
        );
    }

    #[test]
    fn what_a_pulse_may_add_to_waits_for_it() {
        let mut queue = queue(BatchQuestion::Newest, 3);
        queue.add(BatchQuestion::Pulse, &ANY, project(9));
        let pulse = queue.take(ENDED).unwrap();
        assert_eq!(pulse.question, BatchQuestion::Pulse);
        assert_eq!(queue.take(ENDED), None);
        queue.add(BatchQuestion::Newest, &ANY, project(9));
        queue.answered(&pulse, Duration::from_secs(1));
        assert_eq!(queue.take(ENDED).unwrap().projects.len(), 4);
    }

    #[test]
    fn refs_are_asked_for_apart() {
        let mut queue = queue(BatchQuestion::Newest, 2);
        queue.add(BatchQuestion::Newest, &PipelineFilter::Ref("main".into()), project(1));
        assert_eq!(lengths(&mut queue, ENDED, Duration::from_secs(1)), [2, 1]);
    }

    #[test]
    fn one_poisoned_project_is_found_by_halving() {
        let mut queue = queue(BatchQuestion::Newest, 50);
        let mut asked = 0;
        let mut read = 0;
        let mut poisoned = Vec::new();
        while let Some(batch) = queue.take(ENDED) {
            asked += 1;
            if !batch.projects.iter().any(|project| project.id.0 == 17) {
                read += batch.projects.len();
                queue.answered(&batch, Duration::from_secs(3));
            } else {
                queue.back(&batch);
                if !queue.split(&batch) {
                    poisoned.extend(batch.projects.iter().map(|project| project.id.0));
                }
            }
        }
        assert_eq!((poisoned, read), (vec![17], 49));
        assert!(asked <= 13, "{asked} queries");
    }
}
