//! What embedded stores make of damage: `cargo run --release` in this folder.
//!
//! Every record is one transaction, durable when it returns. Then the process ends without closing
//! the store. On copies of its files one byte is changed, or one file is cut off; another process
//! opens the copy and reads everything. Only what is not zero is changed.

mod stores;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use stores::{STORES, Said};

const RECORDS: u64 = 400;
const FLIPS: usize = 400;
const CUTS: usize = 60;
const PATIENCE: Duration = Duration::from_secs(10);
const KINDS: [&str; 6] = ["all there", "error", "records lost", "records wrong", "panic", "hang"];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["write", name, path] => write(name, Path::new(path)),
        ["read", name, path] => read(name, Path::new(path)),
        _ => compare(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error {error}");
            ExitCode::FAILURE
        }
    }
}

fn record(number: u64) -> Vec<u8> {
    let text = format!("record {number} of a controller, as long as inputs are; ");
    text.into_bytes().repeat(6)
}

fn store(name: &str) -> &'static stores::Store {
    STORES.iter().find(|store| store.name == name).expect("the parent names one of the table")
}

fn write(name: &str, path: &Path) -> Said<()> {
    let open = if name == "plain" { stores::plain } else { store(name).open };
    let mut append = open(path)?;
    let begin = Instant::now();
    for number in 0..RECORDS {
        append(number, &record(number))?;
    }
    println!("rate {:.0}", RECORDS as f64 / begin.elapsed().as_secs_f64());
    std::process::exit(0) // without closing anything
}

fn read(name: &str, path: &Path) -> Said<()> {
    let found = (store(name).read)(path)?;
    let right = found.iter().all(|(number, bytes)| *bytes == record(*number));
    let prefix = found.iter().map(|(number, _)| *number).eq(0..found.len() as u64);
    println!(
        "{}",
        match (right && prefix, found.len() as u64 == RECORDS) {
            (true, true) => "all there",
            (true, false) => "records lost",
            (false, _) => "records wrong",
        }
    );
    Ok(())
}

/// What another process answers; nothing if it takes too long.
fn ask(words: [&str; 3]) -> Said<Option<String>> {
    let mut command = Command::new(std::env::current_exe()?);
    let child = command.args(words).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.spawn()?;
    let mut pipe = child.stdout.take().expect("it is piped");
    let (send, answers) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _ = pipe.read_to_string(&mut text);
        let _ = send.send(text);
    });
    let answer = answers.recv_timeout(PATIENCE).ok();
    if answer.is_none() {
        child.kill()?;
    }
    child.wait()?;
    Ok(answer)
}

/// The n-th number of a sequence that looks random and never changes.
fn number(n: usize) -> usize {
    let mixed = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20) as usize
}

fn compare() -> Said<()> {
    let scratch = Path::new("target/scratch");
    if scratch.exists() {
        fs::remove_dir_all(scratch)?;
    }
    let plain = scratch.join("plain");
    let rate = ask(["write", "plain", &plain.to_string_lossy()])?;
    println!("{:<16} {}", "a plain file", rate.unwrap_or_default().trim());
    for store in &STORES {
        let origin = scratch.join(store.name);
        fs::create_dir_all(&origin)?;
        let rate = ask(["write", store.name, &origin.to_string_lossy()])?;
        println!("{:<16} {}", store.name, rate.unwrap_or_default().trim());
        let files = files(&origin)?;
        let sizes: u64 = files.iter().map(|(_, _, length)| length).sum();
        println!("  {} files, {sizes} bytes", files.len());
        let whole = classify(store.name, scratch, &files)?;
        println!("  untouched: {whole}");
        let changed = (0..FLIPS).map(|n| flipped(&files, n));
        tally("one bit changed", store.name, scratch, changed)?;
        let cut = (0..CUTS).map(|n| cut(&files, n));
        tally("one file cut off", store.name, scratch, cut)?;
    }
    Ok(())
}

/// Each file's name, its bytes up to the last one that is not zero, and its length.
type Files = Vec<(PathBuf, Vec<u8>, u64)>;

fn files(folder: &Path) -> Said<Files> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let mut bytes = fs::read(&path)?;
                let length = bytes.len() as u64;
                bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1));
                found.push((path.strip_prefix(folder)?.to_owned(), bytes, length));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A copy with one bit changed in a byte that is not zero.
fn flipped(files: &Files, n: usize) -> Files {
    let mut files = files.clone();
    let used: usize = files.iter().map(|(_, bytes, _)| count(bytes)).sum();
    let mut place = number(n) % used;
    for (_, bytes, _) in &mut files {
        let here = count(bytes);
        if place < here {
            let byte = bytes.iter_mut().filter(|byte| **byte != 0).nth(place);
            *byte.expect("it was counted") ^= 1 << (n % 8);
            break;
        }
        place -= here;
    }
    files
}

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte != 0).count()
}

/// A copy with one file cut off, at a place before its last byte that is not zero.
fn cut(files: &Files, n: usize) -> Files {
    let mut files = files.clone();
    let mut filled: Vec<_> = files.iter_mut().filter(|(_, bytes, _)| !bytes.is_empty()).collect();
    let among = filled.len();
    let (_, bytes, length) = &mut filled[n % among];
    bytes.truncate(number(n) % bytes.len());
    *length = bytes.len() as u64;
    files
}

fn tally(how: &str, name: &str, scratch: &Path, copies: impl Iterator<Item = Files>) -> Said<()> {
    let mut counts = [0; KINDS.len()];
    for copy in copies {
        let kind = classify(name, scratch, &copy)?;
        counts[KINDS.iter().position(|known| *known == kind).expect("a kind")] += 1;
    }
    let told: Vec<String> =
        KINDS.iter().zip(counts).map(|(kind, count)| format!("{kind} {count}")).collect();
    println!("  {how}: {}", told.join(", "));
    Ok(())
}

fn classify(name: &str, scratch: &Path, files: &Files) -> Said<&'static str> {
    let copy = scratch.join("copy");
    for (path, bytes, length) in files {
        let path = copy.join(path);
        fs::create_dir_all(path.parent().expect("it is below the folder"))?;
        fs::write(&path, bytes)?;
        fs::OpenOptions::new().write(true).open(path)?.set_len(*length)?;
    }
    let answer = ask(["read", name, &copy.to_string_lossy()])?;
    fs::remove_dir_all(copy)?;
    let Some(answer) = answer else { return Ok("hang") };
    Ok(KINDS.into_iter().find(|kind| answer.starts_with(kind)).unwrap_or("panic"))
}
