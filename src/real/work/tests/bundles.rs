//! Bundles: what is put into the working directory, and what is refused.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc::unbounded_channel;

use super::super::bundle::unpack;
use super::super::{Closures, Context, News, NoFaults, Order, Settings, Workshop};
use super::{attempt, closure};
use crate::model::exit::Fault;
use crate::real::clock::Clock;
use crate::worker_sm::Exit;

/// One entry of an archive: kind, name, permissions, and contents or the link's target.
type Entry<'a> = (EntryType, &'a str, u32, &'a str);

const FILE: EntryType = EntryType::Regular;
const FOLDER: EntryType = EntryType::Directory;
const LINK: EntryType = EntryType::Symlink;
const HARD: EntryType = EntryType::Link;

/// An archive written byte by byte: the library would refuse to write what must be refused.
fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (kind, name, mode, text) in entries {
        let mut header = Header::new_gnu();
        let link = matches!(*kind, LINK | HARD);
        let contents = if link { "" } else { text };
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name.as_bytes());
        if link {
            old.linkname[..text.len()].copy_from_slice(text.as_bytes());
        }
        header.set_entry_type(*kind);
        header.set_mode(*mode);
        header.set_size(contents.len() as u64);
        header.set_cksum();
        builder.append(&header, contents.as_bytes()).expect("memory takes it");
    }
    builder.into_inner().expect("memory takes it")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// All below a folder, in order: name, and permissions and contents, or target.
fn listing(folder: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).expect("it can be read") {
            let path = entry.expect("it can be read").path();
            let found = fs::symlink_metadata(&path).expect("it exists");
            let name = path.strip_prefix(folder).expect("it is below").display().to_string();
            let mode = found.permissions().mode() & 0o7777;
            lines.push(if found.is_dir() {
                open.push(path);
                format!("{name}/ {mode:o}")
            } else if found.is_symlink() {
                format!("{name} -> {}", fs::read_link(&path).expect("it is a link").display())
            } else {
                let text = fs::read_to_string(&path).expect("it can be read");
                format!("{name} {mode:o} {text}")
            });
        }
    }
    lines.sort();
    lines
}

/// A folder with a bundle of this name beside an empty working directory.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        fs::create_dir(folder.path().join("work")).expect("a folder can be made");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).expect("it can be written");
        self.path(name)
    }

    fn unpack(&self, bundle: &Path) -> Result<Vec<String>, String> {
        unpack(bundle, &self.path("work"), &|| false)?;
        Ok(listing(&self.path("work")))
    }
}

const GOOD: &[Entry<'_>] = &[
    (FOLDER, "./", 0o755, ""),
    (FILE, "run", 0o4755, "#!/bin/sh\n"),
    (FOLDER, "a/", 0o555, ""),
    (FILE, "a/b/deep", 0o640, "x"),
    (FILE, "run", 0o750, "the later counts"),
    (LINK, "a/up", 0o777, "../run"),
    (LINK, "a/b/nowhere", 0o777, "../../none/at/all"),
    (HARD, "same", 0o640, "a/b/deep"),
];

#[test]
fn an_archive_is_unpacked_with_its_permissions() {
    let plain = archive(GOOD);
    let expected = [
        "a/ 555",
        "a/b/ 755",
        "a/b/deep 640 x",
        "a/b/nowhere -> ../../none/at/all",
        "a/up -> ../run",
        "run 750 the later counts",
        "same 640 x",
    ];
    for (name, bytes) in
        [("b.tar", plain.clone()), ("b.tar.gz", gzip(&plain)), ("b.tgz", gzip(&plain))]
    {
        let bench = Bench::new();
        let bundle = bench.write(name, &bytes);
        assert_eq!(bench.unpack(&bundle).as_deref(), Ok(expected.map(str::to_owned).as_slice()));
    }
}

#[test]
fn a_folder_is_copied_with_its_permissions() {
    let bench = Bench::new();
    let from = bench.path("from");
    fs::create_dir_all(from.join("a/b")).expect("a folder can be made");
    fs::write(from.join("a/b/run"), "x").expect("it can be written");
    symlink("../a/b/run", from.join("a/link")).expect("a link can be made");
    for (name, mode) in [("a/b/run", 0o751), ("a/b", 0o700), ("a", 0o555)] {
        fs::set_permissions(from.join(name), Permissions::from_mode(mode)).expect("it is ours");
    }
    let expected = ["a/ 555", "a/b/ 700", "a/b/run 751 x", "a/link -> ../a/b/run"];
    assert_eq!(bench.unpack(&from).as_deref(), Ok(expected.map(str::to_owned).as_slice()));
}

