//! Shorter forms of what a pipeline is about, for a column that has no room for all of it.

/// Returns a text and its shorter forms, the longest first. What is left out first is what other columns say too: the
/// stage of a job, and where a project lies that has a name of its own.
pub(super) fn what_forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    forms.extend(without_stage(text).or_else(|| without_folder(text)));
    if let Some((verb, job)) = forms.last().and_then(|last| waiting(last)) {
        forms.push(format!("{verb}: {job}"));
    }
    forms
}

/// `waits for a person: STAGE / JOB` and `STAGE / JOB (reason)` without the stage. What holds a path is none of these.
fn without_stage(text: &str) -> Option<String> {
    let (verb, rest) = text.split_at(waiting_verb(text));
    let (stage, job) = rest.split_once(" / ")?;
    (!stage.is_empty() && !job.is_empty()).then(|| format!("{verb}{job}"))
}

/// `GROUP/SUBGROUP/PROJECT #7 failed` without the groups.
fn without_folder(text: &str) -> Option<String> {
    let (path, rest) = text.split_once(" #")?;
    let (_, name) = path.rsplit_once('/').filter(|_| !path.contains(' '))?;
    Some(format!("{name} #{rest}"))
}

/// `waits for a person: JOB` as what is waited for, and the job.
fn waiting(text: &str) -> Option<(&str, &str)> {
    let (verb, job) = text.split_once(": ")?;
    Some((verb.strip_prefix(WAITS)?, job))
}

const WAITS: &str = "waits for a ";

/// Returns where the words end that say what is waited for.
fn waiting_verb(text: &str) -> usize {
    let is_verb = text.starts_with(WAITS) || text.starts_with("delayed: ");
    text.find(": ").filter(|_| is_verb).map_or(0, |at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_elsewhere_is_left_out_first() {
        let cases: [(&str, &[&str]); 9] = [
            ("test / unit (script failure)", &["unit (script failure)"]),
            ("test / unit +1", &["unit +1"]),
            ("a stage / a / b", &["a / b"]),
            ("waits for a person: approve / go live", &["waits for a person: go live", "person: go live"]),
            ("waits for a runner: unit", &["runner: unit"]),
            ("delayed: deploy / slowly", &["delayed: slowly"]),
            ("acme/platform/auth #8202 failed", &["auth #8202 failed"]),
            ("#9 failed", &[]),
            ("YAML error: jobs:a config is odd", &[]),
        ];
        for (text, shorter) in cases {
            assert_eq!(what_forms(text)[1..], *shorter, "{text}");
            assert_eq!(what_forms(text)[0], text);
        }
    }
}
