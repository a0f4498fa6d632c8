//! What it costs to keep the fingerprints of visited states in an embedded store: levels of
//! fingerprints, half of them known, are looked up in sorted order, and what is new is put in.
//! Beside it the same with one sorted file, read and written anew for each level.

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::time::Instant;

use fjall::{Database, KeyspaceCreateOptions};
use redb::{Database as Redb, ReadableTable, TableDefinition};

const LEVELS: u64 = 25;
const TABLE: TableDefinition<u64, ()> = TableDefinition::new("visited");

/// A number that looks like a fingerprint.
fn print(number: u64) -> u64 {
    let mixed = (number ^ number >> 31).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

/// The fingerprints of a level in ascending order: new ones, and as many of levels before.
fn level(number: u64, size: u64) -> Vec<u64> {
    let new = number * size..(number + 1) * size;
    let old = (0..size).filter(|_| number > 0).map(|at| print(at ^ number) % (number * size));
    let mut prints: Vec<u64> = new.chain(old).map(print).collect();
    prints.sort_unstable();
    prints.dedup();
    prints
}

fn in_fjall(dir: &Path, size: u64) -> u64 {
    let database = Database::builder(dir).cache_size(32 << 20).open().expect("it opens");
    let visited = database.keyspace("visited", KeyspaceCreateOptions::default);
    let visited = visited.expect("it opens");
    let mut new = 0;
    for number in 0..LEVELS {
        for print in level(number, size) {
            let key = print.to_be_bytes();
            if !visited.contains_key(key).expect("it reads") {
                visited.insert(key, []).expect("it writes");
                new += 1;
            }
        }
        database.persist(fjall::PersistMode::SyncAll).expect("it syncs");
    }
    new
}

fn in_redb(dir: &Path, size: u64) -> u64 {
    fs::create_dir_all(dir).expect("there is room");
    let database = Redb::builder().set_cache_size(32 << 20).create(dir.join("redb"));
    let database = database.expect("it opens");
    let mut new = 0;
    for number in 0..LEVELS {
        let transaction = database.begin_write().expect("it begins");
        {
            let mut table = transaction.open_table(TABLE).expect("it opens");
            for print in level(number, size) {
                if table.get(print).expect("it reads").is_none() {
                    table.insert(print, ()).expect("it writes");
                    new += 1;
                }
            }
        }
        transaction.commit().expect("it commits");
    }
    new
}

/// The worst that sorted runs come to: a single one, which every level reads and writes.
fn in_a_run(dir: &Path, size: u64) -> u64 {
    fs::create_dir_all(dir).expect("there is room");
    let (old, next) = (dir.join("run"), dir.join("next"));
    File::create(&old).expect("there is room");
    let mut new = 0;
    for number in 0..LEVELS {
        let mut run = BufReader::new(File::open(&old).expect("it opens"));
        let mut out = BufWriter::new(File::create(&next).expect("it opens"));
        let mut read = || {
            let mut bytes = [0; 8];
            run.read_exact(&mut bytes).ok().map(|()| u64::from_le_bytes(bytes))
        };
        let mut head = read();
        let mut write = |print: u64| out.write_all(&print.to_le_bytes()).expect("it writes");
        for print in level(number, size) {
            while let Some(before) = head.filter(|head| *head < print) {
                write(before);
                head = read();
            }
            if head != Some(print) {
                write(print);
                new += 1;
            }
        }
        while let Some(before) = head {
            write(before);
            head = read();
        }
        out.into_inner().expect("it writes").sync_all().expect("it syncs");
        fs::rename(&next, &old).expect("it renames");
    }
    new
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).unwrap_or(200_000);
    let dir = std::env::temp_dir().join(format!("visited-{}", std::process::id()));
    let stores: [(&str, fn(&Path, u64) -> u64); 3] =
        [("a sorted run", in_a_run), ("redb", in_redb), ("fjall", in_fjall)];
    println!("{LEVELS} levels of {size} new fingerprints and as many known ones");
    for (name, run) in stores {
        let dir = dir.join(name);
        fs::create_dir_all(&dir).expect("there is room");
        let begun = Instant::now();
        let new = run(&dir, size);
        let took = begun.elapsed();
        let bytes: u64 = walk(&dir);
        println!("{name:14} {new} new in {took:.2?}, {} bytes each on disk", bytes / new.max(1));
    }
    fs::remove_dir_all(&dir).expect("it was made here");
}

/// The bytes of all files below a folder.
fn walk(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).expect("it is there").map(|entry| entry.expect("it is there"));
    let bytes = |entry: fs::DirEntry| match entry.metadata().expect("it is there") {
        it if it.is_dir() => walk(&entry.path()),
        it => it.len(),
    };
    entries.map(bytes).sum()
}
