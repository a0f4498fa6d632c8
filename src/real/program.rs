//! A program of somebody else's, spoken to line by line over its standard input and output.
//!
//! It is run by the shell, in a process group of its own, and all of the group ends with this
//! value. Whatever it does, a question ends in time: it may hang, die, flood, or not read.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::model::time::Millis;

/// The longest line that is taken from a program, in bytes.
pub const LONGEST_LINE: usize = 16 << 20;
/// Lines that wait to be read; a program that floods waits.
const LINES: usize = 64;
/// How many bytes of the end of its errors are kept.
const ERRORS: usize = 4096;
/// How long a program may take to end by itself when its input has ended, or its errors to end
/// when it has.
const GRACE: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// None came in time.
    Late,
    /// The program has ended, or closed its output: how it ended.
    Ended(io::Result<ExitStatus>),
    /// The line is longer than [`LONGEST_LINE`].
    TooLong,
    /// The line is no text.
    NoText,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late => f.write_str("no answer came in time"),
            Self::Ended(Ok(status)) => write!(f, "it has ended ({status})"),
            Self::Ended(Err(error)) => write!(f, "it has ended, nobody knows how: {error}"),
            Self::TooLong => write!(f, "its answer is longer than {LONGEST_LINE} bytes"),
            Self::NoText => f.write_str("its answer is no UTF-8 text"),
        }
    }
}

/// A program that runs.
pub struct Program {
    child: Child,
    /// Nothing once it was ended.
    says: Option<Sender<String>>,
    answers: Receiver<Result<String, NoAnswer>>,
    errors: Arc<Mutex<VecDeque<u8>>>,
    errors_end: Receiver<()>,
}

impl Program {
    /// Starts what a shell makes of this command.
    ///
    /// # Errors
    /// There is no shell, or no room for another process.
    pub fn start(command: &str) -> io::Result<Self> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that nothing of it outlives it, and a Ctrl-C is for whoever started it.
            .process_group(0)
            .spawn()?;
        let mut stdin = child.stdin.take().expect("invariant: it was asked for");
        let stdout = child.stdout.take().expect("invariant: it was asked for");
        let stderr = child.stderr.take().expect("invariant: it was asked for");
        let (says, to_say) = channel::<String>();
        // A program that does not read must not hold up whoever asks.
        thread::spawn(move || {
            for line in to_say {
                if writeln!(stdin, "{line}").and_then(|()| stdin.flush()).is_err() {
                    return;
                }
            }
        });
        let (answer, answers) = sync_channel(LINES);
        thread::spawn(move || hear(stdout, &answer));
        let errors = Arc::new(Mutex::new(VecDeque::new()));
        let (end, errors_end) = sync_channel(1);
        let kept = Arc::clone(&errors);
        thread::spawn(move || {
            keep_end(stderr, &kept);
            let _ = end.send(());
        });
        Ok(Self { child, says: Some(says), answers, errors, errors_end })
    }

    /// Says a line, and waits for the next one that it says.
    ///
    /// # Errors
    /// There is none.
    pub fn ask(&mut self, line: String, patience: Millis) -> Result<String, NoAnswer> {
        if let Some(says) = &self.says {
            // Its end is heard below.
            let _ = says.send(line);
        }
        match self.answers.recv_timeout(Duration::from_millis(patience.0.into())) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(NoAnswer::Late),
            Err(RecvTimeoutError::Disconnected) => Err(NoAnswer::Ended(self.end())),
        }
    }

    /// The end of what it wrote to its standard error. It is ended first, so that all is there.
    pub fn last_words(&mut self) -> String {
        let _ = self.end();
        let kept = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes: Vec<u8> = kept.iter().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends it: its input ends, and what has not ended in time is killed, with all of its group.
    fn end(&mut self) -> io::Result<ExitStatus> {
        if self.says.take().is_some() {
            // Its output ends when all that could write to it has. A flood is not heard out.
            for _ in 0..LINES {
                if self.answers.recv_timeout(GRACE).is_err() {
                    break;
                }
            }
            // It is waited for below, so that until then its number is its own.
            if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            let _ = self.errors_end.recv_timeout(GRACE);
        }
        self.child.wait()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// Hands on lines until there are no more, or one that is none.
fn hear(stdout: ChildStdout, answer: &SyncSender<Result<String, NoAnswer>>) {
    let mut stdout = BufReader::new(stdout);
    let limit = u64::try_from(LONGEST_LINE).expect("invariant: it is small") + 1;
    loop {
        let mut line = Vec::new();
        let read = (&mut stdout).take(limit).read_until(b'\n', &mut line);
        if !matches!(read, Ok(length) if length > 0) {
            return;
        }
        let whole = line.pop_if(|last| *last == b'\n').is_some();
        let heard = match String::from_utf8(line) {
            Ok(line) if line.len() <= LONGEST_LINE => Ok(line),
            // The end of what has ended in the middle of a line is judged as an answer.
            Ok(_) => Err(NoAnswer::TooLong),
            Err(bytes) if bytes.as_bytes().len() > LONGEST_LINE => Err(NoAnswer::TooLong),
            Err(_) => Err(NoAnswer::NoText),
        };
        let over = !whole || heard.is_err();
        if answer.send(heard).is_err() || over {
            return;
        }
    }
}

/// Keeps the end of all that is written here.
fn keep_end(mut stderr: ChildStderr, kept: &Mutex<VecDeque<u8>>) {
    let mut piece = [0; 1024];
    while let Ok(length) = stderr.read(&mut piece) {
        if length == 0 {
            return;
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&piece[..length]);
        let surplus = kept.len().saturating_sub(ERRORS);
        kept.drain(..surplus);
    }
}
