//! From a scope file to a scope. The keys are described in [`super`].

use serde::Deserialize;

use super::node::{Kind, Node};
use super::section::{BadScope, Entry, Section};
use crate::check::classes::Classes;

use super::{
    Beats, Clocks, JobPlan, KindSet, Launches, MAX_FAULTS, MAX_TASKS, MAX_WORKERS, Menu, Reports,
    Scope, WorkerSpec, kind_name,
};
use crate::controller_sm::GroupConfig;
use crate::model::budget::Tally;
use crate::model::id::WorkerId;
use crate::model::operation::FaultKind;
use crate::model::policy::Policy;
use crate::model::resources::{Attributes, Resources};
use crate::model::spec::{MAX_BUDGET, MAX_REPLICAS, Terms};
use crate::model::time::Millis;

/// Reads a scope, and looks at its `[deep]` as well: what is wrong there is better said now.
pub(super) fn parse(text: &str, origin: &str) -> Result<Scope, BadScope> {
    let whole = read(text).map_err(|bad| bad.from(origin))?;
    let (plain, deep) = split(whole);
    let scope = scope(plain.clone(), text).map_err(|bad| bad.from(origin))?;
    if let Some(deep) = deep {
        self::deep(plain, deep).map_err(|bad| bad.from(origin))?;
    }
    Ok(scope)
}

/// Reads the wider form of a scope.
pub(super) fn deepened(text: &str, origin: &str) -> Result<Scope, BadScope> {
    let whole = read(text).map_err(|bad| bad.from(origin))?;
    match split(whole) {
        (plain, None) => scope(plain, text).map_err(|bad| bad.from(origin)),
        (plain, Some(over)) => deep(plain, over).map_err(|bad| bad.from(origin)),
    }
}

fn read(text: &str) -> Result<Node, BadScope> {
    Node::from_toml(text).map_err(|error| BadScope::unread("TOML", &error))
}

fn split(mut whole: Node) -> (Node, Option<Node>) {
    let Kind::Table(rows) = &mut whole.kind else { return (whole, None) };
    let at = rows.iter().position(|row| row.key == "deep");
    let deep = at.map(|at| rows.remove(at).node);
    (whole, deep)
}

fn deep(mut plain: Node, over: Node) -> Result<Scope, BadScope> {
    let line = over.line;
    if !matches!(over.kind, Kind::Table(_)) {
        let says = format!("expected a table with the keys of a scope, found {}", over.found());
        return Err(BadScope::new(line, "deep", says));
    }
    plain.overlay(over);
    let text = toml::to_string(&plain.to_toml())
        .map_err(|error| BadScope::new(line, "deep", error.to_string()))?;
    scope(plain, &text)
}

fn scope(node: Node, text: &str) -> Result<Scope, BadScope> {
    let mut root = Entry::root(node).section()?;
    let name = name(&mut root)?;
    let about = root.take("about").map(|it| it.text().map(str::to_owned)).transpose()?;
    let (policy_name, policy) = policy(&mut root)?;
    let clocks = [("kept", Clocks::Kept), ("broken", Clocks::Broken)];
    let clocks = setting(&mut root, "clocks", &clocks)?;
    let beats = [("one_step", Beats::OneStep), ("three_steps", Beats::ThreeSteps)];
    let beats = setting(&mut root, "beats", &beats)?;
    let launches = [("two_steps", Launches::TwoSteps), ("one_step", Launches::OneStep)];
    let launches = setting(&mut root, "launches", &launches)?;
    let reports = [("last", Reports::Last), ("all", Reports::All)];
    let reports = setting(&mut root, "reports", &reports)?;
    let (claims, violated) = claims(&mut root, clocks)?;
    let workers = workers(root.take("workers"))?;
    let jobs = jobs(&mut root)?;
    let groups = groups(root.take("groups"), workers.len())?;
    let faults = faults(root.take("faults"))?;
    root.known("deep");
    if workers.is_empty() && groups.is_empty() {
        let says = "0 workers: nothing could ever run; add [[workers]] (or [[groups]] whose slices \
                    bring workers)";
        return Err(root.bad("", says));
    }
    root.finish()?;
    let scope = Scope {
        name,
        about: about.unwrap_or_default(),
        policy_name,
        policy,
        clocks,
        beats,
        launches,
        reports,
        workers,
        jobs,
        groups,
        faults,
        claims,
        violated,
        text: text.to_owned(),
    };
    match Classes::of(&scope).count() {
        0..=64 => Ok(scope),
        classes => Err(BadScope::new(
            0,
            "",
            format!(
                "too large: {classes} things must not be put off for ever, and 64 are told apart; \
                 take fewer tasks, workers or machines"
            ),
        )),
    }
}

