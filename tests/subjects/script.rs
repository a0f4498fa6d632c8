//! Drivers that say what they were told to, and runs that are written by hand.

use std::fs;
use std::path::Path;

use iris_check::conform::external::External;
use iris_check::conform::run::{Run, Shape, Step};
use iris_check::conform::seen::Seen;
use iris_check::conform::subject::{Found, Reply, Stand, Trouble};
use iris_check::model::time::Millis;

/// Patience with drivers that answer.
pub const PATIENT: Millis = Millis::seconds(60);

/// The beginning of what a driver of the simplest kind says.
pub const HELLO: &str =
    r#"{"id":1,"ok":{"protocol":1,"name":"x","abilities":{"steps":["pass"]},"shows":["spent"]}}"#;
pub const STARTED: &str = r#"{"id":2,"ok":null}"#;

/// The command of a driver that answers with these lines, and then ends. It keeps what it was asked
/// in the file `asked` of its folder.
pub fn parrot(folder: &Path, answers: &[&str]) -> String {
    fs::write(folder.join("answers"), answers.join("\n") + "\n").expect("it can be written");
    let folder = folder.display();
    format!(
        "cd {folder}; while read -r answer <&3; do read -r question; \
         printf '%s\\n' \"$question\" >> asked; printf '%s\\n' \"$answer\"; done 3< answers"
    )
}

/// What a cluster did in a run.
#[derive(Debug)]
pub struct Played {
    pub replies: Vec<Reply>,
    pub seen: Option<Seen>,
    pub found: Found,
}

/// Plays steps on a cluster of this many workers of 4 CPUs, looks once, and ends it.
pub fn play(stand: &dyn Stand, workers: usize, steps: &[Step]) -> Result<Played, Trouble> {
    let mut cluster = stand.start(&Run::new(7, Shape::of_workers(workers), steps.to_vec()))?;
    let replies = steps.iter().map(|step| cluster.apply(step)).collect::<Result<_, _>>();
    let (replies, seen) = (replies?, cluster.see()?);
    Ok(Played { replies, seen, found: cluster.end()? })
}

/// A step as it stands in a file.
pub fn step(text: &str) -> Step {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What is said of a driver that does not do what it should.
pub fn trouble(command: &str, patience: Millis, steps: &[Step]) -> String {
    let stand = External::new(command, patience);
    stand.and_then(|stand| play(&stand, 1, steps)).expect_err(command).to_string()
}
