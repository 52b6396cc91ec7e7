//! Query: what the jobs of a pipeline need.

use super::document::document;
use super::fields::Fields;
use super::question::{GraphqlConnection, ask, number};
use crate::domain::id::PipelineId;
use crate::domain::job_needs::{JobNeeds, NeededJobs, StartOrder};
use crate::gitlab::error::{Error, Kind};
use crate::gitlab::lenient::{Item, loose};
use crate::gitlab::transport::Transport;
use serde::Deserialize;
use serde_json::json;

const NEEDS: &str = include_str!("needs.graphql");
/// Jobs that are asked for at once.
pub(in crate::gitlab) const JOBS_PER_QUERY: usize = 100;
/// Needs of a job that are asked for; GitLab allows 50 (`ci_needs_size_limit`).
const MOST_NEEDS: usize = 100;
/// Characters of a job's name (`app/models/ci/processable.rb`): no longer one is in the list.
const LONGEST_NAME: usize = 255;

#[derive(Deserialize)]
struct NeedsWire {
    #[serde(default)]
    project: Item<NeedsProjectWire>,
}

#[derive(Deserialize)]
struct NeedsProjectWire {
    #[serde(default)]
    pipeline: Item<NeedsPipelineWire>,
}

#[derive(Deserialize)]
struct NeedsPipelineWire {
    #[serde(default, deserialize_with = "loose")]
    id: Option<String>,
    #[serde(default)]
    newest: Item<GraphqlConnection<NeedyJobWire>>,
    #[serde(default)]
    waiting: Item<GraphqlConnection<NeedyJobWire>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NeedyJobWire {
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
    #[serde(default, deserialize_with = "loose")]
    scheduling_type: Option<String>,
    #[serde(default)]
    needs: Item<NeedListWire>,
}

pub(super) type NeedListWire = GraphqlConnection<NeedWire>;

#[derive(Deserialize)]
pub(super) struct NeedWire {
    #[serde(default, deserialize_with = "loose")]
    name: Option<String>,
}

pub(super) fn query(fields: &Fields) -> (&'static str, String) {
    ("Needs", document(NEEDS, fields))
}

/// Reads what the newest jobs of a pipeline need, and where it is a long one those that have not started; `None` where it
/// is hidden or gone, or the server does not tell.
pub(in crate::gitlab) async fn read(
    transport: &Transport,
    fields: &Fields,
    (project, iid): (&str, u64),
    pipeline: PipelineId,
    is_long: bool,
) -> Result<Option<JobNeeds>, Error> {
    if !fields.has("CiJob.needs") {
        return Ok(None);
    }
    let variables = json!({ "path": project, "iid": iid.to_string(), "isLong": is_long });
    let answer = ask::<NeedsWire>(transport, query(fields), variables, Kind::is_passing).await?;
    let found = answer.data.project.read().and_then(|project| project.pipeline.read());
    // What an error took away is missing, and what is missing is not claimed: the rest is true.
    let Some(found) = found else {
        return match answer.errors.first() {
            Some(error) => Err(transport.error("Needs", Kind::Query(error.words(transport)))),
            None => Ok(None),
        };
    };
    if found.id.as_deref().and_then(number) != Some(pipeline.0) {
        let said = "the answer is about another pipeline".to_owned();
        return Err(transport.error("Needs", Kind::Query(said)));
    }
    Ok(Some(found.convert()))
}

impl NeedsPipelineWire {
    fn convert(self) -> JobNeeds {
        let mut all = JobNeeds::default();
        for list in [self.newest, self.waiting] {
            let jobs = list.read().into_iter().flat_map(GraphqlConnection::known);
            for job in jobs.take(JOBS_PER_QUERY) {
                if let Some((name, needed)) = job.name.zip(needed(job.needs, job.scheduling_type.as_deref())) {
                    all.insert(name, needed);
                }
            }
        }
        all
    }
}

/// Converts what a job needs; `None` where the list is missing, or a part of it.
pub(super) fn needed(needs: Item<NeedListWire>, scheduling_type: Option<&str>) -> Option<NeededJobs> {
    let GraphqlConnection { page_info, nodes } = needs.read()?;
    let nodes = nodes.0?;
    let has_next = page_info.read().and_then(|info| info.has_next_page) == Some(true);
    let has_more = has_next || nodes.len() > MOST_NEEDS;
    let name = |need: Item<NeedWire>| Some(need.read()?.name?.chars().take(LONGEST_NAME).collect());
    let order = match scheduling_type {
        Some("dag") => StartOrder::AfterNeeds,
        Some("stage") => StartOrder::AfterStages,
        _ => StartOrder::Untold,
    };
    Some(NeededJobs { names: nodes.into_iter().take(MOST_NEEDS).map(name).collect::<Option<_>>()?, has_more, order })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says in one line what an answer tells of a job's needs.
    fn said(job: &str) -> String {
        let job: NeedyJobWire = serde_json::from_str(job).unwrap();
        match needed(job.needs, job.scheduling_type.as_deref()) {
            None => "not told".into(),
            Some(needed) => {
                let more = if needed.has_more { " and more" } else { "" };
                format!("{:?} {}{more}", needed.order, needed.names.join(","))
            }
        }
    }

    #[test]
    fn only_a_whole_list_tells_what_a_job_needs() {
        let long = format!(r#"{{"needs":{{"nodes":[{}]}}}}"#, vec![r#"{"name":"a"}"#; 3_000].join(","));
        let name = "n".repeat(5_000);
        let wide = format!(r#"{{"schedulingType":"dag","needs":{{"nodes":[{{"name":"{name}"}}]}}}}"#);
        let many = format!("Untold {} and more", ["a"; MOST_NEEDS].join(","));
        let cut = format!("AfterNeeds {}", "n".repeat(LONGEST_NAME));
        let cases = [
            (
                "two needs",
                r#"{"name":"x","schedulingType":"dag","needs":{"pageInfo":{"hasNextPage":false},"nodes":[{"name":"a"},{"name":"b"}]}}"#,
                "AfterNeeds a,b",
            ),
            ("none", r#"{"schedulingType":"stage","needs":{"nodes":[]}}"#, "AfterStages "),
            ("a word of tomorrow", r#"{"schedulingType":"soon","needs":{"nodes":[]}}"#, "Untold "),
            ("no word", r#"{"schedulingType":null,"needs":{"nodes":[]}}"#, "Untold "),
            ("a number for a word", r#"{"schedulingType":7,"needs":{"nodes":[]}}"#, "Untold "),
            (
                "more than came",
                r#"{"needs":{"pageInfo":{"hasNextPage":true},"nodes":[{"name":"a"}]}}"#,
                "Untold a and more",
            ),
            ("null", r#"{"schedulingType":"dag","needs":null}"#, "not told"),
            ("missing", r#"{"schedulingType":"dag"}"#, "not told"),
            ("no nodes", r#"{"needs":{"nodes":null}}"#, "not told"),
            ("a lost item", r#"{"needs":{"nodes":[{"name":"a"},null]}}"#, "not told"),
            ("a need without a name", r#"{"needs":{"nodes":[{"name":null}]}}"#, "not told"),
            ("another shape", r#"{"needs":["a","b"]}"#, "not told"),
            ("thousands", &long, &many),
            ("a name that is none", &wide, &cut),
        ];
        for (sentence, job, expected) in cases {
            assert_eq!(said(job), expected, "{sentence}");
        }
    }

    #[test]
    fn jobs_that_cannot_be_read_are_left_out() {
        let wire = r#"{"newest":{"nodes":[{"name":"a","needs":{"nodes":[]}},null,{"needs":{"nodes":[]}},{"name":"b","needs":3}]},
            "waiting":{"nodes":[{"name":"c","needs":{"nodes":[{"name":"a"}]}}]}}"#;
        let needs = serde_json::from_str::<NeedsPipelineWire>(wire).unwrap().convert();
        let told: Vec<_> = ["a", "b", "c"].into_iter().filter(|name| needs.of(name).is_some()).collect();
        assert_eq!(told, ["a", "c"]);
    }
}
