//! A worker's end of the pipes to the supervisor of one attempt.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use super::folders::Place;
use super::processes::end_orphans;
use super::protocol::{self, Command, Report};
use crate::model::id::AttemptId;
use crate::model::spec::Payload;

/// What a command inherits from its worker's environment.
const INHERITED: [&str; 9] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// A supervisor that runs. Dropped, it ends everything by itself.
pub(super) struct Leash {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    folder: String,
    attempt: String,
    /// The supervisor has said that nothing is left.
    over: bool,
}

/// What `IRIS_` variables tell an attempt.
pub(super) fn identity(attempt: AttemptId) -> BTreeMap<String, String> {
    let task = attempt.task;
    let rows = [
        ("IRIS_JOB", task.job.to_string()),
        ("IRIS_TASK", task.to_string()),
        (protocol::ATTEMPT, attempt.to_string()),
    ];
    rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn inherited() -> BTreeMap<String, String> {
    let present = INHERITED.iter().filter_map(|name| Some((*name, std::env::var(name).ok()?)));
    present.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What the supervisor is told to run: the marks win over what the job says.
fn command(
    words: &[String],
    payload: &Payload,
    marks: BTreeMap<String, String>,
    place: &Place,
) -> Result<Command, String> {
    if words.first().is_none_or(String::is_empty) {
        return Err("the command is empty: it needs a program".to_owned());
    }
    if let Some(word) = words.iter().find(|word| word.contains('\0')) {
        return Err(format!("the command holds a zero byte in {word:?}: remove it"));
    }
    let bad = |name: &str| name.is_empty() || name.contains(['=', '\0']);
    let wrong = payload.env.iter().find(|(name, value)| bad(name) || value.contains('\0'));
    if let Some((name, _)) = wrong {
        return Err(format!(
            "the environment variable {name:?} cannot be set: its name must not be empty or hold \
             `=`, and neither it nor its value a zero byte"
        ));
    }
    let mut env = inherited();
    env.extend(payload.env.iter().map(|(name, value)| (name.clone(), value.clone())));
    env.extend(marks);
    env.remove(protocol::ROLE);
    let (folder, stdout, stderr) = (place.work(), place.log(false), place.log(true));
    Ok(Command { words: words.to_vec(), env, folder, stdout, stderr })
}

impl Leash {
    /// Starts a supervisor, and waits until it is ready to start the user's process.
    pub(super) async fn open(
        program: &Path,
        folder: &Path,
        attempt: AttemptId,
        payload: &Payload,
        words: &[String],
    ) -> Result<Self, String> {
        if std::env::var_os(protocol::ROLE).as_deref() == Some(OsStr::new(protocol::SUPERVISOR)) {
            // A program without that command, which runs its workers instead, and these the next.
            return Err(unfit(program, "it starts workers of its own"));
        }
        let Some(marker) = folder.to_str() else {
            return Err(format!("{}: the worker's folder must be text", folder.display()));
        };
        let place = Place::new(folder, attempt);
        let mut marks = identity(attempt);
        marks.insert(protocol::FOLDER.to_owned(), marker.to_owned());
        let command = command(words, payload, marks.clone(), &place)?;
        let order = serde_json::to_string(&command).map_err(|error| error.to_string())?;
        marks.insert(protocol::ROLE.to_owned(), protocol::SUPERVISOR.to_owned());
        let errors = OpenOptions::new().append(true).create(true).open(place.log(true));
        let errors = errors.map_err(|error| format!("{}: {error}", place.log(true).display()))?;
        let mut child = tokio::process::Command::new(program)
            .arg(protocol::COMMAND)
            .env_clear()
            .envs(inherited())
            .envs(marks)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|error| unfit(program, &error.to_string()))?;
        let input = child.stdin.take();
        let output = child.stdout.take().expect("invariant: it was started with a pipe");
        let attempt = attempt.to_string();
        let output = BufReader::new(output).lines();
        let mut leash =
            Self { child, input, output, folder: marker.to_owned(), attempt, over: false };
        leash.tell(&order).await;
        if leash.hear().await == Some(Report::Ready) {
            Ok(leash)
        } else {
            // Nothing of the user's runs yet, whatever this is.
            let _ = leash.child.kill().await;
            Err(unfit(program, "it did not say that it is ready"))
        }
    }

    /// Sends a line. If it cannot be sent, the supervisor is gone, which [`Self::hear`] tells.
    pub(super) async fn tell(&mut self, word: &str) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(format!("{word}\n").as_bytes()).await;
        }
    }

    /// What the supervisor says next; nothing if it is gone. It may be given up and called again.
    pub(super) async fn hear(&mut self) -> Option<Report> {
        let line = self.output.next_line().await.ok().flatten()?;
        let report = serde_json::from_str(&line).ok();
        self.over |= matches!(report, Some(Report::Ended(_)));
        report
    }

    /// Lets go, and waits until nothing is left: neither the supervisor nor what it supervised.
    pub(super) async fn close(mut self) {
        self.input = None;
        while self.hear().await.is_some() {}
        if !self.over {
            self.end_orphans().await;
        }
        let _ = self.child.wait().await;
    }

    /// Ends what is left if the supervisor could not. Processes that cannot be ended are tried
    /// again for ever: until they are gone the attempt is not over.
    async fn end_orphans(&self) {
        loop {
            let (folder, attempt) = (self.folder.clone(), self.attempt.clone());
            let supervisor = self.child.id();
            let ending =
                tokio::task::spawn_blocking(move || end_orphans(&folder, &attempt, supervisor));
            if matches!(ending.await, Ok(Ok(_))) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
}

fn unfit(program: &Path, why: &str) -> String {
    format!(
        "the supervisor {} does not serve: {why}; it must be the program iris-check",
        program.display()
    )
}

/// The program that supervises, if none was named: this one.
pub(super) fn own_program() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("this program does not find itself: {error}"))
}
