//! The JSON of what a hub remembers of a project, `glwatch.past/1`, back into facts. They are shown, and never kept as ours.

use super::document::{DocumentResult, contradiction, decode};
use super::pipeline_wire::seconds;
use crate::domain::fact::{PipelineCourse, PipelineFact};
use crate::domain::id::{PipelineId, ProjectId};
use crate::domain::past::{FlakyJob, PastRest, ProjectPast};
use crate::domain::pipeline::RefKind;
use crate::domain::status::Status;
use crate::report::past_contract::{MOST_FLAKY, MOST_PIPELINES, SCHEMA};
use chrono::{DateTime, Utc};
use serde::Deserialize;

#[derive(Deserialize)]
struct PastWire {
    project: AboutProjectWire,
    remembers: bool,
    pipelines: Vec<PastPipelineWire>,
    more: bool,
    flaky: Option<Vec<FlakyJobWire>>,
}

#[derive(Deserialize)]
struct AboutProjectWire {
    id: u64,
}

#[derive(Deserialize)]
struct PastPipelineWire {
    id: u64,
    iid: Option<u64>,
    status: String,
    #[serde(rename = "ref")]
    git_ref: String,
    ref_kind: String,
    sha: Option<String>,
    source: Option<String>,
    user: Option<String>,
    commit_title: Option<String>,
    created_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    duration_s: Option<u64>,
    queued_s: Option<u64>,
}

#[derive(Deserialize)]
struct FlakyJobWire {
    job: String,
    failed: usize,
    attempts: usize,
}

/// Reads what is remembered of this project, before this pipeline where one is given; `None` where the hub has no memory.
pub(super) fn read_past(
    json: &[u8],
    project: ProjectId,
    before: Option<PipelineId>,
) -> DocumentResult<Option<(ProjectPast, PastRest)>> {
    let wire: PastWire = decode(json, SCHEMA)?;
    if wire.project.id != project.0 {
        return contradiction(format!("project {project} was asked for, and it is about {}", wire.project.id));
    }
    let flaky = wire.flaky.unwrap_or_default();
    if !wire.remembers {
        return match wire.pipelines.is_empty() && flaky.is_empty() && !wire.more {
            true => Ok(None),
            false => contradiction("it says that nothing is remembered"),
        };
    }
    if wire.pipelines.len() > MOST_PIPELINES || flaky.len() > MOST_FLAKY {
        return contradiction("it has more in it than an answer may have");
    }
    let pipelines = facts(wire.pipelines, project, before)?;
    let rest = match (wire.more, pipelines.last()) {
        (true, Some(last)) => PastRest::Before(last.id),
        (true, None) => return contradiction("it says that there is more"),
        (false, _) => PastRest::Nothing,
    };
    let flaky = flaky.into_iter().map(FlakyJobWire::into_domain).collect::<DocumentResult<_>>()?;
    Ok(Some((ProjectPast { project, pipelines, flaky }, rest)))
}

/// Reads pipelines that are each older than the one before.
fn facts(
    told: Vec<PastPipelineWire>,
    project: ProjectId,
    before: Option<PipelineId>,
) -> DocumentResult<Vec<PipelineFact>> {
    let facts = told.into_iter().map(|pipeline| pipeline.into_fact(project)).collect::<DocumentResult<Vec<_>>>()?;
    let ids = before.into_iter().chain(facts.iter().map(|fact| fact.id));
    match ids.is_sorted_by(|newer, older| newer > older) {
        true => Ok(facts),
        false => contradiction("its pipelines are not in their order"),
    }
}

impl PastPipelineWire {
    fn into_fact(self, project: ProjectId) -> DocumentResult<PipelineFact> {
        let (duration, queued) = (seconds(self.duration_s)?, seconds(self.queued_s)?);
        let Some(ref_kind) = RefKind::from_word(&self.ref_kind) else {
            return contradiction(format!("no kind of a ref is called \"{}\"", self.ref_kind));
        };
        let at = |time: Option<DateTime<Utc>>| time.map(|time| time.timestamp());
        Ok(PipelineFact {
            project,
            id: PipelineId(self.id),
            iid: self.iid,
            ref_name: self.git_ref,
            ref_kind,
            sha: self.sha,
            source: self.source,
            author: self.user,
            commit_title: self.commit_title,
            created_at: at(self.created_at),
            course: PipelineCourse {
                updated_at: at(self.updated_at),
                status: Status::from_gitlab(&self.status),
                started_at: at(self.started_at),
                finished_at: at(self.finished_at),
                duration: duration.map(|time| time.as_secs()),
                queued: queued.map(|time| time.as_secs()),
            },
        })
    }
}

