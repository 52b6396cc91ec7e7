//! Objects of a few fields: the server, people, commits, repositories, runners, test reports, badges.

use std::rc::Rc;

use apollo_compiler::resolvers::{ObjectValue, ResolveInfo};

use super::resolver_helpers::{ResolvedField, gid, leaf, maybe, object};
use super::view::AnswerView;
use crate::badge::Badge;
use crate::options::Version;
use crate::plan::USERS;
use crate::rest::{REVISION, RUNNER, ReportCounts};

pub(super) struct MetadataObject(pub(super) Version);

impl ObjectValue for MetadataObject {
    fn type_name(&self) -> &str {
        "Metadata"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "version" => leaf(self.0.number()),
            "revision" => leaf(REVISION),
            "enterprise" => leaf(false),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

pub(super) struct QueryComplexity {
    pub(super) score: u32,
    pub(super) limit: u32,
}

impl ObjectValue for QueryComplexity {
    fn type_name(&self) -> &str {
        "QueryComplexity"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "score" => leaf(self.score),
            "limit" => leaf(self.limit),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

pub(super) struct UserObject<'w> {
    pub(super) view: &'w AnswerView<'w>,
    pub(super) index: usize,
    /// Whether it is the caller: GitLab has a type of its own for that since 17.
    pub(super) current: bool,
}

impl ObjectValue for UserObject<'_> {
    fn type_name(&self) -> &str {
        if self.current && self.view.rest.version >= Version::V18_5 { "CurrentUser" } else { "UserCore" }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let (username, name) = USERS[self.index];
        match info.field_name() {
            "id" => leaf(gid("User", self.index as u64 + 1)),
            "username" => leaf(username),
            "name" => leaf(name),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

pub(super) struct CommitObject {
    pub(super) sha: String,
    pub(super) title: String,
}

impl ObjectValue for CommitObject {
    fn type_name(&self) -> &str {
        "Commit"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "id" => leaf(format!("gid://gitlab/Commit/{}", self.sha)),
            "sha" => leaf(self.sha.as_str()),
            "shortId" => leaf(&self.sha[..8]),
            "title" | "message" => leaf(self.title.as_str()),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

pub(super) struct RepositoryObject {
    pub(super) default_branch: Option<String>,
}

impl ObjectValue for RepositoryObject {
    fn type_name(&self) -> &str {
        "Repository"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "rootRef" => maybe(self.default_branch.as_deref()),
            "empty" => leaf(self.default_branch.is_none()),
            "exists" => leaf(true),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

/// The runner that takes every job.
pub(super) struct RunnerObject;

impl ObjectValue for RunnerObject {
    fn type_name(&self) -> &str {
        "CiRunner"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "id" => leaf(gid("Ci::Runner", RUNNER.0)),
            "description" => leaf(RUNNER.1),
            "shortSha" => leaf("t3_Xk9Lq"),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

pub(super) struct ReportSummary(pub(super) Rc<ReportCounts>);

impl ObjectValue for ReportSummary {
    fn type_name(&self) -> &str {
        "TestReportSummary"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        match info.field_name() {
            "total" => object(ReportTotal(Rc::clone(&self.0))),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

struct ReportTotal(Rc<ReportCounts>);

impl ObjectValue for ReportTotal {
    fn type_name(&self) -> &str {
        "TestReportTotal"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let total = &self.0;
        match info.field_name() {
            "count" => leaf(total.count),
            "error" => leaf(total.error),
            "failed" => leaf(total.failed),
            "skipped" => leaf(total.skipped),
            "success" => leaf(total.success),
            "suiteError" => maybe(total.suite_error),
            "time" => leaf(total.seconds),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

/// A `DetailedStatus`.
pub(super) struct DetailedStatus {
    pub(super) badge: Badge,
    pub(super) version: Version,
    pub(super) path: String,
    /// What it is the status of; part of its id.
    pub(super) id: u64,
}

impl DetailedStatus {
    /// Since 16.4 the text is what the badge shows, with a capital; and a failure that was allowed is a warning.
    fn text(&self) -> String {
        if self.version < Version::V18_5 {
            return self.badge.text.clone();
        }
        let text = if self.badge.group == "failed-with-warnings" { "warning" } else { &self.badge.text };
        let (first, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
        format!("{}{rest}", first.to_uppercase())
    }
}

impl ObjectValue for DetailedStatus {
    fn type_name(&self) -> &str {
        "DetailedStatus"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> ResolvedField<'a> {
        let badge = &self.badge;
        match info.field_name() {
            "id" => leaf(format!("{}-{}-{}", badge.group, self.id, self.id)),
            "name" => leaf(badge.group.replace('-', "_").to_uppercase()),
            "group" => leaf(badge.group.as_str()),
            "label" | "tooltip" => leaf(badge.label.as_str()),
            "icon" => leaf(format!("status_{}", badge.icon)),
            "text" => leaf(self.text()),
            "hasDetails" => leaf(true),
            "detailsPath" => leaf(self.path.as_str()),
            "favicon" => leaf(format!("/assets/ci_favicons/favicon_status_{}.png", badge.icon)),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}
