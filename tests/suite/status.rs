//! The group as the simulated GitLab knows it.

use crate::support::Env;
use glwatch_sim::{Options, Sim, WorldKind};
use serde_json::{Value, json};

fn sim(world: WorldKind) -> Sim {
    Sim::start(Options { world, ..Options::default() }).unwrap()
}

/// Takes from a value the keys that another one has, all the way down: the rest is not compared.
fn like(shape: &Value, value: &Value) -> Value {
    match (shape, value) {
        (Value::Object(shape), Value::Object(value)) => shape
            .iter()
            .map(|(key, shape)| (key.clone(), like(shape, value.get(key).unwrap_or(&Value::Null))))
            .collect(),
        (Value::Array(shapes), Value::Array(values)) if shapes.len() == values.len() => {
            shapes.iter().zip(values).map(|(shape, value)| like(shape, value)).collect()
        }
        _ => value.clone(),
    }
}

#[track_caller]
fn agrees_with_the_truth(world: WorldKind, projects: usize) {
    let sim = sim(world);
    let output = Env::new().run(&["--host", sim.url(), "--group-id", "12345", "-o", "json", "--sort", "name"]);
    let found = output.exits_with(0).json();
    let truth = sim.expected();
    let by_path = |value: &Value| {
        let mut projects = value["projects"].as_array().unwrap().clone();
        projects.sort_by_key(|project| project["full_path"].as_str().unwrap().to_owned());
        projects
    };
    let (found_projects, true_projects) = (by_path(&found), by_path(&truth));
    assert_eq!(true_projects.len(), projects);
    assert_eq!(found_projects.len(), projects);
    for (found, truth) in found_projects.iter().zip(&true_projects) {
        assert_eq!(like(truth, found), *truth, "{}", truth["full_path"]);
    }
    assert_eq!(found["complete"], json!(true));
    assert_eq!(sim.panics(), 0);
}

#[test]
fn the_demo_group_is_reported_as_it_is() {
    let projects = sim(WorldKind::Demo).expected()["projects"].as_array().unwrap().len();
    agrees_with_the_truth(WorldKind::Demo, projects);
}

#[test]
fn two_hundred_projects_are_reported_as_they_are() {
    agrees_with_the_truth(WorldKind::Uniform { projects: 200, stages: 4, jobs: 3 }, 200);
}
