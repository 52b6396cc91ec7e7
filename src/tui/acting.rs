//! Acting from the screens: what a key would do to what, the question before it, and what became of it.

use super::app::App;
use super::pending::{ActionQuestion, ActionRecord, PendingAction};
use super::screens::overview::pipeline_of;
use super::screens::place::ScreenPlace;
use crate::act::plan::{self, PipelineTarget, PlannedAction};
use crate::act::service::{ActionEnd, ActionOutcome};
use crate::act::{Action, ActionSubject};
use crate::domain::job::Job;
use crate::domain::pipeline::Pipeline;
use crate::domain::project::ProjectRow;
use crate::domain::status::Status;
use crate::report::cell::Tone;
use crate::report::item::clean;
use crate::text::plural::counted;

/// Plans an action on what the cursor is on, or on all marked rows; an error says why there is none.
pub fn ask(app: &App, action: Action) -> Result<ActionQuestion, String> {
    plan::check_read_only(action, app.facts.options.read_only.clone()).map_err(|no| no.to_string())?;
    let planned = match app.opened.last() {
        None => of_rows(app, action)?,
        Some(screen) => {
            let lines = super::screens::lines(app, screen);
            of_place(app, action, screen.target(&lines).unwrap_or(screen.place))?
        }
    };
    let planned = plan::without_repeats(planned);
    let text = format!("{} {}? y/N", capital(action.word()), described(app, action, &planned));
    Ok(ActionQuestion { planned, text })
}

fn of_rows(app: &App, action: Action) -> Result<Vec<PlannedAction>, String> {
    let overview = &app.overview;
    let is_meant = |key: &super::screens::overview::RowKey| overview.marked.contains(key);
    let marked: Vec<_> = overview.lines.iter().filter_map(|line| line.row()).filter(|row| is_meant(&row.key)).collect();
    if marked.len() < overview.marked.len() {
        let hidden = overview.marked.len() - marked.len();
        return Err(format!("{} not in sight: end the filter or unfold first", counted(hidden, "marked row")));
    }
    if !marked.is_empty() {
        let mut planned = Vec::new();
        for row in marked {
            let Some(project) = overview.projects.get(row.nth) else { continue };
            // Of many rows those with nothing to do are left out; the question says how many are meant.
            planned.extend(pipeline_of(project, row).and_then(|pipeline| on_pipeline(action, project, pipeline).ok()));
        }
        return if planned.is_empty() {
            Err(format!("there is nothing to {} in the marked rows", action.word()))
        } else {
            Ok(planned)
        };
    }
    let (row, project) = overview.cursor_row().ok_or("move the cursor to a row first")?;
    let pipeline = pipeline_of(project, row).ok_or("this row has no pipeline")?;
    Ok(vec![on_pipeline(action, project, pipeline)?])
}

fn of_place(app: &App, action: Action, place: ScreenPlace) -> Result<Vec<PlannedAction>, String> {
    let gone = || "this is no longer shown: go back and look again".to_owned();
    match place {
        ScreenPlace::Pipeline(project, pipeline) => {
            let (row, pipeline) = app.facts.pipeline(project, pipeline).ok_or_else(gone)?;
            Ok(vec![on_pipeline(action, row, pipeline)?])
        }
        ScreenPlace::Job(project, pipeline, job) => {
            let (row, pipeline) = app.facts.pipeline(project, pipeline).ok_or_else(gone)?;
            let job = pipeline.jobs().find(|known| known.id == job).ok_or_else(gone)?;
            check(action, job)?;
            Ok(vec![PlannedAction::on_job(action, &target(row, pipeline), job.clone())])
        }
        ScreenPlace::Project(_)
        | ScreenPlace::Failures
        | ScreenPlace::Active
        | ScreenPlace::Events
        | ScreenPlace::Problems => Err("move the cursor to a pipeline or a job first".into()),
    }
}

/// Refuses what GitLab would surely refuse, before the user is asked.
fn check(action: Action, job: &Job) -> Result<(), String> {
    let fits = match action {
        Action::Retry => job.status.is_terminal() && job.status != Status::Skipped,
        Action::Cancel => job.status.is_active(),
        Action::Play => matches!(job.status, Status::Manual | Status::Scheduled),
    };
    let name = format!("{} / {}", job.stage, job.name);
    if fits { Ok(()) } else { Err(format!("{name} is {}: there is nothing to {}", job.status.word(), action.word())) }
}

