//! Explains pipelines in the background: the latest request wins, and answers are cached.
//!
//! The same knowledge as `glwatch explain`, for a listener that goes on: a selection that moves on does not wait for the
//! answer to the last one, and one that comes back has it at once.

use super::evidence::{self, EvidenceOptions, Subject};
use crate::domain::evidence::Evidence;
use crate::domain::id::PipelineId;
use crate::domain::project::Failure;
use crate::explain::cause::Explanation;
use crate::gitlab::client::{Client, Purpose};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Answers that are kept; an answer with its logs is a few hundred lines of text.
const MOST_ANSWERS: usize = 32;

/// What is asked about: a pipeline, and when it last changed as the asker knows it.
#[derive(Debug, Clone)]
pub struct ExplainRequest {
    pub subject: Subject,
    /// A pipeline that changed since is read again.
    pub updated_at: Option<DateTime<Utc>>,
}

impl ExplainRequest {
    fn key(&self) -> AnswerKey {
        (self.subject.pipeline, self.updated_at)
    }
}

type AnswerKey = (PipelineId, Option<DateTime<Utc>>);

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct ExplainAnswer {
    pub pipeline: PipelineId,
    /// When the pipeline had last changed, as the asker knew it.
    pub updated_at: Option<DateTime<Utc>>,
    pub evidence: Result<Arc<Evidence>, Failure>,
    /// The judgement, where another process has judged.
    pub judged: Option<Arc<Explanation>>,
}

/// The last answers, newest last.
#[derive(Debug, Default)]
struct AnswerCache(VecDeque<(AnswerKey, Arc<Evidence>)>);

impl AnswerCache {
    fn get(&mut self, key: &AnswerKey) -> Option<Arc<Evidence>> {
        let at = self.0.iter().position(|(known, _)| known == key)?;
        // Used again, so it is the last to go.
        let entry = self.0.remove(at)?;
        let evidence = Arc::clone(&entry.1);
        self.0.push_back(entry);
        Some(evidence)
    }

    fn put(&mut self, key: AnswerKey, evidence: Arc<Evidence>) {
        self.0.retain(|(known, _)| known.0 != key.0);
        self.0.push_back((key, evidence));
        if self.0.len() > MOST_ANSWERS {
            self.0.pop_front();
        }
    }
}

/// Answers requests until the sender is dropped. A request that is replaced by another one is dropped midway.
///
/// `time` is how long one answer may take; `remember` adds to it what the memory knows.
pub async fn run(
    client: Client,
    (options, time): (EvidenceOptions, Duration),
    mut requests: watch::Receiver<Option<ExplainRequest>>,
    answers: watch::Sender<Option<ExplainAnswer>>,
    mut remember: impl FnMut(&mut Evidence) + Send,
) {
    let mut cache = AnswerCache::default();
    loop {
        let request = requests.borrow_and_update().clone();
        if let Some(request) = request {
            let (pipeline, updated_at) = request.key();
            let client = client.for_purpose(Purpose::Explain, Instant::now() + time);
            let evidence = match cache.get(&request.key()) {
                Some(evidence) => Ok(evidence),
                None => tokio::select! {
                    // Whatever is new counts before what has come.
                    biased;
                    changed = requests.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                    read = evidence::gather(&client, request.subject.clone(), options) => read.map(|mut evidence| {
                        remember(&mut evidence);
                        Arc::new(evidence)
                    }),
                }
                .map_err(|error| Failure::from(&error)),
            };
            if let Ok(evidence) = &evidence {
                cache.put(request.key(), Arc::clone(evidence));
            }
            answers.send_replace(Some(ExplainAnswer { pipeline, updated_at, evidence, judged: None }));
        }
        if requests.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;
    use crate::domain::status::Status;

    fn is_task<T: Send + 'static>(_: T) {}

    /// Is compiled and never run: what a front end can spawn.
    #[expect(dead_code, reason = "it is enough that it compiles")]
    fn a_question_and_the_service_can_move_between_threads(
        client: Client,
        (subject, options): (Subject, EvidenceOptions),
        (requests, answers): (watch::Receiver<Option<ExplainRequest>>, watch::Sender<Option<ExplainAnswer>>),
    ) {
        let asking = client.clone();
        is_task(async move { evidence::gather(&asking, subject, options).await });
        is_task(run(client, (options, Duration::ZERO), requests, answers, |_| ()));
    }

    fn evidence() -> Arc<Evidence> {
        Arc::new(Evidence {
            project: "acme/api".into(),
            project_id: None,
            pipeline: example::pipeline(Status::Failed, vec![]),
            jobs: vec![],
            tests: None,
            previous: None,
            below: vec![],
            unread: vec![],
        })
    }

    fn key(id: u64, updated: i64) -> AnswerKey {
        (PipelineId(id), DateTime::from_timestamp(updated, 0))
    }

    #[test]
    fn the_answers_that_are_kept_are_the_last_ones_that_were_used() {
        let mut cache = AnswerCache::default();
        for id in 0..MOST_ANSWERS as u64 {
            cache.put(key(id, 1), evidence());
        }
        assert!(cache.get(&key(0, 1)).is_some());
        cache.put(key(100, 1), evidence());
        assert_eq!(cache.0.len(), MOST_ANSWERS);
        assert!(cache.get(&key(0, 1)).is_some(), "it was used");
        assert!(cache.get(&key(1, 1)).is_none(), "it was the oldest");
    }

    #[test]
    fn a_pipeline_that_went_on_has_no_answer_yet_and_one_at_most() {
        let mut cache = AnswerCache::default();
        cache.put(key(1, 1), evidence());
        assert!(cache.get(&key(1, 2)).is_none());
        cache.put(key(1, 2), evidence());
        assert_eq!(cache.0.len(), 1);
    }
}
