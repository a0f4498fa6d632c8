//! The visited states of a search in an embedded store, beside our search on disk: the same model,
//! as much memory for what is cached, one thread, and as durable after each level.
//!
//! `cargo run --release --bin visited [MIB]` in this folder. The stores are spared what ours does:
//! they keep neither parents' actions nor steps, judge no claims, and have the states of two levels
//! in memory, sorted, without limit. So what they take is the least that a search on them could.

#[path = "../../../../tests/common/job.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod job;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use iris_check::explore::{Coded, Disk, Limits, Plain, search_on_disk};
use job::Job;
use redb::{ReadableDatabase, TableDefinition};
use stateright::Model;

type Said<T> = Result<T, Box<dyn Error>>;

/// A state, in an order that a store keeps.
type Key = [u8; 16];

/// A search in a folder with so many bytes of cache: how many states it found.
type Way = fn(&Job, &Path, u64) -> Said<u64>;

const WAYS: [(&str, Way); 3] = [("ours", ours), ("redb", redb), ("fjall", fjall)];

const TABLE: TableDefinition<Key, u64> = TableDefinition::new("visited");

fn main() -> Said<()> {
    let mebibytes = std::env::args().nth(1).map_or(Ok(64), |word| word.parse::<u64>())?;
    let job = Job::new(2, 2, 2);
    for (name, search) in WAYS {
        let folder = std::env::temp_dir().join(format!("visited-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let begin = Instant::now();
        let states = search(&job, &folder, mebibytes << 20)?;
        let took = begin.elapsed();
        let bytes = size(&folder)?;
        fs::remove_dir_all(&folder)?;
        say(name, states, took, bytes);
    }
    Ok(())
}

fn say(name: &str, states: u64, took: Duration, bytes: u64) {
    let rate = states as f64 / took.as_secs_f64() / 1e3;
    let each = bytes as f64 / states as f64;
    println!("{name:6} {states} states {took:>8.2?} {rate:>5.0} thousand/s {each:>5.1} bytes each");
}

/// What the files of a folder take.
fn size(folder: &Path) -> Said<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        sum += if about.is_dir() { size(&entry.path())? } else { about.len() };
    }
    Ok(sum)
}

fn ours(job: &Job, folder: &Path, cache: u64) -> Said<u64> {
    let limits = Limits {
        max_states: None,
        max_depth: None,
        max_memory: None,
        threads: 1,
        stop: &|| None,
        progress: &|_| (),
    };
    let disk = Disk { dir: folder, memory: cache, identity: "job dispatch", resume: false };
    let report = search_on_disk(&Plain::new(*job), &limits, &disk)?;
    assert!(report.stopped.is_none(), "nothing limits it");
    Ok(report.states)
}

/// Breadth first by levels: `add` puts those of the sorted candidates that are new into the store,
/// durably, and leaves only them.
fn by_levels(job: &Job, mut add: impl FnMut(&mut Vec<Key>) -> Said<()>) -> Said<u64> {
    let key = |state| {
        let [net, rest] = job.encode(&state);
        let mut key = Key::default();
        key[..8].copy_from_slice(&net.to_be_bytes());
        key[8..].copy_from_slice(&rest.to_be_bytes());
        key
    };
    let word = |half: &[u8]| u64::from_be_bytes(half.try_into().expect("eight bytes"));
    let mut level: Vec<Key> = job.init_states().into_iter().map(key).collect();
    let (mut states, mut actions) = (0, Vec::new());
    while !level.is_empty() {
        level.sort_unstable();
        level.dedup();
        add(&mut level)?;
        states += level.len() as u64;
        let mut next = Vec::new();
        for known in &level {
            let state = job.decode(&[word(&known[..8]), word(&known[8..])]);
            job.actions(&state, &mut actions);
            next.extend(actions.drain(..).filter_map(|act| job.next_state(&state, act)).map(key));
        }
        level = next;
    }
    Ok(states)
}

/// Leaves only those that are not known.
fn leave_new(level: &mut Vec<Key>, is_known: impl Fn(&Key) -> Said<bool>) -> Said<()> {
    let mut fresh = Vec::new();
    for key in level.drain(..) {
        if !is_known(&key)? {
            fresh.push(key);
        }
    }
    *level = fresh;
    Ok(())
}

fn redb(job: &Job, folder: &Path, cache: u64) -> Said<u64> {
    let mut builder = redb::Database::builder();
    builder.set_cache_size(usize::try_from(cache)?);
    let base = builder.create(folder.join("visited.redb"))?;
    let first = base.begin_write()?;
    first.open_table(TABLE)?;
    first.commit()?;
    let mut found = 0;
    by_levels(job, |level| {
        let transaction = base.begin_read()?;
        let table = transaction.open_table(TABLE)?;
        leave_new(level, |key| Ok(table.get(key)?.is_some()))?;
        drop(table);
        let transaction = base.begin_write()?; // durable at its commit
        let mut table = transaction.open_table(TABLE)?;
        for key in level.iter() {
            table.insert(*key, found)?;
            found += 1;
        }
        drop(table);
        Ok(transaction.commit()?)
    })
}

fn fjall(job: &Job, folder: &Path, cache: u64) -> Said<u64> {
    let base = fjall::Database::builder(folder).cache_size(cache).open()?;
    let visited = base.keyspace("visited", fjall::KeyspaceCreateOptions::default)?;
    let mut found = 0_u64;
    by_levels(job, |level| {
        leave_new(level, |key| Ok(visited.contains_key(key)?))?;
        for key in level.iter() {
            visited.insert(*key, found.to_le_bytes())?;
            found += 1;
        }
        Ok(base.persist(fjall::PersistMode::SyncAll)?)
    })
}
