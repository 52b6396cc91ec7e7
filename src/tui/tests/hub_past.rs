//! What the screen of a project says of a hub's memory: what it told, how long ago, and what it did not tell.

use super::pictures::picture;
use super::screens::{after, remembered};
use super::*;
use crate::domain::failure::{Failure, FailureKind};
use crate::domain::past::{HubPast, PastAnswer, PastLack, PastRest, ProjectPast};

#[test]
fn what_a_hub_does_not_tell_of_the_past_is_said_where_it_would_be() {
    let told = |rest, age| {
        let past = ProjectPast { project: ProjectId(1), pipelines: vec![remembered(7)], flaky: vec![] };
        Ok(HubPast { past, rest, age: Duration::from_secs(age) })
    };
    let failed = Failure::new(FailureKind::NotHub, "it is a page");
    let cases = [
        (
            "more",
            told(PastRest::Before(PipelineId(7)), 3),
            "at the end of the list, older ones are read",
            vec!["ReadPipelines"],
        ),
        ("no more", told(PastRest::Nothing, 3), "the hub remembers no older ones: run glwatch without --from", vec![]),
        ("old", told(PastRest::Nothing, 500), "what the hub remembers is as it was 8m 20s ago", vec![]),
        ("no memory", Err(PastLack::NoMemory), "the hub remembers nothing", vec![]),
        ("an older hub", Err(PastLack::NotTold), "the hub does not tell what it remembers", vec![]),
        ("a lie", Err(PastLack::Failed(failed)), "what the hub remembers could not be read: it is a page", vec![]),
    ];
    for (sentence, outcome, words, asks) in cases {
        let mut app = after(&[KeyCode::Tab, KeyCode::Enter], (120, 30));
        let now = app.facts.now;
        let effects = update(&mut app, ViewEvent::Recent(Box::new(PastAnswer::OfHub(ProjectId(1), outcome))), now);
        assert!(effects.is_empty(), "{sentence}: GitLab is not asked: {effects:?}");
        assert!(picture(&app).contains(words), "{sentence}:\n{}", picture(&app));
        let asked = said(&type_keys(&mut app, "G")).into_iter().filter(|effect| effect.starts_with("ReadPipelines"));
        assert_eq!(asked.collect::<Vec<_>>(), asks, "{sentence}");
    }
}

#[test]
fn what_is_asked_of_a_slow_hub_is_said_after_a_moment() {
    let mut app = after(&[KeyCode::Tab, KeyCode::Enter], (120, 30));
    assert!(!picture(&app).contains("asking"));
    app.facts.now += Duration::from_secs(3);
    assert!(picture(&app).contains("asking what is remembered 3s"), "{}", picture(&app));
}
