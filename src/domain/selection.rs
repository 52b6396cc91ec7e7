//! Selects the projects of a run, and their pipelines.

use super::pipeline::{Ref, RefKind};
use super::project::{Project, ProjectRow};
use globset::{Glob, GlobMatcher};
use std::borrow::Borrow;
use std::fmt;

/// Which pipeline of a project is shown: one value of `--ref`.
#[derive(Debug, Clone)]
pub enum RefSelector {
    /// The newest of any ref.
    Any,
    /// The newest of the default branch.
    Default,
    /// The newest of any tag.
    Tags,
    /// The newest of any merge request.
    MergeRequests,
    /// The newest of this merge request, written `!31`: of its head, its merged result or its merge train.
    MergeRequest(u64),
    /// The newest of this branch or tag, or of the ref that GitLab calls so in full.
    Name(String),
    /// The newest of each ref that matches.
    Glob(Pattern),
}

impl RefSelector {
    /// Reads one value of `--ref`.
    pub fn parse(text: &str) -> Result<Self, globset::Error> {
        Ok(match text {
            "any" => Self::Any,
            "default" => Self::Default,
            "tags" => Self::Tags,
            "mr" => Self::MergeRequests,
            // Git forbids these three in a ref, so they can only be meant as a glob (git-check-ref-format).
            text if text.contains(['*', '?', '[']) => Self::Glob(Pattern::new(text)?),
            text => match merge_request(text) {
                Some(iid) => Self::MergeRequest(iid),
                None => Self::Name(text.to_owned()),
            },
        })
    }

    /// Says whether it was written in full, so that it may be misspelt; the four words are what they are.
    pub fn may_be_misspelt(&self) -> bool {
        match self {
            Self::Any | Self::Default | Self::Tags | Self::MergeRequests => false,
            Self::MergeRequest(_) | Self::Name(_) | Self::Glob(_) => true,
        }
    }

    /// Says whether a project's pipeline of this ref is meant.
    pub fn selects(&self, project: &Project, of: &Ref) -> bool {
        match self {
            Self::Any => true,
            Self::Default => project.default_branch.as_ref() == Some(&of.name),
            Self::Tags => of.kind == RefKind::Tag,
            Self::MergeRequests => matches!(of.kind, RefKind::MergeRequest | RefKind::MergeTrain),
            Self::MergeRequest(iid) => merge_request(&of.name) == Some(*iid),
            Self::Name(name) => Ref::from_gitlab(name, None).name == of.name,
            Self::Glob(pattern) => {
                let in_full = merge_request(&of.name).map(merge_request_refs).into_iter().flatten();
                pattern.matches(&of.name) || in_full.into_iter().any(|name| pattern.matches(&name))
            }
        }
    }
}

impl fmt::Display for RefSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Default => f.write_str("default"),
            Self::Tags => f.write_str("tags"),
            Self::MergeRequests => f.write_str("mr"),
            Self::MergeRequest(iid) => write!(f, "!{iid}"),
            Self::Name(name) => f.write_str(name),
            Self::Glob(pattern) => f.write_str(pattern.text()),
        }
    }
}

/// Reads a merge request's number as GitLab writes it, `!31`.
pub fn merge_request(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('!').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|iid| *iid > 0)
}

/// Returns the refs that a merge request's pipelines run for
/// (<https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/>).
pub fn merge_request_refs(iid: u64) -> [String; 3] {
    ["head", "merge", "train"].map(|part| format!("refs/merge-requests/{iid}/{part}"))
}

/// Returns the values of `--ref` for which not one row has a pipeline.
pub fn without_pipeline<'a>(refs: &'a [RefSelector], rows: &[ProjectRow]) -> Vec<&'a RefSelector> {
    let selects = |selector: &RefSelector, row: &ProjectRow| {
        row.pipelines().iter().any(|pipeline| selector.selects(&row.project, &pipeline.git_ref))
    };
    refs.iter().filter(|selector| !rows.iter().any(|row| selects(selector, row))).collect()
}

