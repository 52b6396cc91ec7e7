//! Holds the source to the table of imports in `src/lib.rs`, and to the budget of lines per file.
//!
//! Every path counts that leads from one module to another: use declarations, paths in expressions, types, patterns
//! and attributes, and what can be told from the tokens of a macro. Test modules are held to the table like the rest.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemExternCrate, ItemMod, ItemUse, Macro, Meta, UseTree, VisRestricted};

/// The name for `src/main.rs` and the crate root, `src/lib.rs`.
const ROOT: &str = "main";
/// The crate's name, which `main.rs` says for `crate`.
const CRATE: &str = "glwatch";
/// The hard budget; the design aims at 400.
const MAX_LINES: usize = 700;

type Modules = BTreeSet<String>;

/// Who may import whom.
#[derive(Debug)]
struct Table(BTreeMap<String, Permitted>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Permitted {
    Everything,
    Only(Modules),
}

impl Table {
    /// Reads the table from the doc comment: `a, b -> c, d`, several to a line with two blanks between them.
    fn parse(lib: &str) -> Self {
        let doc = lib.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim);
        let rows = doc.skip_while(|line| *line != "```text").skip(1).take_while(|line| *line != "```");
        let mut table = BTreeMap::new();
        for row in rows {
            for entry in entries(row) {
                let chain: Vec<Vec<String>> = entry.split("->").map(names).collect();
                for pair in chain.windows(2) {
                    let permitted = match pair[1].as_slice() {
                        [word] if word == "everything" => Permitted::Everything,
                        [word] if word == "nothing" => Permitted::Only(Modules::new()),
                        targets => Permitted::Only(targets.iter().cloned().collect()),
                    };
                    for from in &pair[0] {
                        assert!(
                            !table.contains_key(from) || table.get(from) == Some(&permitted),
                            "lib.rs: \"{from}\" is in the table twice"
                        );
                        table.insert(from.clone(), permitted.clone());
                    }
                }
            }
        }
        Self(table)
    }

    fn permits(&self, from: &str, to: &str) -> bool {
        match self.0.get(from) {
            Some(Permitted::Everything) => true,
            Some(Permitted::Only(targets)) => targets.contains(to),
            None => false,
        }
    }

    /// Every module that the table speaks of.
    fn modules(&self) -> Modules {
        let targets = self.0.values().flat_map(|permitted| match permitted {
            Permitted::Everything => Vec::new(),
            Permitted::Only(targets) => targets.iter().cloned().collect(),
        });
        self.0.keys().cloned().chain(targets).collect()
    }
}

/// Splits a row of the table at two blanks, except before an arrow, where they only align it.
fn entries(row: &str) -> Vec<String> {
    let mut aligned = row.to_owned();
    while aligned.contains("  ->") {
        aligned = aligned.replace("  ->", " ->");
    }
    aligned.split("  ").map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// Finds the paths of one file that lead out of its module.
struct Finder<'a> {
    modules: &'a Modules,
    /// The module of the code that is being looked at: `["gitlab", "rest", "tests"]`.
    here: Vec<String>,
    /// Module led to, and the path that does.
    found: BTreeSet<(String, String)>,
}

