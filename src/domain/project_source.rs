//! What is listed: where the projects come from that are shown.

use super::id::GroupRef;
use super::project::Project;
use std::fmt;

/// Who has a list of projects.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListOwner {
    Group(GroupRef),
    /// By username: the projects in the user's own namespace.
    User(String),
    /// No owner: every project that the token sees.
    Anyone,
}

/// Projects of an owner, by a part of their name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProjectSearch {
    pub owner: ListOwner,
    /// A part of the name or of the end of the path; empty for all.
    pub text: String,
}

/// Projects that are listed together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ProjectSource {
    List {
        search: ProjectSearch,
        /// Archived ones too, whatever is said for all lists.
        with_archived: bool,
    },
    /// The group of this path, else the user of this name: a path alone does not tell which it is.
    Namespace(String),
    /// One project, by full path.
    Project(String),
}

impl ProjectSearch {
    /// Says whether a project has the text. GitLab finds it in descriptions, too, which its lists may lack.
    pub fn finds(&self, project: &Project) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let text = self.text.to_lowercase();
        let path = project.full_path.rsplit('/').next().unwrap_or_default();
        [&project.name, path].iter().any(|name| name.to_lowercase().contains(&text))
    }

    /// Says whether everything that another one finds is among what this one does.
    fn includes(&self, other: &Self) -> bool {
        self.owner == other.owner && other.text.to_lowercase().contains(&self.text.to_lowercase())
    }
}

impl From<GroupRef> for ProjectSource {
    /// All projects of a group.
    fn from(group: GroupRef) -> Self {
        let search = ProjectSearch { owner: ListOwner::Group(group), text: String::new() };
        Self::List { search, with_archived: false }
    }
}

impl ProjectSource {
    /// Returns how a problem names it: a group by what it was asked for by.
    pub fn subject(&self) -> String {
        match self {
            Self::List { search: ProjectSearch { owner: ListOwner::Group(group), .. }, .. } => group.to_string(),
            Self::Namespace(path) | Self::Project(path) => path.clone(),
            Self::List { .. } => self.to_string().replace('"', ""),
        }
    }

    /// Says whether everything that another one lists is among what this one does.
    fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::List { search, with_archived },
                Self::List { search: of_other, with_archived: with_others_archived },
            ) => search.includes(of_other) && (*with_archived || !with_others_archived),
            (one, other) => one == other,
        }
    }

    /// Leaves out what others of them list as well.
    pub fn without_included(sources: Vec<Self>) -> Vec<Self> {
        let mut kept: Vec<Self> = Vec::new();
        for source in sources {
            if kept.iter().any(|known| known.includes(&source)) {
                continue;
            }
            kept.retain(|known| !source.includes(known));
            kept.push(source);
        }
        kept
    }
}

impl fmt::Display for ProjectSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List { search: ProjectSearch { owner, text }, .. } => {
                match owner {
                    ListOwner::Group(group) => write!(f, "group \"{group}\"")?,
                    ListOwner::User(name) => write!(f, "user \"{name}\"")?,
                    ListOwner::Anyone => f.write_str("the list of all visible projects")?,
                }
                if text.is_empty() { Ok(()) } else { write!(f, " (search \"{text}\")") }
            }
            Self::Namespace(path) => write!(f, "namespace \"{path}\""),
            Self::Project(path) => write!(f, "project \"{path}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::example;

    fn list(owner: ListOwner, text: &str, with_archived: bool) -> ProjectSource {
        ProjectSource::List { search: ProjectSearch { owner, text: text.into() }, with_archived }
    }

    fn user(name: &str) -> ListOwner {
        ListOwner::User(name.into())
    }

    #[test]
    fn what_another_one_lists_is_not_listed_twice() {
        let jane = || list(user("jane"), "", false);
        let search = |text| list(user("jane"), text, false);
        let all = |text| list(ListOwner::Anyone, text, false);
        let acme = || ProjectSource::from(GroupRef::Path("acme".into()));
        let one = || ProjectSource::Project("jane/tool".into());
        let cases = [
            ("the same twice", vec![jane(), jane()], vec![jane()]),
            ("a search beside the whole", vec![search("api"), jane()], vec![jane()]),
            ("the whole beside a search", vec![jane(), search("api")], vec![jane()]),
            ("a longer search beside a shorter", vec![search("API-v2"), search("api")], vec![search("api")]),
            ("two searches", vec![search("api"), search("web")], vec![search("api"), search("web")]),
            ("two users", vec![jane(), list(user("joe"), "", false)], vec![jane(), list(user("joe"), "", false)]),
            (
                "with archived ones and without",
                vec![jane(), list(user("jane"), "", true)],
                vec![list(user("jane"), "", true)],
            ),
            (
                "archived ones of a search",
                vec![jane(), list(user("jane"), "api", true)],
                vec![jane(), list(user("jane"), "api", true)],
            ),
            ("a group and all: each has problems of its own", vec![acme(), all("")], vec![acme(), all("")]),
            ("all and a search", vec![all("api"), all("")], vec![all("")]),
            ("one project twice", vec![one(), one()], vec![one()]),
        ];
        for (sentence, sources, expected) in cases {
            assert_eq!(ProjectSource::without_included(sources), expected, "{sentence}");
        }
    }

    #[test]
    fn a_search_finds_a_part_of_the_name_and_of_the_end_of_the_path() {
        let named = |name: &str, path: &str| Project {
            name: name.into(),
            full_path: path.into(),
            ..Project::clone(&example::project(1))
        };
        let cases = [
            ("nothing is asked for", "", true),
            ("a part of the name", "tool b", true),
            ("whatever its capitals", "MY", true),
            ("a part of the path", "-kit", true),
            ("the owner's name is not the project's", "jane", false),
            ("another word", "api", false),
        ];
        for (sentence, text, expected) in cases {
            let search = ProjectSearch { owner: ListOwner::Anyone, text: text.into() };
            assert_eq!(search.finds(&named("My Tool Box", "jane/tool-kit")), expected, "{sentence}");
        }
    }

    #[test]
    fn each_has_a_name_in_a_sentence_and_one_as_the_subject_of_a_problem() {
        let cases = [
            (ProjectSource::from(GroupRef::Path("acme/web".into())), "group \"acme/web\"", "acme/web"),
            (list(user("jane"), "", false), "user \"jane\"", "user jane"),
            (list(user("jane"), "api", true), "user \"jane\" (search \"api\")", "user jane (search api)"),
            (
                list(ListOwner::Anyone, "", false),
                "the list of all visible projects",
                "the list of all visible projects",
            ),
            (ProjectSource::Namespace("jane".into()), "namespace \"jane\"", "jane"),
            (ProjectSource::Project("jane/tool".into()), "project \"jane/tool\"", "jane/tool"),
        ];
        for (source, sentence, subject) in cases {
            assert_eq!((source.to_string().as_str(), source.subject().as_str()), (sentence, subject));
        }
    }
}