/// A glob in which `*` matches slashes too.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    glob: GlobMatcher,
}

impl Pattern {
    pub fn new(text: &str) -> Result<Self, globset::Error> {
        Ok(Self { text: text.to_owned(), glob: Glob::new(text)?.compile_matcher() })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn matches(&self, name: &str) -> bool {
        self.glob.is_match(name)
    }
}

/// One pattern of `--exclude` or `--include`: the name of something, or a glob on the full path.
#[derive(Debug, Clone)]
struct NameOrGlob {
    text: String,
    glob: Option<Pattern>,
}

impl NameOrGlob {
    fn matches(&self, project: &Project) -> bool {
        self.names(project) || self.glob.as_ref().is_some_and(|glob| glob.matches(&project.full_path))
    }

    /// Says whether this is, letter for letter, the project's id, name or path, or the name or path of a group above it.
    fn names(&self, project: &Project) -> bool {
        let text = self.text.as_str();
        let last = |path: &str| path.rsplit('/').next() == Some(text);
        text == project.name
            || text == project.full_path
            || last(&project.full_path)
            || text == project.id.to_string()
            || project.ancestors().any(|group| text == group || last(group))
            || project.ancestor_names.iter().any(|name| name == text)
    }
}

/// What `--include` and `--exclude` let through: everything included (all, by default) that is not excluded.
#[derive(Debug, Clone, Default)]
pub struct ProjectFilter {
    include: Vec<NameOrGlob>,
    exclude: Vec<NameOrGlob>,
}

impl ProjectFilter {
    pub fn new<'a>(
        include: impl IntoIterator<Item = &'a str>,
        exclude: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, globset::Error> {
        Ok(Self { include: patterns(include)?, exclude: patterns(exclude)? })
    }