impl Finder<'_> {
    /// Notes where a path leads. A path to the crate root itself counts as one to all modules.
    fn note(&mut self, path: &[String]) {
        let (mut base, mut rest) = (self.here.clone(), path);
        match path.first().map(String::as_str) {
            Some("crate" | CRATE) => (base, rest) = (Vec::new(), &path[1..]),
            Some("self" | "super") => {
                while let Some(first) = rest.first() {
                    match first.as_str() {
                        "self" => {}
                        "super" => drop(base.pop()),
                        _ => break,
                    }
                    rest = &rest[1..];
                }
            }
            // Of the paths that begin with a name, only those in the root can reach a module by it.
            Some(name) if self.here.is_empty() && self.modules.contains(name) => {}
            _ => return,
        }
        let absolute: Vec<&String> = base.iter().chain(rest).collect();
        let to = absolute.first().filter(|name| self.modules.contains(**name)).map_or(ROOT, |name| name.as_str());
        let from = self.here.first().map_or(ROOT, String::as_str);
        if to != from {
            self.found.insert((to.to_owned(), path.join("::")));
        }
    }

    fn note_use(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.note_use(&path.tree, &with(&path.ident)),
            UseTree::Name(name) if name.ident == "self" => self.note(before),
            UseTree::Name(name) => self.note(&with(&name.ident)),
            UseTree::Rename(rename) if rename.ident == "self" && !before.is_empty() => self.note(before),
            UseTree::Rename(rename) => self.note(&with(&rename.ident)),
            UseTree::Glob(_) => self.note(before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.note_use(tree, before)),
        }
    }

    /// Looks for `crate::…`, `self::…` and `super::…` among tokens, and for the groups that follow them.
    fn note_tokens(&mut self, mut cursor: Cursor<'_>, before: &[String]) {
        let mut path: Vec<String> = before.to_vec();
        let mut joined = true;
        while !cursor.eof() {
            if let Some((inside, _, _, next)) = cursor.any_group() {
                let is_list = joined && path.len() > before.len();
                self.note_tokens(inside, if is_list { &path } else { &[] });
                (path, joined, cursor) = (Vec::new(), false, next);
            } else if let Some((ident, next)) = cursor.ident() {
                if !joined {
                    path.clear();
                }
                path.push(ident.to_string());
                let is_relative = !matches!(path[0].as_str(), "crate" | CRATE | "self" | "super");
                (joined, cursor) = (false, next);
                if let Some(after) = double_colon(cursor) {
                    (joined, cursor) = (true, after);
                }
                if !joined && path.len() > 1 && !is_relative {
                    self.note(&path);
                }
            } else if let Some((punct, next)) = cursor.punct() {
                // Within `crate::{a, b}` each part begins again at the path before the brace.
                let is_comma = punct.as_char() == ',';
                path = if is_comma { before.to_vec() } else { Vec::new() };
                (joined, cursor) = (is_comma, next);
            } else if let Some((_, next)) = cursor.token_tree() {
                (path, joined, cursor) = (Vec::new(), false, next);
            }
        }
    }
}

