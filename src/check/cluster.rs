//! An operator's cluster file (YAML) as a scope: each scale group in the smallest size that still
//! does all that the large one can do to a job, and a note for everything that was made smaller.
//!
//! What matters to lifecycles is read: of `scale_groups`, for each name, `min_slices`,
//! `max_slices`, `zones`, `preemptible`, `accelerator_type` and `resources`; and of `timeouts`,
//! `boot_timeout_seconds` and `init_timeout_seconds`. Every other key is named in one note.

use std::fmt::Write;

use super::scope::node::{Kind, Node};
use super::scope::section::{Entry, Section};
use super::scope::{BadScope, MAX_WORKERS, Scope};

/// What was made of a cluster file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterReading {
    /// The cluster, small enough to be explored.
    pub scope: Scope,
    /// What was left out or made smaller, a sentence each.
    pub notes: Vec<String>,
}

/// A scale group, already small.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    name: String,
    min: u8,
    max: u8,
    vms: u8,
    preemptible: bool,
}

impl Group {
    fn is_like(&self, other: &Self) -> bool {
        let shape = |it: &Self| (it.min, it.max, it.vms, it.preemptible);
        shape(self) == shape(other)
    }
}

/// The most seconds that a timeout may have: it is counted in milliseconds.
const MOST_SECONDS: i64 = 4_294_967;

/// Reads a cluster file; `origin` is the file, for messages.
///
/// # Errors
/// The first thing that is wrong with it: where, what was expected, what to do.
pub fn read_cluster(text: &str, origin: &str) -> Result<ClusterReading, BadScope> {
    let mut notes = Vec::new();
    let text = translate(text, origin, &mut notes).map_err(|bad| bad.from(origin))?;
    let scope = Scope::parse(&text, origin)?;
    Ok(ClusterReading { scope, notes })
}

/// The text of the scope.
fn translate(text: &str, origin: &str, notes: &mut Vec<String>) -> Result<String, BadScope> {
    let empty = "it is empty; expected the cluster's `scale_groups:`, each with its max_slices";
    if text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#')) {
        return Err(BadScope::new(1, "", empty));
    }
    let whole = Node::from_yaml(text).map_err(|error| BadScope::unread("YAML", &error))?;
    if !matches!(whole.kind, Kind::Table(_)) {
        let says = format!(
            "this is no cluster file in YAML: expected `scale_groups:` and below it the groups, \
             found {}",
            whole.found()
        );
        return Err(BadScope::new(whole.line, "", says));
    }
    let mut root = Entry::root(whole).section()?;
    let mut ignored = Vec::new();
    let groups = match root.take("scale_groups") {
        Some(entry) => groups(entry, notes, &mut ignored)?,
        None => return Err(root.bad("scale_groups", "it is missing; name the cluster's groups")),
    };
    let policy = match root.take("timeouts") {
        Some(entry) => timeouts(entry, &mut ignored)?,
        None => String::new(),
    };
    ignored.extend(root.take_rest().into_iter().map(|(_, entry)| entry.path));
    if !ignored.is_empty() {
        ignored.dedup();
        let keys = ignored.join(", ");
        notes.push(format!("ignored, because they do not matter to lifecycles: {keys}"));
    }
    Ok(write_scope(&groups, &policy, origin))
}

