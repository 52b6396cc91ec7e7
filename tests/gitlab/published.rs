//! Reads what GitLab published from the files beside it.

use std::io::Read;
use std::path::{Path, PathBuf};

/// Returns the folder of a kind of published file, from whichever package of the workspace a test runs in.
pub(crate) fn folder(kind: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|above| above.join("tests/gitlab").join(kind)).find(|folder| folder.is_dir());
    found.unwrap_or_else(|| panic!("tests/gitlab/{kind} is missing above {}", here.display()))
}

/// Returns a documented answer, such as `pipeline-single.json`.
pub(crate) fn example(file: &str) -> String {
    let path = folder("rest-examples").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the text of a published schema, such as `gitlab-14.10.graphql`.
pub(crate) fn schema(file: &str) -> String {
    let path = folder("schemas").join(format!("{file}.gz"));
    let compressed = std::fs::File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    let read = flate2::read::GzDecoder::new(compressed).read_to_string(&mut text);
    read.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text
}
