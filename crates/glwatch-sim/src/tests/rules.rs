//! GitLab's composite rule as a table of cases.

use crate::status::{StatusItem, composite, has_warnings};

/// A job is its status; `?` after it means that it may fail.
fn status_of(jobs: &str) -> (Option<String>, bool) {
    let item =
        |word: &'static str| StatusItem { status: word.trim_end_matches('?'), allow_failure: word.ends_with('?') };
    let words: Vec<&'static str> = jobs.split_whitespace().map(|word| &*Box::leak(word.to_owned().into())).collect();
    let items: Vec<StatusItem<'_>> = words.into_iter().map(item).collect();
    (composite(&items).map(std::borrow::Cow::into_owned), has_warnings(&items))
}

#[test]
fn many_statuses_make_one() {
    let cases = [
        ("only skipped is skipped", "skipped skipped", "skipped"),
        ("an optional manual job is ignored", "manual? skipped", "skipped"),
        ("success beside skipped is success", "success skipped", "success"),
        ("an allowed failure is success", "success failed?", "success"),
        ("an allowed cancellation is success", "canceled? success", "success"),
        ("only created is created", "created created", "created"),
        ("created after a warning is created", "created failed?", "created"),
        ("only preparing is preparing", "preparing", "preparing"),
        ("canceled beside success is canceled", "canceled success skipped", "canceled"),
        ("pending beside created is pending", "pending created", "pending"),
        ("pending after success is running", "pending success", "running"),
        ("running wins over failed", "running failed", "running"),
        ("waiting wins over manual", "waiting_for_resource manual success", "waiting_for_resource"),
        ("a callback wins over manual", "waiting_for_callback manual", "waiting_for_callback"),
        ("a required manual job blocks", "success manual created", "manual"),
        ("delayed wins over created", "scheduled created success", "scheduled"),
        ("created after success is running", "success created", "running"),
        ("canceling beside success is canceling", "canceling success", "canceling"),
        ("one failure is failed", "failed success skipped", "failed"),
        ("a failure beside a cancellation is failed", "failed canceled", "failed"),
        ("an unknown word stays", "success quarantined", "quarantined"),
        ("running wins over an unknown word", "running quarantined", "running"),
        ("failed wins over an unknown word", "failed quarantined", "failed"),
    ];
    for (sentence, jobs, expected) in cases {
        assert_eq!(status_of(jobs).0.as_deref(), Some(expected), "{sentence}");
    }
    assert_eq!(status_of(""), (None, false));
}

#[test]
fn only_an_allowed_failure_or_cancellation_warns() {
    assert!(status_of("success failed?").1);
    assert!(status_of("success canceled?").1);
    assert!(!status_of("success manual?").1);
    assert!(!status_of("failed success?").1);
}
