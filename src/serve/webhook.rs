//! What a webhook of GitLab's says: which project, ref or environment is due. It is a hint and never the truth; what is
//! shown was read.
//!
//! <https://docs.gitlab.com/user/project/integrations/webhook_events/>

use crate::domain::exported::{TrackedKind, TrackedRef};
use serde_json::Value;

/// Something that is due, or known to be gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WakeUp {
    /// Pipelines of a ref moved.
    Ref { project: HookProject, tracked: TrackedRef },
    /// Something was deployed.
    Environment { project: HookProject, name: String },
    /// A branch or tag was deleted, a merge request was closed or merged.
    RefGone { project: HookProject, tracked: TrackedRef },
    /// Pipelines of a project moved; which ones is not told.
    Pipelines(u64),
    /// The list of projects may have changed.
    Projects,
}

/// The project as an event names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HookProject {
    pub id: u64,
    /// Events about jobs of older servers do not tell it.
    pub path: Option<String>,
}

/// What the body of a webhook means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookMeaning {
    Wakes(Vec<WakeUp>),
    /// A kind of event that nothing here depends on.
    Unused,
    /// No JSON, no kind, or without what its kind must have, as a custom template may leave it.
    Unknown,
}

/// Kinds of events that GitLab documents and that say nothing about pipelines.
const UNUSED: [&str; 11] = [
    "issue",
    "incident",
    "work_item",
    "note",
    "wiki_page",
    "release",
    "feature_flag",
    "milestone",
    "vulnerability",
    "emoji",
    "access_token",
];

/// Reads the body of a webhook.
pub fn read_hook(body: &[u8]) -> HookMeaning {
    let Ok(event) = serde_json::from_slice::<Value>(body) else { return HookMeaning::Unknown };
    let kind = text(&event, "/object_kind").or_else(|| text(&event, "/event_name")).unwrap_or_default();
    match kind {
        "pipeline" => wakes(of_pipeline(&event)),
        "build" | "job" => wakes(of_job(&event)),
        "deployment" => wakes(of_deployment(&event)),
        "push" => of_push(&event, TrackedKind::Branch, "refs/heads/"),
        "tag_push" => of_push(&event, TrackedKind::Tag, "refs/tags/"),
        "merge_request" => of_merge_request(&event),
        kind if kind.starts_with("project_") || kind.starts_with("group_") || kind.starts_with("subgroup_") => {
            HookMeaning::Wakes(vec![WakeUp::Projects])
        }
        kind if UNUSED.contains(&kind) || text(&event, "/event_name").is_some() => HookMeaning::Unused,
        _ => HookMeaning::Unknown,
    }
}

fn wakes(found: Option<WakeUp>) -> HookMeaning {
    found.map_or(HookMeaning::Unknown, |wake| HookMeaning::Wakes(vec![wake]))
}

fn text<'a>(event: &'a Value, path: &str) -> Option<&'a str> {
    event.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn number(event: &Value, path: &str) -> Option<u64> {
    event.pointer(path).and_then(Value::as_u64)
}

fn project(event: &Value) -> Option<HookProject> {
    let id = number(event, "/project/id").or_else(|| number(event, "/project_id"))?;
    let path = text(event, "/project/path_with_namespace").map(str::to_owned);
    Some(HookProject { id, path })
}

fn tracked(event: &Value, raw: &str, is_tag: Option<&Value>) -> TrackedRef {
    match number(event, "/merge_request/iid") {
        Some(iid) => TrackedRef::new(TrackedKind::MergeRequest, iid.to_string()),
        None => TrackedRef::of_pipeline(raw, is_tag.and_then(Value::as_bool) == Some(true)),
    }
}

fn of_pipeline(event: &Value) -> Option<WakeUp> {
    let raw = text(event, "/object_attributes/ref")?;
    let tracked = tracked(event, raw, event.pointer("/object_attributes/tag"));
    Some(WakeUp::Ref { project: project(event)?, tracked })
}

fn of_job(event: &Value) -> Option<WakeUp> {
    let tracked = tracked(event, text(event, "/ref")?, event.pointer("/tag"));
    Some(WakeUp::Ref { project: project(event)?, tracked })
}

fn of_deployment(event: &Value) -> Option<WakeUp> {
    let name = text(event, "/environment")?.to_owned();
    Some(WakeUp::Environment { project: project(event)?, name })
}

/// A push matters only where it deletes: what it starts has events of its own.
fn of_push(event: &Value, kind: TrackedKind, prefix: &str) -> HookMeaning {
    let (Some(project), Some(raw)) = (project(event), text(event, "/ref")) else { return HookMeaning::Unknown };
    let Some(name) = raw.strip_prefix(prefix) else { return HookMeaning::Unknown };
    let is_deleted = match event.pointer("/checkout_sha") {
        Some(sha) => sha.as_str().is_none_or(str::is_empty),
        None => text(event, "/after").is_some_and(|sha| sha.bytes().all(|byte| byte == b'0')),
    };
    let gone = || WakeUp::RefGone { project: project.clone(), tracked: TrackedRef::new(kind, name) };
    HookMeaning::Wakes(is_deleted.then(gone).into_iter().collect())
}