#[test]
fn an_entry_that_would_leave_the_working_directory_is_refused() {
    let leaves = "the entry leaves the working directory";
    let link = "may leave the working directory";
    let below = "lies below a link or a file";
    let rows: &[(&[Entry<'_>], &str)] = &[
        (&[(FILE, "../evil", 0o644, "x")], leaves),
        (&[(FILE, "a/../../evil", 0o644, "x")], leaves),
        (&[(FILE, "/tmp/evil", 0o644, "x")], leaves),
        (&[(FOLDER, "../evil/", 0o755, "")], leaves),
        (&[(LINK, "out", 0o777, "..")], link),
        (&[(LINK, "out", 0o777, "/etc")], link),
        (&[(LINK, "a/out", 0o777, "../../evil")], link),
        // Through a link that stays inside, `..` would start from elsewhere.
        (&[(LINK, "a/root", 0o777, ".."), (LINK, "out", 0o777, "a/root/../evil")], link),
        (&[(LINK, "d/e/root", 0o777, "../.."), (LINK, "d/e/out", 0o777, "root/../evil")], link),
        (&[(LINK, "in", 0o777, "a"), (FILE, "in/file", 0o644, "x")], below),
        (&[(FILE, "file", 0o644, "x"), (FILE, "file/evil", 0o644, "x")], below),
        (&[(HARD, "out", 0o644, "../secret")], leaves),
        (&[(HARD, "out", 0o644, "/etc/passwd")], leaves),
        (&[(LINK, "l", 0o777, "file"), (HARD, "out", 0o644, "l")], "to what is no file"),
        (&[(EntryType::Fifo, "pipe", 0o644, "")], "found a device, pipe or socket"),
        (&[(EntryType::Char, "null", 0o644, "")], "found a device, pipe or socket"),
    ];
    for (entries, expected) in rows {
        let bench = Bench::new();
        bench.write("secret", b"secret");
        let bundle = bench.write("b.tar", &archive(entries));
        let why = bench.unpack(&bundle).expect_err(expected);
        assert!(why.starts_with(&format!("bundle {}: ", bundle.display())), "{why}");
        assert!(why.contains(expected), "{why}");
        let beside = listing(bench.folder.path());
        assert!(!beside.iter().any(|line| line.starts_with("evil")), "{beside:?}");
    }
}

/// Puts something here that cannot be copied.
type Make = fn(&Path);

#[test]
fn a_folder_with_what_cannot_be_copied_is_refused() {
    let rows: [(Make, &str); 3] = [
        (|at| symlink("/etc", at).expect("a link can be made"), "may leave the working directory"),
        (|at| symlink("../..", at).expect("a link can be made"), "may leave the working directory"),
        (
            |at| drop(std::os::unix::net::UnixListener::bind(at).expect("a socket can be made")),
            "found a device, pipe or socket",
        ),
    ];
    for (make, expected) in rows {
        let bench = Bench::new();
        let from = bench.path("from");
        fs::create_dir(&from).expect("a folder can be made");
        make(&from.join("thing"));
        let why = bench.unpack(&from).expect_err(expected);
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn what_is_no_bundle_is_refused() {
    let bench = Bench::new();
    let plain = archive(&[(FILE, "file", 0o644, &"text ".repeat(10_000))]);
    let packed = gzip(&plain);
    let mut wrong_sum = packed.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    let rows = [
        (bench.path("none.tar"), "No such file"),
        (bench.write("b.zip", b"PK"), "expected a folder, or an archive named .tar, .tar.gz"),
        (bench.write("b.tar", &[7; 2048]), "the archive cannot be read: "),
        (bench.write("c.tgz", b"no gzip at all"), "gzip"),
        (bench.write("d.tgz", &packed[..packed.len() / 2]), "incomplete deflate stream"),
        (bench.write("cut.tar", &plain[..plain.len() / 2]), "file: the archive is cut off"),
        (bench.write("e.tgz", &wrong_sum), "corrupt gzip"),
        (bench.folder.path().to_path_buf(), "the folder holds the worker's own folder"),
    ];
    for (bundle, expected) in rows {
        let why = bench.unpack(&bundle).expect_err(expected);
        assert!(why.contains(expected), "{}: {why}", bundle.display());
    }
    let why = unpack(&bench.write("f.tar", &archive(GOOD)), &bench.path("work"), &|| true);
    assert!(why.expect_err("it was given up").ends_with("it was given up"));
}

#[test]
fn an_attempt_finds_its_bundle_and_fails_without_it() {
    let bench = Bench::new();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime can be made").block_on(async {
        let closures = Closures::new().with("reads", |context: Context| async move {
            let folder = context.folder.ok_or("no folder")?;
            let text = fs::read_to_string(folder.join("run")).map_err(|error| error.to_string())?;
            if text == "the later counts" { Ok(()) } else { Err(text) }
        });
        let (sender, mut news) = unbounded_channel();
        let folder = bench.path("worker");
        let mut shop = Workshop::new(
            Settings {
                folder: Some(folder.clone()),
                closures,
                supervisor: None,
                clock: Clock::real(),
                faults: Arc::new(NoFaults),
            },
            sender,
        );
        let mut payload = closure("reads");
        payload.bundle = Some(bench.write("b.tar", &archive(GOOD)).display().to_string());
        shop.prepare(Order { attempt: attempt(0), payload: Arc::new(payload.clone()) });
        assert_eq!(news.recv().await, Some(News::Prepared(attempt(0))));
        shop.start(attempt(0));
        assert_eq!(news.recv().await, Some(News::Exited(attempt(0), Exit::Success)));
        payload.bundle = Some(bench.path("none.tar").display().to_string());
        shop.prepare(Order { attempt: attempt(1), payload: Arc::new(payload) });
        let Some(News::Failed(id, Fault::Bundle, why)) = news.recv().await else {
            panic!("the bundle is missing")
        };
        assert_eq!(id, attempt(1));
        assert!(why.contains("none.tar: No such file"), "{why}");
        let log = shop.read_log(attempt(1), true).expect("it is kept");
        assert_eq!(String::from_utf8(log).expect("it is text"), format!("iris-check: {why}\n"));
        for number in 0..2 {
            assert!(!folder.join(format!("attempts/j1.0#{number}/work")).exists(), "{number}");
        }
    });
}
