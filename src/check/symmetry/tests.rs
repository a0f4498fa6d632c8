//! Names that are alike can be exchanged in every state that a walk comes to, and where they are
//! not alike something shows it; the representative is the same for all of an orbit.

use std::collections::BTreeSet;

use stateright::Model;

use super::*;
use crate::explore::{Subject, fingerprint};

/// Scopes that ask more of symmetry than the standard ones do.
const MORE: [(&str, &str); 6] = [
    // Workers alone.
    (
        "three",
        r#"
        launches = "one_step"
        [policy_with]
        delivery_tries = 2
        quarantine_after = 1
        [[workers]]
        count = 3
        [[jobs]]
        replicas = 2
        max_retries_failure = 1
        max_retries_preemption = 1
        max_dispatch_failures = 1
        [faults]
        any = 2
        kinds = ["run_lost", "run_late", "kill_lost", "report_lost", "beat_lost", "beat_late",
                 "worker_crash", "exit_error", "cut_to_worker", "controller_crash"]
    "#,
    ),
    // Tasks as well.
    (
        "roomy",
        r#"
        [policy_with]
        delivery_tries = 2
        quarantine_after = 1
        [[workers]]
        count = 3
        cpus = 3
        [[jobs]]
        replicas = 3
        max_retries_failure = 1
        max_retries_preemption = 1
        max_dispatch_failures = 1
        max_task_failures = 1
        [faults]
        any = 3
        kinds = ["run_lost", "run_late", "kill_lost", "report_lost", "beat_lost", "beat_late",
                 "worker_crash", "exit_error", "cut_to_worker", "controller_crash", "cancel",
                 "bundle", "container", "monitor", "run_not_sent", "drain"]
    "#,
    ),
    // Two jobs and a gang, workers of two kinds, every message by itself.
    (
        "kinds",
        r#"
        beats = "three_steps"
        reports = "all"
        clocks = "broken"
        [policy_with]
        delivery_tries = 1
        quarantine_after = 0
        [[workers]]
        count = 2
        cpus = 5
        attributes = { zone = "a" }
        [[workers]]
        cpus = 6
        attributes = { zone = "a" }
        [[jobs]]
        replicas = 2
        timeout_ms = 60_000
        [[jobs]]
        replicas = 2
        group_by = "zone"
        max_retries_preemption = 1
        max_dispatch_failures = 1
        [[jobs]]
        scheduling_timeout_ms = 30_000
        submit = "any_time"
        [faults]
        any = 2
        kinds = ["run_lost", "run_duplicated", "report_lost", "report_duplicated", "beat_lost",
                 "beat_late", "beat_answer_lost", "worker_crash", "cancel", "resubmit"]
    "#,
    ),
    // Machines of a group, with room for a dry run.
    (
        "machines",
        r#"
        launches = "one_step"
        [policy_with]
        delivery_tries = 1
        quarantine_after = 0
        [[groups]]
        max_slices = 2
        cpus = 4
        [[jobs]]
        replicas = 2
        max_retries_preemption = 1
        max_dispatch_failures = 1
        scheduling_timeout_ms = 30_000
        [faults]
        any = 2
        kinds = ["slice_refused", "vm_stuck", "slice_preempted", "worker_crash", "run_lost"]
    "#,
    ),
    // The policies that the analysis found at fault.
    (
        "reported",
        r#"
        policy = "as_reported.retry"
        [policy_with]
        quarantine_after = 1
        [[workers]]
        count = 2
        cpus = 2
        registered = false
        [[jobs]]
        replicas = 2
        [faults]
        any = 2
        kinds = ["run_not_sent", "run_unexpected", "worker_crash", "report_lost", "exit_error"]
    "#,
    ),
    (
        "reconcile",
        r#"
        policy = "as_reported.reconcile"
        [policy_with]
        quarantine_after = 0
        [[workers]]
        cpus = 4
        [[jobs]]
        replicas = 4
        max_task_failures = 2
        [faults]
        any = 2
        kinds = ["run_unexpected", "report_lost", "report_answer_lost", "exit_error", "cancel"]
    "#,
    ),
];

fn scope(name: &str, text: &str) -> Scope {
    let text = format!("name = \"{name}\"\n{text}");
    Scope::parse(&text, name).unwrap_or_else(|bad| panic!("{bad}"))
}

fn scopes() -> Vec<Scope> {
    let more = MORE.map(|(name, text)| scope(name, text));
    Scope::standard().into_iter().chain(more).filter(|it| !Alike::of(it).is_empty()).collect()
}