    pub fn keeps(&self, project: &Project) -> bool {
        let included = self.include.is_empty() || self.include.iter().any(|pattern| pattern.matches(project));
        included && !self.exclude.iter().any(|pattern| pattern.matches(project))
    }

    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// Returns the patterns that match none of the projects: most likely misspelt.
    pub fn unmatched(&self, projects: &[impl Borrow<Project>]) -> Vec<&str> {
        let patterns = self.include.iter().chain(&self.exclude);
        let unmatched = patterns.filter(|pattern| !projects.iter().any(|project| pattern.matches(project.borrow())));
        unmatched.map(|pattern| pattern.text.as_str()).collect()
    }
}

fn patterns<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<NameOrGlob>, globset::Error> {
    texts
        .into_iter()
        .map(|text| {
            let is_glob = text.contains(['*', '?', '[', '{']);
            let glob = match Pattern::new(text) {
                Ok(glob) => is_glob.then_some(glob),
                // A name such as `[legacy` is a name first; only what asks for a match with `*` must be a good glob.
                Err(error) if text.contains(['*', '?']) => return Err(error),
                Err(_) => None,
            };
            Ok(NameOrGlob { text: text.to_owned(), glob })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::ProjectId;

    fn project(id: u64, full_path: &str, name: &str, ancestors: &[&str]) -> Project {
        Project {
            id: ProjectId(id),
            name: name.into(),
            full_path: full_path.into(),
            ancestor_names: ancestors.iter().map(|name| (*name).to_owned()).collect(),
            web_url: None,
            default_branch: None,
            ci_enabled: None,
        }
    }

    #[test]
    fn a_pattern_is_a_name_first_and_a_glob_second() {
        let api = project(77, "acme/payments/api", "Payment API", &["ACME Corp", "Payments Team"]);
        let star = project(78, "acme/web/star", "odd [*] name", &["ACME Corp", "Web"]);
        let cases = [
            ("its name", "Payment API", &api, true),
            ("its path", "api", &api, true),
            ("its full path", "acme/payments/api", &api, true),
            ("its id", "77", &api, true),
            ("the path of the group above", "payments", &api, true),
            ("the full path of a group above", "acme/payments", &api, true),
            ("the name of a group above", "Payments Team", &api, true),
            ("another case", "API", &api, false),
            ("half a name", "Payment", &api, false),
            ("a glob on the full path, across slashes", "acme/*api", &api, true),
            ("a glob is not tried on the name", "Payment*", &api, false),
            ("a name with glob characters, exactly", "odd [*] name", &star, true),
            ("alternatives", "acme/{web,mobile}/*", &star, true),
        ];
        for (sentence, pattern, project, expected) in cases {
            let filter = ProjectFilter::new([], [pattern]).unwrap();
            assert_eq!(!filter.keeps(project), expected, "{sentence}");
        }
    }

    #[test]
    fn exclude_wins_over_include_and_misspelt_patterns_are_named() {
        let projects = [project(1, "acme/a", "a", &[]), project(2, "acme/b", "b", &[])];
        let filter = ProjectFilter::new(["acme/*", "nothing"], ["b"]).unwrap();
        let kept: Vec<_> = projects.iter().filter(|project| filter.keeps(project)).map(|p| p.id.0).collect();
        assert_eq!(kept, [1]);
        assert_eq!(filter.unmatched(&projects), ["nothing"]);
    }

    #[test]
    fn a_broken_glob_is_an_error_only_where_a_glob_is_meant() {
        assert!(ProjectFilter::new([], ["acme/[*"]).is_err());
        assert!(ProjectFilter::new([], ["[legacy"]).is_ok());
    }

    #[test]
    fn a_value_of_ref_selects_what_gitlab_calls_by_another_name_too() {
        let project = Project { default_branch: Some("main".into()), ..project(1, "acme/a", "a", &[]) };
        let cases = [
            ("any", "x", true),
            ("default", "main", true),
            ("default", "x", false),
            ("mr", "refs/merge-requests/31/head", true),
            ("mr", "refs/merge-requests/31/train", true),
            ("mr", "main", false),
            ("!31", "refs/merge-requests/31/head", true),
            ("!31", "refs/merge-requests/31/merge", true),
            ("!31", "refs/merge-requests/31/train", true),
            ("!31", "refs/merge-requests/3/head", false),
            ("refs/merge-requests/31/head", "refs/merge-requests/31/head", true),
            ("refs/merge-requests/*", "refs/merge-requests/31/merge", true),
            ("refs/merge-requests/*/train", "refs/merge-requests/31/train", true),
            ("!*", "refs/merge-requests/31/merge", true),
            ("!*", "main", false),
            ("mian", "main", false),
        ];
        for (text, raw, expected) in cases {
            let selector = RefSelector::parse(text).unwrap();
            assert_eq!(selector.selects(&project, &Ref::from_gitlab(raw, None)), expected, "{text} {raw}");
            assert_eq!(selector.to_string(), text);
        }
        assert!(RefSelector::Tags.selects(&project, &Ref::from_gitlab("v1", Some(true))));
    }

    #[test]
    fn ref_values_have_four_words_and_are_names_or_globs_otherwise() {
        let kind = |text| match RefSelector::parse(text) {
            Ok(RefSelector::Any) => "any",
            Ok(RefSelector::Default) => "default",
            Ok(RefSelector::Tags) => "tags",
            Ok(RefSelector::MergeRequests) => "mr",
            Ok(RefSelector::MergeRequest(_)) => "merge request",
            Ok(RefSelector::Name(_)) => "name",
            Ok(RefSelector::Glob(_)) => "glob",
            Err(_) => "error",
        };
        let cases = [
            ("any", "any"),
            ("default", "default"),
            ("tags", "tags"),
            ("mr", "mr"),
            ("main", "name"),
            ("!31", "merge request"),
            ("!0", "name"),
            ("!", "name"),
            ("!x", "name"),
            ("!3*", "glob"),
            ("refs/merge-requests/31/head", "name"),
            ("refs/merge-requests/*", "glob"),
            ("release/{1,2}", "name"),
            ("release/*", "glob"),
            ("v[12", "error"),
        ];
        for (text, expected) in cases {
            assert_eq!(kind(text), expected, "{text}");
        }
    }
}