fn groups(
    entry: Entry,
    notes: &mut Vec<String>,
    ignored: &mut Vec<String>,
) -> Result<Vec<Group>, BadScope> {
    let nothing = entry.bad(
        "no group may have a slice: nothing could ever run; give one of them max_slices of 1 or \
         more",
    );
    let mut groups = Vec::new();
    for (name, entry) in entry.section()?.take_rest() {
        let mut section = entry.section()?;
        let group = group(&mut section, &name, notes)?;
        ignored.extend(section.take_rest().into_iter().map(|(_, entry)| entry.path));
        groups.extend(group);
    }
    groups.sort_by(|a, b| a.name.cmp(&b.name));
    if groups.is_empty() {
        return Err(nothing);
    }
    let before: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    shrink(&mut groups, notes);
    if groups.len() > 1 || before.len() > 1 {
        let named = groups.iter().enumerate().map(|(at, it)| format!("g{} is {}", at + 1, it.name));
        notes.push(named.collect::<Vec<_>>().join(", "));
    }
    if groups.iter().any(|it| it.preemptible) && !groups.iter().all(|it| it.preemptible) {
        notes.push(
            "only some groups are preemptible; the menu of faults does not tell them apart and \
             offers slice_preempted for all"
                .to_owned(),
        );
    }
    Ok(groups)
}

/// One group, as small as it may be by itself; nothing if it is switched off.
fn group(
    section: &mut Section,
    name: &str,
    notes: &mut Vec<String>,
) -> Result<Option<Group>, BadScope> {
    let Some(max) = section.take("max_slices") else {
        let says = "it is missing; say how many slices there may be at once";
        return Err(section.bad("max_slices", says));
    };
    let most: i64 = max.number(0, 1_000_000)?;
    let min = section.take("min_slices");
    let least: i64 = min.map_or(Ok(0), |it| it.number(0, most))?;
    let zones = section.take("zones").map_or(Ok(Vec::new()), Entry::list)?;
    for zone in &zones {
        zone.text()?;
    }
    let preemptible = section.take("preemptible").map_or(Ok(false), |it| it.flag())?;
    let accelerator = section.take("accelerator_type");
    let accelerator = accelerator.map(|it| it.text().map(str::to_owned)).transpose()?;
    let resources = section.take("resources").map(Entry::section).transpose()?;
    if most == 0 {
        notes.push(format!("{name}: left out, because its max_slices is 0"));
        return Ok(None);
    }
    let mut made = Vec::new();
    if least > 1 {
        made.push(format!("min_slices {least} → 1"));
    }
    if most > 2 {
        made.push(format!("max_slices {most} → 2"));
    }
    if zones.len() > 1 {
        made.push(format!("{} zones → 1", zones.len()));
    }
    let machines = accelerator.as_deref().map_or(1, machines);
    if let Some(accelerator) = accelerator.filter(|_| machines > 2) {
        made.push(format!("{machines} machines in a slice of {accelerator} → 2"));
    }
    if resources.is_some() {
        made.push("resources → room for one task on each machine".to_owned());
    }
    if !made.is_empty() {
        notes.push(format!("{name}: {}", made.join(", ")));
    }
    let small = |n: i64, most: u8| u8::try_from(n).unwrap_or(most).min(most);
    let vms = u8::try_from(machines).unwrap_or(2).min(2);
    Ok(Some(Group {
        name: name.to_owned(),
        min: small(least, 1),
        max: small(most, 2),
        vms,
        preemptible,
    }))
}

/// How many machines a slice of this accelerator has. TPU types (`v4-16`, `v5litepod-16`, `v6e-8`)
/// end with a size: up to 8 is one machine. Above that, `v2` to `v4` and `v5p` count two cores for
/// each of a machine's four chips, the others count chips, four on each machine.
fn machines(accelerator: &str) -> u32 {
    let Some((family, size)) = accelerator.rsplit_once('-') else { return 1 };
    let tpu = family.strip_prefix('v').is_some_and(|it| it.starts_with(|c: char| c.is_numeric()));
    match size.parse::<u32>() {
        Ok(size) if tpu && size > 8 => {
            let cores = ["v2", "v3", "v4", "v5p"].contains(&family);
            size.div_ceil(if cores { 8 } else { 4 })
        }
        Ok(_) | Err(_) => 1,
    }
}