/// What a state comes to for whoever cannot tell the step that led to it but by its claims.
fn seen(model: &ClusterModel, state: &State) -> (u64, u64, u64, u64) {
    let (broken, by_step) = (model.broken(state), model.broken_by_step(state));
    (fingerprint(state), broken, by_step, model.exercised_by_step(state))
}

fn successors(model: &ClusterModel, state: &State) -> Vec<State> {
    let mut acts = Vec::new();
    model.actions(state, &mut acts);
    acts.into_iter().filter_map(|act| model.next_state(state, act)).collect()
}

/// Some states of a scope: not each of those that are found, so that they get deep.
fn some_states(model: &ClusterModel, one_in: usize, most: usize) -> Vec<State> {
    let mut states = model.init_states();
    let (mut known, mut next) = (BTreeSet::new(), 0);
    while next < states.len() && next < most {
        for state in successors(model, &states[next]) {
            if known.insert(fingerprint(&state)) && known.len().is_multiple_of(one_in) {
                states.push(state);
            }
        }
        next += 1;
    }
    states.truncate(most);
    states
}

/// Exchanges of two neighbours of one class: all others are made of these.
fn exchanges(alike: &Alike) -> Vec<Renaming> {
    let workers = alike.workers.windows(2).filter(|pair| pair[0].1 == pair[1].1);
    let workers = workers.map(|pair| Renaming {
        workers: SmallVec::from_slice(&[(pair[0].0, pair[1].0), (pair[1].0, pair[0].0)]),
        ..Renaming::default()
    });
    let tasks = alike.tasks.windows(2).filter(|pair| pair[0].job == pair[1].job);
    workers.chain(tasks.map(|pair| of_tasks(pair[0], pair[1]))).collect()
}

fn of_tasks(one: TaskId, other: TaskId) -> Renaming {
    let tasks = SmallVec::from_slice(&[(one, other), (other, one)]);
    Renaming { tasks, ..Renaming::default() }
}

fn image(state: &State, names: &Renaming) -> State {
    let mut state = state.clone();
    rename(&mut state, names);
    state
}

/// Whether the image of a state can do what the images of what the state can do are.
fn goes_along(model: &ClusterModel, state: &State, ways: &[State], names: &Renaming) -> bool {
    let after = |states: &[State]| -> BTreeSet<_> {
        states.iter().map(|state| seen(model, state)).collect()
    };
    let images: Vec<State> = ways.iter().map(|state| image(state, names)).collect();
    after(&images) == after(&successors(model, &image(state, names)))
}

#[test]
fn what_is_alike_can_change_places() {
    let scopes = scopes();
    let with_tasks = scopes.iter().filter(|it| !Alike::of(it).tasks.is_empty()).count();
    assert!(scopes.len() > 8 && with_tasks == 5, "{} and {with_tasks} scopes", scopes.len());
    for scope in scopes {
        let name = scope.name.clone();
        let model = ClusterModel::new(scope).without_memory();
        let exchanges = exchanges(model.alike());
        for state in some_states(&model, 3, 3_000) {
            let ways = successors(&model, &state);
            let representative = model.representative(state.clone());
            for names in &exchanges {
                assert!(goes_along(&model, &state, &ways, names), "{name}: {names:?}");
                let other = model.representative(image(&state, names));
                assert!(representative == other, "{name}: {names:?} in {state:#?}");
            }
        }
    }
}

/// Each condition of [`tasks`] is needed: where it does not hold, a state shows that two tasks
/// cannot change places.
#[test]
fn tasks_that_are_not_alike_cannot() {
    let rest = r#"
        max_retries_failure = 1
        max_retries_preemption = 1
        max_dispatch_failures = 1
        [faults]
        any = 2
        kinds = ["run_lost", "worker_crash", "bundle", "exit_error"]
    "#;
    let plain = "[policy_with]\nquarantine_after = 0\ndelivery_tries = 1\n";
    let three = "[policy_with]\nquarantine_after = 2\ndelivery_tries = 1\n";
    let roomy = "[[workers]]\ncount = 2\ncpus = 2\nattributes = { zone = \"a\" }\n";
    let small = "[[workers]]\ncpus = 1\n";
    let job = "[[jobs]]\nreplicas = 2\n";
    let gang = "[[jobs]]\nreplicas = 2\ngroup_by = \"zone\"\n";
    let texts = [
        ("two want the room of one", format!("{plain}{small}{job}{rest}")),
        ("a gang", format!("{plain}{roomy}{gang}{rest}")),
        ("failed launches are counted", format!("{three}{roomy}{job}{rest}")),
    ];
    for (why, text) in texts {
        let scope = scope("unlike", &text);
        assert!(Alike::of(&scope).tasks.is_empty(), "{why}");
        let model = ClusterModel::new(scope).without_memory();
        let names = of_tasks(JobId(1).task(0), JobId(1).task(1));
        let is_submitted = |state: &&State| state.submitted > 0;
        let states = some_states(&model, 1, 20_000);
        let found = states.iter().filter(is_submitted).any(|state| {
            let ways = successors(&model, state);
            !goes_along(&model, state, &ways, &names)
        });
        assert!(found, "{why}: nothing shows it");
    }
}