fn of_merge_request(event: &Value) -> HookMeaning {
    let (Some(project), Some(iid)) = (project(event), number(event, "/object_attributes/iid")) else {
        return HookMeaning::Unknown;
    };
    let is_gone = matches!(text(event, "/object_attributes/action"), Some("close" | "merge"));
    let tracked = TrackedRef::new(TrackedKind::MergeRequest, iid.to_string());
    HookMeaning::Wakes(is_gone.then_some(WakeUp::RefGone { project, tracked }).into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named(id: u64) -> HookProject {
        HookProject { id, path: Some("acme/api".into()) }
    }

    fn moved(kind: TrackedKind, name: &str) -> HookMeaning {
        HookMeaning::Wakes(vec![WakeUp::Ref { project: named(7), tracked: TrackedRef::new(kind, name) }])
    }

    fn gone(kind: TrackedKind, name: &str) -> HookMeaning {
        HookMeaning::Wakes(vec![WakeUp::RefGone { project: named(7), tracked: TrackedRef::new(kind, name) }])
    }

    #[test]
    fn an_event_says_what_is_due() {
        use TrackedKind::{Branch, MergeRequest, Tag};
        let of = json!({ "id": 7, "path_with_namespace": "acme/api" });
        let nothing = || HookMeaning::Wakes(Vec::new());
        let environment = WakeUp::Environment { project: named(7), name: "production".into() };
        let cases = [
            (
                "a pipeline of a branch",
                json!({"object_kind": "pipeline", "project": of, "object_attributes": {"ref": "main", "tag": false}}),
                moved(Branch, "main"),
            ),
            (
                "of a tag",
                json!({"object_kind": "pipeline", "project": of, "object_attributes": {"ref": "v1", "tag": true}}),
                moved(Tag, "v1"),
            ),
            (
                "of a merge request",
                json!({"object_kind": "pipeline", "project": of, "merge_request": {"iid": 42}, "object_attributes": {"ref": "fix"}}),
                moved(MergeRequest, "42"),
            ),
            (
                "a job",
                json!({"object_kind": "build", "project": of, "ref": "main", "tag": false}),
                moved(Branch, "main"),
            ),
            (
                "a job by its newer name",
                json!({"object_kind": "job", "project": of, "ref": "v1", "tag": true}),
                moved(Tag, "v1"),
            ),
            (
                "a job of a merge request",
                json!({"object_kind": "build", "project": of, "ref": "refs/merge-requests/42/head"}),
                moved(MergeRequest, "42"),
            ),
            (
                "a job of an older server",
                json!({"object_kind": "build", "project_id": 7, "ref": "main"}),
                HookMeaning::Wakes(vec![WakeUp::Ref {
                    project: HookProject { id: 7, path: None },
                    tracked: TrackedRef::new(Branch, "main"),
                }]),
            ),
            (
                "a deployment",
                json!({"object_kind": "deployment", "project": of, "environment": "production"}),
                HookMeaning::Wakes(vec![environment]),
            ),
            (
                "a push",
                json!({"object_kind": "push", "project": of, "ref": "refs/heads/main", "checkout_sha": "da15"}),
                nothing(),
            ),
            (
                "a branch is deleted",
                json!({"object_kind": "push", "project": of, "ref": "refs/heads/fix/a", "checkout_sha": null}),
                gone(Branch, "fix/a"),
            ),
            (
                "a tag is deleted",
                json!({"object_kind": "tag_push", "project": of, "ref": "refs/tags/v1", "after": "0000"}),
                gone(Tag, "v1"),
            ),
            (
                "a merge request is merged",
                json!({"object_kind": "merge_request", "project": of, "object_attributes": {"iid": 42, "action": "merge"}}),
                gone(MergeRequest, "42"),
            ),
            (
                "it is closed",
                json!({"object_kind": "merge_request", "project": of, "object_attributes": {"iid": 42, "action": "close"}}),
                gone(MergeRequest, "42"),
            ),
            (
                "it is opened",
                json!({"object_kind": "merge_request", "project": of, "object_attributes": {"iid": 42, "action": "open"}}),
                nothing(),
            ),
            (
                "a project is new",
                json!({"event_name": "project_create", "project_id": 9}),
                HookMeaning::Wakes(vec![WakeUp::Projects]),
            ),
            ("a system event of another kind", json!({"event_name": "user_create"}), HookMeaning::Unused),
            ("a wiki", json!({"object_kind": "wiki_page"}), HookMeaning::Unused),
            (
                "a pipeline without a project",
                json!({"object_kind": "pipeline", "object_attributes": {"ref": "main"}}),
                HookMeaning::Unknown,
            ),
            ("a custom template", json!({"text": "hello"}), HookMeaning::Unknown),
            ("no object", json!([1]), HookMeaning::Unknown),
        ];
        for (sentence, event, expected) in cases {
            assert_eq!(read_hook(event.to_string().as_bytes()), expected, "{sentence}");
        }
        assert_eq!(read_hook(b"["), HookMeaning::Unknown);
        assert_eq!(read_hook(b""), HookMeaning::Unknown);
    }
}