/// One of a few words; the first where the key is absent.
fn setting<T: Copy>(
    root: &mut Section,
    key: &'static str,
    words: &[(&'static str, T)],
) -> Result<T, BadScope> {
    root.take(key).map_or(Ok(words[0].1), |it| it.one_of("setting", words))
}

fn name(root: &mut Section) -> Result<String, BadScope> {
    let Some(entry) = root.take("name") else {
        return Err(root.bad("name", "it is missing; findings are saved under it: name = \"mine\""));
    };
    let name = entry.text()?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.chars().all(plain) {
        return Err(entry.bad(format!(
            "expected lower-case letters, digits, `.`, `_` and `-`, because files are named after \
             it; found {name:?}"
        )));
    }
    Ok(name.to_owned())
}

fn policy(root: &mut Section) -> Result<(String, Policy), BadScope> {
    let preset = root.take("policy");
    let name = preset.as_ref().map_or(Ok("hardened"), Entry::text)?.to_owned();
    let base = preset.map_or(Ok(Policy::HARDENED), |it| it.one_of("policy", &Policy::PRESETS))?;
    let Some(with) = root.take("policy_with") else { return Ok((name, base)) };
    let invariant = "invariant: a policy is a table of numbers and words";
    let mut fields = toml::Table::try_from(base).expect(invariant);
    let at = (with.line, with.path.clone());
    for (key, entry) in with.section()?.take_rest() {
        let old = fields.get(&key);
        if old.is_none() {
            let names: Vec<&str> = fields.keys().map(String::as_str).collect();
            return Err(entry.unknown("field of a policy", &key, &names));
        }
        if old.is_some_and(toml::Value::is_integer) {
            entry.number::<u32>(0, i64::from(u32::MAX))?;
        }
        fields.insert(key, entry.node.to_toml());
        let tried = Policy::deserialize(fields.clone());
        tried.map_err(|error| entry.bad(error.message().trim()))?;
    }
    let policy = Policy::deserialize(fields).expect(invariant);
    policy.validate().map_err(|bad| BadScope::new(at.0, &at.1, bad.to_string()))?;
    Ok((name, policy))
}

fn claims(root: &mut Section, clocks: Clocks) -> Result<(Vec<String>, Vec<String>), BadScope> {
    let kept = clocks == Clocks::Kept;
    let all = crate::invariants::DESCRIBED.map(|claim| claim.id);
    let judged: Vec<&str> = all.into_iter().filter(|id| kept || *id != "S8").collect();
    let ids = |entry: Entry, known: &[&str]| -> Result<Vec<String>, BadScope> {
        let mut found: Vec<String> = Vec::new();
        for item in entry.list()? {
            let id = item.text()?.to_owned();
            if id == "S8" && !kept {
                return Err(item.bad("S8 is only claimed where clocks = \"kept\"; leave it out"));
            }
            if !all.contains(&id.as_str()) {
                return Err(item.unknown("claim", &id, &all));
            }
            if !known.contains(&id.as_str()) {
                return Err(item.bad(format!("{id} is not judged here; add it to `claims`")));
            }
            if found.contains(&id) {
                return Err(item.bad(format!("{id} is named twice; name it once")));
            }
            found.push(id);
        }
        Ok(found)
    };
    let claims = match root.take("claims") {
        Some(entry) => {
            let nothing = entry.bad(
                "no claim is named: nothing would be judged; name one, or \
                                     leave the key out to judge all",
            );
            let claims = ids(entry, &judged)?;
            if claims.is_empty() {
                return Err(nothing);
            }
            claims
        }
        None => judged.iter().map(ToString::to_string).collect(),
    };
    let known: Vec<&str> = claims.iter().map(String::as_str).collect();
    let violated = root.take("violated").map_or(Ok(Vec::new()), |entry| ids(entry, &known))?;
    Ok((claims, violated))
}

fn resources(section: &mut Section, cpus: u32) -> Result<Resources, BadScope> {
    let whole = section.take("cpus");
    let milli = section.take("cpu_milli");
    let memory = section.take("memory_bytes");
    if let (Some(_), Some(milli)) = (&whole, &milli) {
        return Err(milli.bad("`cpus` is given as well, and both say the same; leave one out"));
    }
    let cpu_milli = match (whole, milli) {
        (Some(cpus), _) => cpus.number::<u32>(0, 1_000_000)? * 1000,
        (None, Some(milli)) => milli.number(0, 1_000_000_000)?,
        (None, None) => cpus * 1000,
    };
    let memory_bytes = memory.map_or(Ok(0), |it| it.number(0, i64::MAX))?;
    Ok(Resources { cpu_milli, memory_bytes })
}

fn attributes(section: &mut Section) -> Result<Attributes, BadScope> {
    let Some(entry) = section.take("attributes") else { return Ok(Attributes::default()) };
    let mut pairs = Vec::new();
    for (key, value) in entry.section()?.take_rest() {
        pairs.push((key, value.text()?.to_owned()));
    }
    Ok(Attributes::new(pairs))
}

fn workers(entry: Option<Entry>) -> Result<Vec<WorkerSpec>, BadScope> {
    let mut workers = Vec::new();
    let Some(entry) = entry else { return Ok(workers) };
    for entry in entry.list()? {
        let line = entry.line;
        let mut section = entry.section()?;
        let n: u32 = section.take("count").map_or(Ok(1), |it| it.number(1, 1_000_000))?;
        let total = resources(&mut section, 1)?;
        let attributes = attributes(&mut section)?;
        let registered = section.take("registered").map_or(Ok(true), |it| it.flag())?;
        let path = section.path.clone();
        section.finish()?;
        let all = workers.len() + n as usize;
        if all > MAX_WORKERS {
            return Err(BadScope::new(line, &path, too_many(all, "workers", MAX_WORKERS)));
        }
        for _ in 0..n {
            let id = WorkerId(u32::try_from(workers.len()).unwrap_or(0) + 1);
            workers.push(WorkerSpec { id, total, attributes: attributes.clone(), registered });
        }
    }
    Ok(workers)
}

fn too_many(found: usize, what: &str, most: usize) -> String {
    format!(
        "{found} {what} in all, and at most {most} can be explored completely: every one \
         multiplies the states; take the fewest that can still show what you ask, mostly one or two"
    )
}

fn jobs(root: &mut Section) -> Result<Vec<JobPlan>, BadScope> {
    let Some(entry) = root.take("jobs") else {
        return Err(root.bad("jobs", "0 jobs: nothing would happen; add [[jobs]]"));
    };
    let nothing = entry.bad("0 jobs: nothing would happen; add [[jobs]]");
    let (mut jobs, mut tasks) = (Vec::new(), 0);
    for entry in entry.list()? {
        let line = entry.line;
        let mut section = entry.section()?;
        let terms = terms(&mut section)?;
        let at_start = section.take("submit").map_or(Ok(true), |it| {
            it.one_of("time to submit", &[("at_start", true), ("any_time", false)])
        })?;
        terms
            .validate()
            .map_err(|bad| section.bad(bad.field, format!("it must be {}", bad.expected)))?;
        let path = section.path.clone();
        section.finish()?;
        tasks += usize::from(terms.replicas);
        if tasks > MAX_TASKS {
            return Err(BadScope::new(line, &path, too_many(tasks, "tasks", MAX_TASKS)));
        }
        jobs.push(JobPlan { terms, at_start });
    }
    if jobs.is_empty() { Err(nothing) } else { Ok(jobs) }
}

fn terms(section: &mut Section) -> Result<Terms, BadScope> {
    let default = Terms::default();
    let mut number = |key, least: u16, most: u16, default: u16| -> Result<u16, BadScope> {
        let entry = section.take(key);
        entry.map_or(Ok(default), |it| it.number(i64::from(least), i64::from(most)))
    };
    let budgets = default.budgets;
    let replicas = number("replicas", 1, MAX_REPLICAS, default.replicas)?;
    let budgets = Tally {
        failure: number("max_retries_failure", 0, MAX_BUDGET, budgets.failure)?,
        preemption: number("max_retries_preemption", 0, MAX_BUDGET, budgets.preemption)?,
        delivery: number("max_dispatch_failures", 0, MAX_BUDGET, budgets.delivery)?,
    };
    let max_task_failures = number("max_task_failures", 0, MAX_BUDGET, default.max_task_failures)?;
    let resources = resources(section, 1)?;
    let mut millis = |key| -> Result<Option<Millis>, BadScope> {
        let number = section.take(key).map(|it| it.number(1, i64::from(u32::MAX)));
        Ok(number.transpose()?.map(Millis))
    };
    let timeout = millis("timeout_ms")?;
    let scheduling_timeout = millis("scheduling_timeout_ms")?;
    let group_by = section.take("group_by").map(|it| it.text().map(Into::into)).transpose()?;
    Ok(Terms {
        replicas,
        resources,
        budgets,
        max_task_failures,
        scheduling_timeout,
        timeout,
        group_by,
    })
}

fn groups(entry: Option<Entry>, workers: usize) -> Result<Vec<GroupConfig>, BadScope> {
    let mut groups = Vec::new();
    let Some(entry) = entry else { return Ok(groups) };
    let mut machines = workers;
    for entry in entry.list()? {
        let line = entry.line;
        let mut section = entry.section()?;
        let max_slices = section.take("max_slices").map_or(Ok(1), |it| it.number(1, 10_000))?;
        let min = section.take("min_slices");
        let min_slices = min.map_or(Ok(0), |it| it.number(0, i64::from(max_slices)))?;
        let vms_per_slice = section.take("vms_per_slice").map_or(Ok(1), |it| it.number(1, 255))?;
        let capacity = resources(&mut section, 1)?;
        let attributes = attributes(&mut section)?;
        let path = section.path.clone();
        section.finish()?;
        machines += usize::from(max_slices) * usize::from(vms_per_slice);
        if machines > MAX_WORKERS {
            let says = too_many(machines, "workers and machines of groups", MAX_WORKERS);
            return Err(BadScope::new(line, &path, says));
        }
        groups.push(GroupConfig { min_slices, max_slices, vms_per_slice, capacity, attributes });
    }
    Ok(groups)
}

fn faults(entry: Option<Entry>) -> Result<Menu, BadScope> {
    let mut menu = Menu::default();
    let Some(entry) = entry else { return Ok(menu) };
    let mut section = entry.section()?;
    let most = i64::from(MAX_FAULTS);
    let (any, listed) = (section.take("any"), section.take("kinds"));
    menu.any = any.as_ref().map_or(Ok(0), |it| it.number(0, most))?;
    menu.kinds = listed.map_or(Ok(KindSet::NONE), kinds)?;
    if menu.any > 0 && menu.kinds.is_empty() {
        let says = "no kinds are named that could happen; add kinds = [\"run_lost\", ..]";
        return Err(section.bad("kinds", says));
    }
    if any.is_none() && !menu.kinds.is_empty() {
        let says = "kinds are named, but not how many of them may happen; add any = 1";
        return Err(section.bad("any", says));
    }
    menu.endless = section.take("endless").map_or(Ok(KindSet::NONE), kinds)?;
    if let Some(each) = section.take("each") {
        for (name, entry) in each.section()?.take_rest() {
            menu.each[kind(&entry, &name)? as usize] = entry.number(0, most)?;
        }
    }
    section.finish()?;
    Ok(menu)
}

fn kinds(entry: Entry) -> Result<KindSet, BadScope> {
    let items = entry.list()?;
    items.iter().try_fold(KindSet::NONE, |set, item| Ok(set.with(kind(item, item.text()?)?)))
}

fn kind(at: &Entry, name: &str) -> Result<FaultKind, BadScope> {
    let names = FaultKind::ALL.map(kind_name);
    let found = FaultKind::ALL.into_iter().zip(&names).find(|(_, known)| *known == name);
    found.map(|(kind, _)| kind).ok_or_else(|| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        at.unknown("kind of fault", name, &names)
    })
}
