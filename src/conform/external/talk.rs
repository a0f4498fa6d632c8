//! A conversation with a driver: questions, answers, and what is said when there is none.

use serde::de::DeserializeOwned;

use crate::model::time::Millis;
use crate::real::program::{NoAnswer, Program};

use super::super::subject::Trouble;
use super::PROTOCOL;
use super::messages::{Answer, Hello, Question, Request};

/// How much of a line is shown to people.
const SHOWN: usize = 300;

/// A driver that has said what it is.
pub(super) struct Talk {
    program: Program,
    command: String,
    patience: Millis,
    hello: Hello,
    /// The last question, what was expected, and the answer.
    last: (String, &'static str, Option<String>),
    asked: u64,
    /// What was wrong once: nothing that it says afterwards can be relied on.
    broken: Option<Trouble>,
}

impl Talk {
    /// Starts a driver and asks it what it is.
    pub(super) fn begin(command: &str, patience: Millis) -> Result<Self, Trouble> {
        let program = Program::start(command).map_err(|error| {
            Trouble(format!("the driver `{command}` cannot be started: {error}"))
        })?;
        // Nothing can be asked of it before it has answered.
        let nothing = Hello {
            protocol: PROTOCOL,
            name: String::new(),
            abilities: super::Abilities { steps: Vec::new(), slack: Millis(0) },
            shows: Vec::new(),
        };
        let mut talk = Self {
            program,
            command: command.to_owned(),
            patience,
            hello: nothing,
            last: (String::new(), "", None),
            asked: 0,
            broken: None,
        };
        let hello: Hello = talk.ask(&Request::Hello(PROTOCOL))?;
        if let Some(says) = hello.wrong() {
            return Err(talk.wrong(&says));
        }
        talk.hello = hello;
        Ok(talk)
    }

    /// What the driver said of itself.
    pub(super) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Asks, and reads the answer.
    pub(super) fn ask<T: DeserializeOwned>(&mut self, request: &Request<'_>) -> Result<T, Trouble> {
        self.ask_within(request, Millis(0))
    }

    /// The same; the answer may take this much longer.
    pub(super) fn ask_within<T: DeserializeOwned>(
        &mut self,
        request: &Request<'_>,
        more: Millis,
    ) -> Result<T, Trouble> {
        if let Some(trouble) = &self.broken {
            return Err(trouble.clone());
        }
        self.asked += 1;
        let question = Question { id: self.asked, request };
        let line =
            serde_json::to_string(&question).expect("invariant: a question has only text for keys");
        self.last = (line.clone(), request.expected(), None);
        let patience = Millis(self.patience.0.saturating_add(more.0));
        let answer = self.program.ask(line, patience).map_err(|none| match none {
            NoAnswer::Late => self.wrong(&format!("{none} ({patience})")),
            NoAnswer::Ended(_) | NoAnswer::TooLong | NoAnswer::NoText => {
                self.wrong(&cut(&none.to_string()))
            }
        })?;
        let read = Answer::read(&answer, self.asked);
        self.last.2 = Some(answer);
        read.map_err(|says| self.wrong(&cut(&says)))
    }

    /// The trouble that the last answer, or its absence, is: from now on there is no other answer.
    pub(super) fn wrong(&mut self, says: &str) -> Trouble {
        let trouble = Trouble(self.tell(says));
        self.broken.get_or_insert(trouble).clone()
    }

    fn tell(&mut self, says: &str) -> String {
        let errors = self.program.last_words();
        let (question, expected, answer) = &self.last;
        let command = &self.command;
        let mut lines =
            vec![format!("driver `{command}`: {says}"), format!("  asked     {}", cut(question))];
        lines.extend(answer.iter().map(|answer| format!("  answered  {}", cut(answer))));
        let id = self.asked;
        lines.push(format!("  expected  {{\"id\":{id},\"ok\":…}} with {expected}"));
        for (at, line) in errors.lines().enumerate() {
            let head = if at == 0 { "  it wrote  " } else { "            " };
            lines.push(format!("{head}{line}"));
        }
        let advice = "  This says nothing of the cluster. The protocol is described in the module \
                      `conform::external`; mend the driver and play the run again.";
        lines.push(advice.to_owned());
        lines.join("\n")
    }
}

/// A text that may be long, for people.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
    }
}
