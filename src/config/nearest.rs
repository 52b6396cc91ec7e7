//! Suggests the nearest known word for a misspelt one.

/// Returns the name that was probably meant.
pub(super) fn nearest(written: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let written = written.to_lowercase().replace('-', "_");
    let distance = |name: &String| {
        let is_start = written.len() >= 3 && name.starts_with(&written);
        if is_start { 1 } else { strsim::osa_distance(&written, name) }
    };
    // A third of the letters wrong is a misspelling, more is another word.
    known
        .map(|name| (distance(&name), name))
        .filter(|(wrong, name)| *wrong * 3 <= name.len())
        .min()
        .map(|(_, name)| name)
}

/// Returns the hint that names the word that was probably meant, if there is one.
pub(super) fn meant(word: &str, permitted: &[&str]) -> Vec<String> {
    let near = nearest(word, permitted.iter().map(|word| (*word).to_owned()));
    near.map(|near| format!("did you mean {near}?")).into_iter().collect()
}
