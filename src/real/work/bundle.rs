//! A bundle put into a working directory: a folder copied, or an archive unpacked.
//!
//! Nothing is ever written outside the working directory. Names with `..` and absolute names are
//! refused, no entry is written through a link, and a link must stay inside: relative, with as many
//! leading `..` as it lies deep, and none after a name. So a chain of links stays inside as well.
//! Devices, sockets and pipes are refused. Special permission bits are dropped. How large a bundle
//! is when unpacked is not limited.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

/// Whether whoever wanted the bundle has given it up.
pub(super) type GivenUp<'a> = &'a dyn Fn() -> bool;

/// Puts a bundle into a folder, which is empty.
pub(super) fn unpack(bundle: &Path, into: &Path, given_up: GivenUp<'_>) -> Result<(), String> {
    put(bundle, into, given_up).map_err(|why| format!("bundle {}: {why}", bundle.display()))
}

fn put(bundle: &Path, into: &Path, given_up: GivenUp<'_>) -> Result<(), String> {
    let kind = fs::metadata(bundle).map_err(|error| text(&error))?;
    let mut tree = Tree { root: into, given_up, folders: BTreeMap::new() };
    if kind.is_dir() {
        let (from, to) =
            (bundle.canonicalize().map_err(|error| text(&error))?, into.canonicalize());
        if to.map_err(|error| text(&error))?.starts_with(&from) {
            return Err("the folder holds the worker's own folder: take another".to_owned());
        }
        tree.copy(&from, Path::new(""))?;
    } else if kind.is_file() {
        let name = bundle.file_name().unwrap_or_default().to_string_lossy();
        let open = || File::open(bundle).map(io::BufReader::new).map_err(|error| text(&error));
        if name.ends_with(".tar") {
            tree.archive(open()?)?;
        } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
            tree.archive(flate2::read::MultiGzDecoder::new(open()?))?;
        } else {
            return Err(EXPECTED.to_owned());
        }
    } else {
        return Err(EXPECTED.to_owned());
    }
    tree.close()
}

const EXPECTED: &str = "expected a folder, or an archive named .tar, .tar.gz or .tgz";

fn text(error: &io::Error) -> String {
    error.to_string()
}

fn unreadable(error: &io::Error) -> String {
    format!("the archive cannot be read: {error}; pack it anew")
}

/// Names the entry that an error is about.
fn at(name: &Path) -> impl Fn(io::Error) -> String {
    move |error| format!("{}: {error}", name.display())
}

struct Tree<'a> {
    root: &'a Path,
    given_up: GivenUp<'a>,
    /// Folders with their permissions, which are set last: one may not be writable.
    folders: BTreeMap<PathBuf, u32>,
}

