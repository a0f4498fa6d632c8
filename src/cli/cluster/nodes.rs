//! The processes of a cluster.

use std::io::{self, Write};
use std::sync::Arc;

use crate::model::resources::{Attributes, Resources};
use crate::real::chaos::{Rule, parse_file};
use crate::real::cluster::in_real_time;
use crate::real::controller::Limits;
use crate::real::process::{
    ControllerSettings, Event, LocalGroup, Problem, Tell, UpSettings, WorkerSettings,
    run_controller, run_up, run_worker,
};

use super::super::{Exit, Failure};
use super::args::{ChaosArgs, Controller, Provider, Room, Up, Worker};
use super::ask::{no_runtime, read, token};
use super::policy::changed;
use super::values::{Group, sorted};

/// What a worker has of which nothing is said.
const CPUS: u32 = 4;

/// A whole cluster.
pub(super) fn up(it: Up) -> Result<Exit, Failure> {
    let mut groups = it.groups;
    let room = room(&it.room);
    if let Some(workers) = it.workers.or(groups.is_empty().then_some(2)) {
        let Resources { cpu_milli, memory_bytes } = room;
        let (cpus, part) = (cpu_milli / 1000, cpu_milli % 1000);
        let text = format!(
            "local:min={workers},max={workers},cpus={cpus}.{part:03},memory={memory_bytes}"
        );
        groups.push(text.parse().map_err(Failure::Bad)?);
    }
    let groups = sorted(groups).map_err(Failure::Bad)?;
    let (name, preset) = it.policy;
    // Its controller would refuse it as well, but not at once.
    changed(preset, &it.policy_with).map_err(Failure::Bad)?;
    let mut controller = vec!["--policy".to_owned(), name];
    for change in &it.policy_with {
        controller.extend(["--policy-with".to_owned(), change.text.clone()]);
    }
    for group in &groups {
        controller.extend(["--group".to_owned(), group.text.clone()]);
    }
    let settings = UpSettings {
        folder: it.folder.clone(),
        listen: it.listen,
        groups: groups.into_iter().zip(1..).map(|(it, number)| local(it, number)).collect(),
        controller,
        token: token(&it.token)?,
        rules: rules(&it.chaos)?,
        seed: it.chaos.seed,
    };
    let folder = it.folder.display().to_string();
    let tell: Tell = Arc::new(move |event| {
        let mut out = io::stdout().lock();
        // A cluster goes on where nobody reads what it says.
        let _ = writeln!(out, "{}", of_cluster(event, &folder)).and_then(|()| out.flush());
    });
    finish(in_real_time(run_up(settings, tell)))
}

fn local(group: Group, number: u16) -> LocalGroup {
    LocalGroup {
        id: crate::model::id::GroupId(number),
        capacity: group.config.capacity,
        attributes: group.config.attributes,
    }
}

/// A controller.
pub(super) fn controller(it: Controller) -> Result<Exit, Failure> {
    let provided = it.provider == Provider::Stdio;
    if !it.groups.is_empty() && !provided {
        let says = "scale groups need a provider: --provider stdio, or run `iris-check up`, whose \
                    machines are processes";
        return Err(Failure::Bad(says.to_owned()));
    }
    let settings = ControllerSettings {
        listen: it.listen,
        journal: it.journal,
        policy: changed(it.policy.1, &it.policy_with).map_err(Failure::Bad)?,
        groups: sorted(it.groups).map_err(Failure::Bad)?.into_iter().map(|it| it.config).collect(),
        provider_on_stdio: provided,
        token: token(&it.token)?,
        rules: rules(&it.chaos)?,
        seed: it.chaos.seed,
        limits: Limits::default(),
    };
    let tell: Tell = Arc::new(move |event| {
        // Its provider knows, and says so.
        if !(provided && matches!(event, Event::Serves(_) | Event::Ends)) {
            say(event, "controller");
        }
    });
    finish(in_real_time(run_controller(settings, tell)))
}

/// A worker.
pub(super) fn worker(it: Worker) -> Result<Exit, Failure> {
    let name = it.id.to_string();
    let settings = WorkerSettings {
        id: it.id,
        controller: it.controller,
        folder: it.folder,
        capacity: room(&it.room),
        attributes: Attributes::new(it.attributes),
        listen: it.listen,
        advertise: it.advertise,
        token: token(&it.token)?,
        rules: rules(&it.chaos)?,
        seed: it.chaos.seed,
        on_a_leash: it.on_a_leash,
    };
    let tell: Tell = Arc::new(move |event| say(event, &name));
    finish(in_real_time(run_worker(settings, tell)))
}

fn finish(done: io::Result<Result<(), Problem>>) -> Result<Exit, Failure> {
    match done.map_err(|error| no_runtime(&error))? {
        Ok(()) => Ok(Exit::Fine),
        Err(problem) => Err(Failure::Bad(problem.to_string())),
    }
}

fn room(it: &Room) -> Resources {
    Resources {
        cpu_milli: it.cpus.or(it.cpu_milli).unwrap_or(CPUS * 1000),
        memory_bytes: it.memory.unwrap_or_default(),
    }
}

fn rules(it: &ChaosArgs) -> Result<Vec<Rule>, Failure> {
    let mut rules = match &it.file {
        None => Vec::new(),
        Some(path) => parse_file(&read(path)?, &path.display().to_string())
            .map_err(|bad| Failure::Bad(bad.to_string()))?,
    };
    rules.extend(it.rules.iter().cloned());
    Ok(rules)
}

/// What a single node says, where logs are kept.
fn say(event: &Event, node: &str) {
    // A node goes on where nobody reads what it says.
    let _ = writeln!(io::stderr(), "{node}: {}", of_node(event));
}

fn of_node(event: &Event) -> String {
    match event {
        Event::Serves(address) => format!("serves at {address}"),
        Event::Torn(what) => format!("the last write to the journal was interrupted: {what}"),
        Event::Waits(address) => format!("waits for a controller at {address}"),
        Event::Works(seat, controller) => format!("works as {seat} for {controller}"),
        Event::Started(worker, pid) => format!("{worker} is process {pid}"),
        Event::Lost(worker, pid, how) => format!("{worker}, process {pid}, has ended: {how}"),
        Event::Trouble(says) => format!("tries again: {says}"),
        Event::ControllerLost(how) => format!("the controller has ended ({how}); a new one starts"),
        Event::Ends => "ends".to_owned(),
    }
}

/// What a whole cluster says to the person who started it.
fn of_cluster(event: &Event, folder: &str) -> String {
    match event {
        Event::Serves(address) => format!(
            "cluster at {address}, files in {folder}\n\
             submit a command from another shell: iris-check submit -- echo hello\n\
             Ctrl-C ends all of it"
        ),
        Event::Lost(worker, pid, how) => format!(
            "{worker}, process {pid}, has ended ({how}); so has all that it ran; a new one comes"
        ),
        Event::Ends => "ending all of it".to_owned(),
        Event::Torn(_)
        | Event::Waits(_)
        | Event::Works(..)
        | Event::Started(..)
        | Event::Trouble(_)
        | Event::ControllerLost(_) => of_node(event),
    }
}