/// Returns what follows a `::`.
fn double_colon(cursor: Cursor<'_>) -> Option<Cursor<'_>> {
    let (first, next) = cursor.punct().filter(|(punct, _)| punct.as_char() == ':')?;
    let (_, after) = next.punct().filter(|(punct, _)| punct.as_char() == ':' && first.as_char() == ':')?;
    Some(after)
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.note_use(&item.tree, &[]);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        if item.ident == "self" || item.ident == CRATE {
            self.note(&["crate".to_owned()]);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.here.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.here.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // One word is a name of this place: `self` the value, `Self`, a local.
        if segments.len() > 1 {
            self.note(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.note_tokens(TokenBuffer::new2(item.tokens.clone()).begin(), &[]);
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        assert!(!attribute.path().is_ident("path"), "#[path] hides which module a file is");
        if let Meta::List(list) = &attribute.meta {
            let buffer = TokenBuffer::new2(list.tokens.clone());
            self.note_tokens(buffer.begin(), &[]);
            // `#[serde(with = "crate::text::age")]` names a path in a text.
            for text in literals(buffer.begin()) {
                if let Ok(path) = syn::parse_str::<syn::Path>(&text) {
                    self.visit_path(&path);
                }
            }
        }
        visit::visit_attribute(self, attribute);
    }

    /// Visibilities name only what is above them.
    fn visit_vis_restricted(&mut self, _: &'ast VisRestricted) {}
}

fn literals(mut cursor: Cursor<'_>) -> Vec<String> {
    let mut found = Vec::new();
    while !cursor.eof() {
        if let Some((inside, _, _, next)) = cursor.any_group() {
            found.extend(literals(inside));
            cursor = next;
        } else if let Some((literal, next)) = cursor.literal() {
            found.extend(syn::parse_str::<syn::LitStr>(&literal.to_string()).map(|text| text.value()));
            cursor = next;
        } else if let Some((_, next)) = cursor.token_tree() {
            cursor = next;
        }
    }
    found
}

/// Returns each edge of a file that the table does not have, as `from -> to: path`.
fn forbidden(code: &str, module: &[&str], modules: &Modules, table: &Table) -> Vec<String> {
    let file = syn::parse_file(code).unwrap();
    let here: Vec<String> = module.iter().map(|part| (*part).to_owned()).collect();
    let from = module.first().copied().unwrap_or(ROOT);
    let mut finder = Finder { modules, here, found: BTreeSet::new() };
    finder.visit_file(&file);
    let edges = finder.found.into_iter().filter(|(to, _)| !table.permits(from, to));
    edges.map(|(to, path)| format!("{from} -> {to}: {path}")).collect()
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn lib() -> String {
    std::fs::read_to_string(source().join("lib.rs")).unwrap()
}

/// Returns every Rust file of the program, by its path from `src`.
fn files() -> Vec<(PathBuf, String)> {
    files_below(&source())
}

/// Returns every Rust file below a folder, by its path from there.
fn files_below(root: &Path) -> Vec<(PathBuf, String)> {
    fn below(root: &Path, folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                below(root, &path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let code = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root).unwrap().to_owned(), code));
            }
        }
    }
    let mut found = Vec::new();
    below(root, root, &mut found);
    found.sort();
    found
}

/// Returns the module of a file: `gitlab/rest/mod.rs` is `["gitlab", "rest"]`.
fn module_of(file: &Path) -> Vec<&str> {
    let mut parts: Vec<&str> = file.iter().map(|part| part.to_str().unwrap().trim_end_matches(".rs")).collect();
    let is_root = parts == ["lib"] || parts == ["main"];
    if is_root || parts.last() == Some(&"mod") {
        parts.pop();
    }
    parts
}

/// Returns the modules that `lib.rs` declares.
fn declared() -> Modules {
    let items = syn::parse_file(&lib()).unwrap().items;
    let module = |item: Item| if let Item::Mod(module) = item { Some(module.ident.to_string()) } else { None };
    items.into_iter().filter_map(module).collect()
}

#[test]
fn imports_go_only_where_the_table_lets_them() {
    let (table, modules) = (Table::parse(&lib()), declared());
    let mut wrong = Vec::new();
    for (file, code) in files() {
        let edges = forbidden(&code, &module_of(&file), &modules, &table);
        wrong.extend(edges.into_iter().map(|edge| format!("src/{}: {edge}", file.display())));
    }
    assert!(wrong.is_empty(), "not in the table of src/lib.rs:\n{}", wrong.join("\n"));
}

#[test]
fn the_table_names_exactly_the_modules_that_exist() {
    let files = files();
    let on_disk: Modules = files
        .iter()
        .filter_map(|(file, _)| module_of(file).first().map(|module| (*module).to_owned()))
        .chain([ROOT.to_owned()])
        .collect();
    let declared: Modules = declared().into_iter().chain([ROOT.to_owned()]).collect();
    let table = Table::parse(&lib());
    assert_eq!(table.modules(), declared, "the table of src/lib.rs and its `mod` lines differ");
    assert_eq!(table.0.keys().cloned().collect::<Modules>(), declared, "a module has no line of its own in the table");
    assert_eq!(on_disk, declared, "the folders and files of src/ and the `mod` lines of lib.rs differ");
}

/// Two modules, `upper` above `lower`.
fn forbidden_in_fixture(code: &str, module: &[&str]) -> Vec<String> {
    let table = Table::parse("//! ```text\n//! main -> upper\n//! upper  -> lower      lower -> nothing\n//! ```\n");
    let modules: Modules = ["upper", "lower"].map(str::to_owned).into();
    forbidden(code, module, &modules, &table)
}

#[test]
fn a_forbidden_grouped_import_is_found() {
    let code = "use std::fmt;\nuse crate::{lower::inner::{A, B as C}, upper::{self, view::*}};";
    let found = forbidden_in_fixture(code, &["lower"]);
    assert_eq!(found, ["lower -> upper: crate::upper", "lower -> upper: crate::upper::view"]);
    assert_eq!(forbidden_in_fixture(code, &["upper"]), Vec::<String>::new());
}

#[test]
fn a_forbidden_inline_path_is_found() {
    let code = "fn f(x: crate::upper::T) -> u8 { let g = crate::upper::g; g(x) }";
    let found = forbidden_in_fixture(code, &["lower"]);
    assert_eq!(found, ["lower -> upper: crate::upper::T", "lower -> upper: crate::upper::g"]);
    assert_eq!(forbidden_in_fixture(code, &["upper", "view"]), Vec::<String>::new());
}

#[test]
fn no_other_way_to_write_a_forbidden_path_gets_through() {
    let ways = [
        ("super of super", "use super::super::upper::T;", "super::super::upper::T"),
        ("super from a test module", "#[cfg(test)] mod tests { use super::super::super::upper; }", "upper"),
        ("inside a function", "fn f() { use crate::upper as above; }", "crate::upper"),
        ("the root under another name", "use crate as root;", "lower -> main: crate"),
        ("everything of the root", "use crate::*;", "lower -> main: crate"),
        ("a macro's arguments", "fn f() { println!(\"{}\", crate::upper::T::new()); }", "crate::upper::T::new"),
        ("a group in a macro", "m! { use crate::{lower::A, upper::B}; }", "crate::upper::B"),
        ("a name after super in a macro", "m!(a.b(super::super::upper::T));", "super::super::upper::T"),
        ("a pattern", "fn f(x: u8) { if let crate::upper::X(_) = x {} }", "crate::upper::X"),
        ("a generic argument", "type T = Vec<Option<crate::upper::X>>;", "crate::upper::X"),
        ("a derive", "#[derive(crate::upper::Show)] struct S;", "crate::upper::Show"),
        ("a text in an attribute", "struct S { #[serde(with = \"crate::upper::w\")] x: u8 }", "crate::upper::w"),
        ("a re-export", "pub use crate::upper::T;", "crate::upper::T"),
        ("the crate by its name", "use glwatch::upper::T;", "glwatch::upper::T"),
    ];
    for (sentence, code, path) in ways {
        let found = forbidden_in_fixture(code, &["lower", "inner"]);
        assert!(found.len() == 1 && found[0].ends_with(path), "{sentence}: {found:?}");
    }
    let harmless = "pub(crate) mod a { pub(super) fn f() { self::g(); super::h(); super::super::i(); } }
        use super::{other, other::T}; use crate::lower::x; fn upper() { upper::f(); m!(upper::f, self.x) }";
    assert_eq!(forbidden_in_fixture(harmless, &["lower", "inner"]), Vec::<String>::new());
    assert_eq!(forbidden_in_fixture("fn run() { lower::f() }", &[]), ["main -> lower: lower::f"]);
}

/// Counts the lines of a file without its test modules; rustfmt ends a module at its own indentation.
fn lines_of_code(code: &str) -> usize {
    let lines: Vec<&str> = code.lines().collect();
    let (mut count, mut at) = (0, 0);
    while let Some(line) = lines.get(at) {
        let indent = &line[..line.len() - line.trim_start().len()];
        let after = |line: &&&str| line.trim_start().starts_with("#[");
        let head = at + 1 + lines[at + 1..].iter().take_while(after).count();
        let is_module = lines.get(head).is_some_and(|line| line.contains("mod ") && line.ends_with('{'));
        if line.trim() == "#[cfg(test)]" && is_module {
            let end = format!("{indent}}}");
            at = head + lines[head..].iter().take_while(|line| **line != end).count() + 1;
        } else {
            (count, at) = (count + 1, at + 1);
        }
    }
    count
}

#[test]
fn no_file_is_too_long() {
    let is_test = |file: &Path| file.iter().any(|part| part == "tests" || part == "tests.rs");
    let packages = [source(), Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/glwatch-sim/src")];
    let long: Vec<String> = packages
        .iter()
        .flat_map(|package| files_below(package))
        .filter(|(file, _)| !is_test(file))
        .map(|(file, code)| (file, lines_of_code(&code)))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "more than {MAX_LINES} lines without tests:\n{}", long.join("\n"));
}

#[test]
fn test_modules_do_not_count_as_lines_of_a_file() {
    let code = "fn a() {}\n\n#[cfg(test)]\n#[expect(x)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n";
    assert_eq!(lines_of_code(code), 3);
    assert_eq!(lines_of_code("#[cfg(test)]\nmod tests;\nfn a() {}\n"), 3);
}