/// Small numbers that look like chance, the same on every machine.
fn small(below: u64, seed: u64, place: usize) -> u64 {
    fingerprint(&(seed, place)) % below
}

/// A picture of few words, so that many are the same, and the names it is of: up to four workers of
/// one kind or two, up to five tasks of one job or two.
fn some_picture(seed: u64) -> (Alike, Picture) {
    let (workers, tasks) = (small(5, seed, 0), small(6, seed, 1));
    let (first, words) = (small(3, seed, 2) + 2, 1 + small(3, seed, 3));
    let number = |n: u64| u32::try_from(n).expect("small");
    let alike = Alike {
        workers: (0..workers).map(|n| (WorkerId(number(n) + 1), u8::from(n >= first))).collect(),
        tasks: (0..number(tasks))
            .map(|n| JobId(1 + u32::from(n >= 3)).task(u16::try_from(n % 3).expect("small")))
            .collect(),
        tasks_kept: None,
    };
    let mut picture = Picture::default();
    for worker in 0..alike.workers.len() {
        picture.workers[worker] = small(words, seed, 10 + worker);
        for task in 0..alike.tasks.len() {
            picture.cells[task][worker] = small(words, seed, 100 + 10 * task + worker);
        }
    }
    for task in 0..alike.tasks.len() {
        picture.tasks[task] = small(words, seed, 20 + task);
    }
    (alike, picture)
}

/// The picture in which names stand in this order.
fn reordered(picture: &Picture, workers: &[usize], tasks: &[usize]) -> Picture {
    let mut other = Picture::default();
    for (to, from) in workers.iter().enumerate() {
        other.workers[to] = picture.workers[*from];
    }
    for (row, task) in tasks.iter().enumerate() {
        other.tasks[row] = picture.tasks[*task];
        for (column, worker) in workers.iter().enumerate() {
            other.cells[row][column] = picture.cells[*task][*worker];
        }
    }
    other
}

fn canonical(alike: &Alike, picture: &Picture) -> Picture {
    let (workers, tasks) = order(alike, picture);
    let workers: Vec<usize> = workers.iter().filter_map(|id| alike.worker(*id)).collect();
    let tasks: Vec<usize> = tasks.iter().filter_map(|id| alike.task(*id)).collect();
    for (to, from) in workers.iter().enumerate() {
        assert_eq!(alike.workers[to].1, alike.workers[*from].1, "a worker left its kind");
    }
    for (to, from) in tasks.iter().enumerate() {
        assert_eq!(alike.tasks[to].job, alike.tasks[*from].job, "a task left its job");
    }
    reordered(picture, &workers, &tasks)
}

/// Every order of so many things that leaves each in its class.
fn orders(classes: &[u32]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for class in classes {
        let longer = |order: &Vec<usize>| -> Vec<Vec<usize>> {
            let able = |at: &usize| classes[*at] == *class && !order.contains(at);
            (0..classes.len()).filter(able).map(|at| [&order[..], &[at]].concat()).collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

#[test]
fn of_all_that_differ_by_an_exchange_one_stands_for_all() {
    let (mut tied, mut all) = (0, 0);
    for seed in 0..10_000 {
        let (alike, picture) = some_picture(seed);
        let least = canonical(&alike, &picture);
        let kinds: Vec<u32> = alike.workers.iter().map(|worker| worker.1.into()).collect();
        let jobs: Vec<u32> = alike.tasks.iter().map(|task| task.job.0).collect();
        let (kinds, jobs) = (orders(&kinds), orders(&jobs));
        let mut images = BTreeSet::new();
        for (workers, tasks) in kinds.iter().flat_map(|kind| jobs.iter().map(move |it| (kind, it)))
        {
            let image = reordered(&picture, workers, tasks);
            if images.insert((image.workers, image.tasks, image.cells)) {
                assert_eq!(canonical(&alike, &image), least, "seed {seed}");
                assert_eq!(order::images(&alike, &image), order::images(&alike, &picture));
            }
        }
        assert_eq!(order::images(&alike, &picture), images.len() as u64, "seed {seed}");
        tied += u32::from(images.len() < kinds.len() * jobs.len());
        all += u32::from(images.len() > 1);
    }
    assert!(tied > 2_000 && all > 5_000, "{tied} and {all} pictures");
}