fn on_pipeline(action: Action, row: &ProjectRow, pipeline: &Pipeline) -> Result<PlannedAction, String> {
    let jobs: Vec<Job> = pipeline.jobs().cloned().collect();
    let target = target(row, pipeline);
    let manual: Vec<&Job> = jobs.iter().filter(|job| job.status == Status::Manual).collect();
    if !action.takes_pipelines()
        && let [only] = manual[..]
    {
        return Ok(PlannedAction::on_job(action, &target, only.clone()));
    }
    if !action.takes_pipelines() && manual.len() > 1 {
        return Err(format!("{} jobs wait for a person: enter opens the pipeline, choose one there", manual.len()));
    }
    PlannedAction::on_pipeline(action, target, Some(pipeline.status.clone()), jobs).map_err(|no| no.to_string())
}

fn target(row: &ProjectRow, pipeline: &Pipeline) -> PipelineTarget {
    PipelineTarget { project: row.project.id, full_path: row.project.full_path.clone(), pipeline: pipeline.id }
}

/// Says what exactly would happen, and to what.
fn described(app: &App, action: Action, planned: &[PlannedAction]) -> String {
    let charset = app.facts.options.charset;
    let of = |target: &PipelineTarget| {
        format!("{} #{}", clean(&app.short_path(&target.full_path), charset), target.pipeline)
    };
    match planned {
        [one] => match &one.job {
            Some(job) => {
                format!("{} / {} of {}", clean(&job.stage, charset), clean(&job.name, charset), of(&one.target))
            }
            None => format!("{} of {}", concerned(action, one), of(&one.target)),
        },
        several => {
            let jobs: usize = several.iter().map(|one| one.concerned.len().max(1)).sum();
            format!("{} of {}", counted(jobs, "job"), counted(several.len(), "pipeline"))
        }
    }
}

fn concerned(action: Action, planned: &PlannedAction) -> String {
    match (action, planned.concerned.len()) {
        (Action::Cancel, 0) => "everything".into(),
        (Action::Retry, n) => {
            let failed = planned.concerned.iter().all(|job| job.status == Status::Failed);
            counted(n, if failed { "failed job" } else { "failed or canceled job" })
        }
        (_, n) => counted(n, "job"),
    }
}

/// Says that the token may not do it.
pub fn lacking(action: Action, why: &str) -> String {
    format!("{} needs a token with the scope api: {why}", action.word())
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// Notes what is sent.
pub fn note_asked(app: &mut App, planned: &[PlannedAction]) {
    for one in planned {
        let pending = PendingAction {
            action: one.action,
            project: one.target.project,
            pipeline: one.target.pipeline,
            job: one.job.as_ref().map(|job| job.id),
            answered_at: None,
        };
        app.pending.push(pending);
    }
}

/// Takes what became of an action, and says it in a line.
pub fn note_outcome(app: &mut App, outcome: &ActionOutcome) {
    let planned = &outcome.planned;
    let subject = planned.subject();
    let is_it = |pending: &PendingAction| {
        pending.action == planned.action
            && pending.project == planned.target.project
            && pending.pipeline == planned.target.pipeline
            && pending.job == planned.job.as_ref().map(|job| job.id)
    };
    let (text, tone) = told(app, outcome);
    match &outcome.end {
        ActionEnd::Refused(_) => app.pending.retain(|pending| !is_it(pending)),
        ActionEnd::Done { .. } | ActionEnd::Unsure(_) => {
            let now = app.facts.now;
            app.pending.iter_mut().filter(|pending| is_it(pending)).for_each(|pending| pending.answered_at = Some(now));
        }
    }
    app.notice = Some(text.clone());
    let target = match subject {
        ActionSubject::Pipeline(_) => ScreenPlace::Pipeline(planned.target.project, planned.target.pipeline),
        ActionSubject::Job(job) => ScreenPlace::Job(planned.target.project, planned.target.pipeline, job),
    };
    app.actions.push(ActionRecord { text, tone, target });
}

/// Says what became of an action.
fn told(app: &App, outcome: &ActionOutcome) -> (String, Tone) {
    let planned = &outcome.planned;
    let (word, name) = (planned.action.word(), described(app, planned.action, std::slice::from_ref(planned)));
    match &outcome.end {
        ActionEnd::Done { id, status } => {
            let is_other = planned.job.as_ref().is_some_and(|job| job.id.0 != *id);
            let id = if is_other { format!(", now job {id}") } else { String::new() };
            (format!("{word}: {name}{id}, {}", status.word()), Tone::Good)
        }
        ActionEnd::Refused(failure) => (format!("{word} of {name} refused: {}", failure.message), Tone::Bad),
        ActionEnd::Unsure(failure) => {
            let why = &failure.message;
            (format!("{word} of {name}: GitLab did not answer, it may have been done: {why}"), Tone::Bad)
        }
    }
}