impl FlakyJobWire {
    fn into_domain(self) -> DocumentResult<FlakyJob> {
        let Self { job: name, failed, attempts } = self;
        // It has failed, and it has passed.
        match (1..attempts).contains(&failed) {
            true => Ok(FlakyJob { name, failed, attempts }),
            false => contradiction(format!("a job failed {failed} times of {attempts} and is flaky")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub_client::document::DocumentError;
    use crate::report::past_contract::{PastDocument, PastProjectEntry};
    use serde_json::{Value, json};

    const PROJECT: ProjectId = ProjectId(77);

    fn fact(id: u64) -> PipelineFact {
        PipelineFact {
            project: PROJECT,
            id: PipelineId(id),
            iid: Some(id / 2),
            ref_name: "ma\u{1B}[2Jin".into(),
            ref_kind: RefKind::Branch,
            sha: Some("9c2f1aa".into()),
            source: None,
            author: Some("ada".into()),
            commit_title: Some("use \u{202E}decimal rates".into()),
            created_at: Some(1_700_000_000),
            course: PipelineCourse {
                updated_at: Some(1_700_000_100),
                status: Status::from_gitlab("quarantined"),
                started_at: None,
                finished_at: Some(1_700_000_090),
                duration: Some(90),
                queued: Some(0),
            },
        }
    }

    fn sent(past: Option<&ProjectPast>, has_flaky: bool) -> Vec<u8> {
        let project = PastProjectEntry { id: PROJECT.0, full_path: "acme/api" };
        serde_json::to_vec(&PastDocument::new("https://gitlab.example.com", project, past, has_flaky)).unwrap()
    }

    fn past(ids: impl Iterator<Item = u64>) -> ProjectPast {
        let flaky = vec![FlakyJob { name: "test: [3.11]".into(), failed: 4, attempts: 30 }];
        ProjectPast { project: PROJECT, pipelines: ids.map(fact).collect(), flaky }
    }

    #[test]
    fn what_is_sent_is_what_is_read_as_far_as_an_answer_goes() {
        let cases = [
            ("a few", 1..4, true, 3, PastRest::Nothing),
            ("as many as an answer has", 1..101, true, 100, PastRest::Nothing),
            ("one more", 1..102, true, 100, PastRest::Before(PipelineId(2))),
            ("none", 1..1, true, 0, PastRest::Nothing),
            ("older ones only", 1..4, false, 3, PastRest::Nothing),
        ];
        for (sentence, ids, has_flaky, count, rest) in cases {
            let known = past(ids.rev());
            let read = read_past(&sent(Some(&known), has_flaky), PROJECT, Some(PipelineId(102))).unwrap().unwrap();
            assert_eq!(read.1, rest, "{sentence}");
            assert_eq!(read.0.pipelines, known.pipelines[..count], "{sentence}");
            assert_eq!(read.0.flaky, if has_flaky { known.flaky } else { vec![] }, "{sentence}");
        }
        assert_eq!(read_past(&sent(None, true), PROJECT, None), Ok(None), "no memory");
    }

    #[test]
    fn a_text_without_end_is_sent_as_far_as_it_is_shown() {
        let mut known = past(1..2);
        known.pipelines[0].commit_title = Some("é".repeat(100_000));
        let read = read_past(&sent(Some(&known), true), PROJECT, None).unwrap().unwrap().0;
        assert_eq!(read.pipelines[0].commit_title.as_ref().map(String::len), Some(1024));
    }

    #[test]
    fn a_hub_that_lies_about_the_past_is_not_believed() {
        let honest: Value = serde_json::from_slice(&sent(Some(&past([9, 5].into_iter())), true)).unwrap();
        let with = |pointer: &str, value: Value| {
            let mut document = honest.clone();
            *document.pointer_mut(pointer).unwrap() = value;
            document
        };
        let many = |count: usize, entry: &Value| Value::from(vec![entry.clone(); count]);
        let cases = [
            ("a snapshot", with("/schema", json!("glwatch.status/1")), "speaks"),
            ("no schema", json!({ "pipelines": [] }), "not what a hub"),
            ("another project", with("/project/id", json!(78)), "project 77 was asked for"),
            ("no status", with("/pipelines/0/status", Value::Null), "pipelines[0].status"),
            ("no kind of a ref", with("/pipelines/0/ref_kind", json!("twig")), "\"twig\""),
            ("a time without end", with("/pipelines/0/duration_s", json!(u64::MAX)), "takes"),
            ("a negative time", with("/pipelines/0/queued_s", json!(-1)), "queued_s"),
            ("no time", with("/pipelines/0/created_at", json!("soon")), "created_at"),
            ("a pipeline twice", with("/pipelines/0/id", json!(5)), "not in their order"),
            ("older before newer", with("/pipelines/0/id", json!(4)), "not in their order"),
            ("newer than asked for", with("/pipelines/0/id", json!(10)), "not in their order"),
            ("more without a last one", with("/pipelines", json!([])), "there is more"),
            ("too many", with("/pipelines", many(101, &honest["pipelines"][0])), "more in it"),
            ("too many flaky jobs", with("/flaky", many(1001, &honest["flaky"][0])), "more in it"),
            ("flaky and never failed", with("/flaky/0/failed", json!(0)), "failed 0 times"),
            ("flaky and never passed", with("/flaky/0/failed", json!(30)), "failed 30 times"),
            ("no memory, and a past", with("/remembers", json!(false)), "nothing is remembered"),
            ("no word about a memory", with("/remembers", Value::Null), "remembers"),
        ];
        for (sentence, mut document, words) in cases {
            if sentence.starts_with("more") {
                document["more"] = json!(true);
            }
            let error = read_past(document.to_string().as_bytes(), PROJECT, Some(PipelineId(10))).unwrap_err();
            assert!(error.to_string().contains(words), "{sentence}: {error}");
        }
        assert_eq!(read_past(b"<html>", PROJECT, None), Err(DocumentError::NotJson));
    }
}