impl Tree<'_> {
    fn go_on(&self) -> Result<(), String> {
        if (self.given_up)() { Err("it was given up".to_owned()) } else { Ok(()) }
    }

    fn copy(&mut self, from: &Path, name: &Path) -> Result<(), String> {
        for entry in fs::read_dir(from.join(name)).map_err(at(name))? {
            self.go_on()?;
            let entry = entry.map_err(at(name))?;
            let name = name.join(entry.file_name());
            let kind = entry.file_type().map_err(at(&name))?;
            let mode = || entry.metadata().map(|it| it.permissions().mode()).map_err(at(&name));
            if kind.is_dir() {
                self.folder(&name, Some(mode()?))?;
                self.copy(from, &name)?;
            } else if kind.is_symlink() {
                self.link(&name, &fs::read_link(entry.path()).map_err(at(&name))?)?;
            } else if kind.is_file() {
                let mut file = File::open(entry.path()).map_err(at(&name))?;
                self.file(&name, &mut file, mode()?)?;
            } else {
                return Err(special(&name));
            }
        }
        Ok(())
    }

    fn archive(&mut self, bytes: impl Read) -> Result<(), String> {
        let mut archive = tar::Archive::new(bytes);
        for entry in archive.entries().map_err(|error| unreadable(&error))? {
            self.go_on()?;
            let mut entry = entry.map_err(|error| unreadable(&error))?;
            let path = entry.path().map_err(|error| unreadable(&error))?.into_owned();
            let name = inside(&path)?;
            let kind = entry.header().entry_type();
            if kind.is_pax_global_extensions() {
                continue;
            }
            let mode = entry.header().mode().map_err(at(&name))?;
            let target = entry.link_name().map_err(at(&name))?.map(std::borrow::Cow::into_owned);
            let target = || target.ok_or_else(|| format!("{}: a link to nothing", name.display()));
            if kind.is_dir() {
                self.folder(&name, Some(mode))?;
            } else if kind.is_symlink() {
                self.link(&name, &target()?)?;
            } else if kind.is_hard_link() {
                let other = inside(&target()?)?;
                self.hard_link(&name, &other)?;
            } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
                let written = self.file(&name, &mut entry, mode)?;
                if written < entry.header().entry_size().map_err(at(&name))? && kind.is_file() {
                    return Err(format!(
                        "{}: the archive is cut off; pack it anew",
                        name.display()
                    ));
                }
            } else {
                return Err(special(&name));
            }
        }
        // To the end: a compressed archive carries its checksum there.
        let mut rest = archive.into_inner();
        io::copy(&mut rest, &mut io::sink()).map(drop).map_err(|error| unreadable(&error))
    }

    /// Makes a folder and those above it.
    fn folder(&mut self, name: &Path, mode: Option<u32>) -> Result<(), String> {
        let mut path = self.root.to_path_buf();
        for part in name.components() {
            path.push(part);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Err(format!("{}: lies below a link or a file", name.display())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir(&path).map_err(at(name))?;
                }
                Err(error) => return Err(at(name)(error)),
            }
        }
        self.folders.extend(mode.map(|mode| (path, mode)));
        Ok(())
    }

    /// Where an entry goes: the folders above it are there, and it itself is not.
    fn place(&mut self, name: &Path) -> Result<PathBuf, String> {
        let Some(above) = name.parent() else {
            return Err("an entry without a name".to_owned());
        };
        self.folder(above, None)?;
        let path = self.root.join(name);
        // Of two entries of one name the later counts.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(name)(error)),
            Ok(()) | Err(_) => Ok(path),
        }
    }

    fn file(&mut self, name: &Path, from: &mut dyn Read, mode: u32) -> Result<u64, String> {
        let path = self.place(name)?;
        let mut file =
            OpenOptions::new().write(true).create_new(true).open(&path).map_err(at(name))?;
        let written = io::copy(from, &mut file).map_err(at(name))?;
        file.set_permissions(Permissions::from_mode(mode & 0o777)).map_err(at(name))?;
        Ok(written)
    }

    fn link(&mut self, name: &Path, target: &Path) -> Result<(), String> {
        let depth = name.components().count().saturating_sub(1);
        if !stays_inside(target, depth) {
            return Err(format!(
                "{}: the link to {} may leave the working directory: it must be relative, with no \
                 `..` after a name",
                name.display(),
                target.display()
            ));
        }
        let path = self.place(name)?;
        symlink(target, path).map_err(at(name))
    }

    fn hard_link(&mut self, name: &Path, other: &Path) -> Result<(), String> {
        if let Some(above) = other.parent() {
            self.folder(above, None)?;
        }
        let other = self.root.join(other);
        if !fs::symlink_metadata(&other).map_err(at(name))?.is_file() {
            return Err(format!("{}: a hard link to what is no file", name.display()));
        }
        let path = self.place(name)?;
        fs::hard_link(other, path).map_err(at(name))
    }

    fn close(self) -> Result<(), String> {
        // Inner folders first.
        for (path, mode) in self.folders.into_iter().rev() {
            fs::set_permissions(path, Permissions::from_mode(mode & 0o777))
                .map_err(|error| text(&error))?;
        }
        Ok(())
    }
}

fn special(name: &Path) -> String {
    format!("{}: expected files, folders and links, found a device, pipe or socket", name.display())
}

/// The name of an entry, which must stay inside.
fn inside(path: &Path) -> Result<PathBuf, String> {
    let mut name = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => name.push(part),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(format!(
                    "{}: the entry leaves the working directory: names must be relative, without \
                     `..`",
                    path.display()
                ));
            }
        }
    }
    Ok(name)
}

/// Whether a link that lies this deep stays inside, whatever its parts link to.
fn stays_inside(target: &Path, depth: usize) -> bool {
    let (mut ups, mut names) = (0, 0);
    target.components().all(|part| match part {
        Component::Normal(_) => {
            names += 1;
            true
        }
        Component::CurDir => true,
        Component::ParentDir => {
            ups += 1;
            names == 0 && ups <= depth
        }
        Component::RootDir | Component::Prefix(_) => false,
    })
}