/// Makes the groups together small enough: alike ones go first, then second slices, then groups.
fn shrink(groups: &mut Vec<Group>, notes: &mut Vec<String>) {
    merge(groups, 2, notes);
    let machines = |groups: &[Group]| -> usize {
        groups.iter().map(|it| usize::from(it.max) * usize::from(it.vms)).sum()
    };
    while machines(groups) > MAX_WORKERS
        && let Some(group) = groups.iter_mut().rfind(|it| it.max > 1)
    {
        group.max = 1;
        notes.push(format!("{}: max_slices → 1, to make room for other groups", group.name));
    }
    if machines(groups) > MAX_WORKERS {
        merge(groups, 1, notes);
    }
    while machines(groups) > MAX_WORKERS
        && let Some(group) = groups.pop()
    {
        let says = "left out, because all groups together are too much for one scope; put it in a \
                    file of its own and check that as well";
        notes.push(format!("{}: {says}", group.name));
    }
}

/// Leaves at most `most` of groups that are alike.
fn merge(groups: &mut Vec<Group>, most: usize, notes: &mut Vec<String>) {
    let mut kept: Vec<Group> = Vec::new();
    for group in groups.drain(..) {
        let like: Vec<&str> =
            kept.iter().filter(|it| it.is_like(&group)).map(|it| it.name.as_str()).collect();
        if like.len() < most {
            kept.push(group);
        } else {
            notes.push(format!("{}: left out, because it is like {}", group.name, like.join(", ")));
        }
    }
    *groups = kept;
}

/// The lines of the policy that a cluster file sets.
fn timeouts(entry: Entry, ignored: &mut Vec<String>) -> Result<String, BadScope> {
    let mut lines = String::new();
    let mut section = entry.section()?;
    let keys = [("boot_timeout_seconds", "boot_timeout"), ("init_timeout_seconds", "init_timeout")];
    for (key, field) in keys {
        if let Some(entry) = section.take(key) {
            let seconds: i64 = entry.number(1, MOST_SECONDS)?;
            push(&mut lines, &format!("{field} = {}", seconds * 1000));
        }
    }
    ignored.extend(section.take_rest().into_iter().map(|(_, entry)| entry.path));
    Ok(lines)
}

fn write_scope(groups: &[Group], policy: &str, origin: &str) -> String {
    let mut text = String::new();
    let about = toml::Value::String(format!("the cluster of {origin}, made small"));
    push(&mut text, &format!("name = \"cluster\"\nabout = {about}\nlaunches = \"one_step\""));
    // What multiplies the states without being a question about machines.
    push(&mut text, "\n[policy_with]\nquarantine_after = 0\ndelivery_tries = 1");
    push(&mut text, policy.trim_end());
    for Group { min, max, vms, .. } in groups {
        push(&mut text, &format!("\n[[groups]]\nmin_slices = {min}\nmax_slices = {max}"));
        push(&mut text, &format!("vms_per_slice = {vms}"));
    }
    let budgets = "max_retries_failure = 0\nmax_retries_preemption = 1\nmax_dispatch_failures = 1";
    if groups.iter().any(|it| it.vms == 1) {
        push(&mut text, &format!("\n[[jobs]]\n{budgets}"));
    }
    if let Some(group) = groups.iter().find(|it| it.vms > 1) {
        let gang = format!("replicas = {}\ngroup_by = \"slice\"", group.vms);
        push(&mut text, &format!("\n[[jobs]]\n{gang}\n{budgets}"));
    }
    let preempted =
        if groups.iter().any(|it| it.preemptible) { ", \"slice_preempted\"" } else { "" };
    push(&mut text, "\n[faults]\nany = 1\nkinds = [");
    push(&mut text, "    \"run_lost\", \"report_lost\", \"worker_crash\",");
    let fleet = "\"slice_refused\", \"quota_exceeded\", \"vm_stuck\"";
    push(&mut text, &format!("    {fleet}{preempted},\n]"));
    push(&mut text, "\n[deep.faults]\nany = 2");
    text
}

fn push(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("invariant: a string takes all that is written to it");
}
