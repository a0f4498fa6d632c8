//! What is broken in the journal, and in what is read back from it.

use super::table::Defect;

pub const ROWS: &[Defect] = &[
    Defect {
        name: "restart_drops_the_last_entry",
        file: "src/real/journal.rs",
        broken: "what was appended last is not read when the journal is opened",
        find: "let entries = entries.collect::<Result<Vec<Entry>, JournalError>>()?;\n        \
               let mut journal",
        put: r#"let mut entries = entries.collect::<Result<Vec<Entry>, JournalError>>()?;
        if crate::defect::is("restart_drops_the_last_entry") {
            entries.pop();
        }
        let mut journal"#,
        least: 2,
        by: "a job; the controller crashes",
    },
    Defect {
        name: "reading_back_drops_the_last_entry",
        file: "src/real/journal.rs",
        broken: "what was appended last is not read back after an append that failed",
        find: "let entries = entries.collect::<Result<Vec<Entry>, JournalError>>()?;\n        \
               Ok(Recovered",
        put: r#"let mut entries = entries.collect::<Result<Vec<Entry>, JournalError>>()?;
        if crate::defect::is("reading_back_drops_the_last_entry") {
            entries.pop();
        }
        Ok(Recovered"#,
        least: 2,
        by: "an append fails; a job",
    },
    Defect {
        name: "reports_are_not_written",
        file: "src/real/controller/durable.rs",
        broken: "what workers report is not written down",
        find: "match with_the_disk(|| self.journal.append(entries)) {",
        put: r#"let skip = crate::defect::is("reports_are_not_written");
        let entries: Vec<Entry> = entries
            .iter()
            .filter(|it| !(skip && matches!(it.input, Input::Report(_))))
            .cloned()
            .collect();
        let entries = &entries[..];
        match with_the_disk(|| self.journal.append(entries)) {"#,
        least: 2,
        by: "a job that exits; the controller crashes",
    },
    Defect {
        name: "failed_appends_count_as_done",
        file: "src/real/controller/durable.rs",
        broken: "an append that failed is taken for one that was made",
        find: "Some(Verb::Fail(_)) => return Ok(Appended::Undone),",
        put: r#"Some(Verb::Fail(_)) if crate::defect::is("failed_appends_count_as_done") => {
                return Ok(Appended::Durable);
            }
            Some(Verb::Fail(_)) => return Ok(Appended::Undone),"#,
        least: 3,
        by: "an append fails; a job; the controller crashes",
    },
    Defect {
        name: "undone_inputs_stay",
        file: "src/real/controller/durable.rs",
        broken: "what could not be made durable stays in the machine",
        find: "self.machine = self.read_back()?;",
        put: r#"if !crate::defect::is("undone_inputs_stay") {
            self.machine = self.read_back()?;
        }"#,
        least: 2,
        by: "an append fails; a job",
    },
    Defect {
        name: "undone_timers_are_lost",
        file: "src/real/controller/durable.rs",
        broken: "a timer whose firing could not be made durable does not fire again",
        find: "self.timers.arm(timer, self.clock.now().plus(AGAIN));",
        put: r#"if !crate::defect::is("undone_timers_are_lost") {
                    self.timers.arm(timer, self.clock.now().plus(AGAIN));
                }"#,
        least: 3,
        by: "a job with a timeout; an append fails; time passes",
    },
    Defect {
        name: "undone_answers_are_lost",
        file: "src/real/controller/durable.rs",
        broken: "an answer of a worker that could not be made durable does not come again",
        find: "self.later(Ask::Fact(turn.input, Waits::Nobody));",
        put: r#"if !crate::defect::is("undone_answers_are_lost") {
                    self.later(Ask::Fact(turn.input, Waits::Nobody));
                }"#,
        least: 3,
        by: "a try of a delivery fails; an append fails; a job",
    },
    Defect {
        name: "clients_are_told_before_the_append",
        file: "src/real/controller.rs",
        broken: "a client is answered although what it asked for could not be made durable",
        find: "Appended::Undone => return self.undo(turns).map(|()| false),",
        put: r#"Appended::Undone
                    if crate::defect::is("clients_are_told_before_the_append") =>
                {
                    let mut others = Vec::new();
                    for turn in turns {
                        let reply = turn.effects.iter().find_map(|it| match it {
                            Effect::Reply(reply) => Some(*reply),
                            _ => None,
                        });
                        match (reply, turn.waits) {
                            (Some(reply), Waits::Client(client)) => {
                                let _ = client.send(reply);
                            }
                            (_, waits) => others.push(Turn { waits, ..turn }),
                        }
                    }
                    return self.undo(others).map(|()| false);
                }
                Appended::Undone => return self.undo(turns).map(|()| false),"#,
        least: 2,
        by: "an append fails; a job",
    },
    Defect {
        name: "timers_count_from_the_snapshot",
        file: "src/real/controller/recovery.rs",
        broken: "after a restart a timer counts from when the journal began",
        find: "keep_time(timers, entry.at, &entry.input, &effects);",
        put: r#"let first = crate::defect::is("timers_count_from_the_snapshot");
        let at = if first { snapshot.at } else { entry.at };
        keep_time(timers, at, &entry.input, &effects);"#,
        least: 3,
        by: "time passes; a job with a timeout; the controller crashes",
    },
    Defect {
        name: "replay_swaps_the_last_entries",
        file: "src/real/controller/recovery.rs",
        broken: "the last two entries of a journal are replayed in the wrong order",
        find: "for entry in recovered.entries {",
        put: r#"let mut entries = recovered.entries;
    if crate::defect::is("replay_swaps_the_last_entries") {
        let last_two = entries.len().saturating_sub(2);
        entries[last_two..].reverse();
    }
    for entry in entries {"#,
        least: 3,
        by: "a job; another; the controller crashes",
    },
    Defect {
        name: "restart_takes_nothing_up",
        file: "src/real/controller/recovery.rs",
        broken: "after a restart the controller goes on as if nothing had happened",
        find: "while !self.turn(vec![(Input::Restarted, Waits::Nobody)]).await? {",
        put: r#"if crate::defect::is("restart_takes_nothing_up") {
            return Ok(());
        }
        while !self.turn(vec![(Input::Restarted, Waits::Nobody)]).await? {"#,
        least: 2,
        by: "a crash of the controller is ordered after its next entry; a job",
    },
    Defect {
        name: "kept_timers_start_anew",
        file: "src/real/controller/recovery.rs",
        broken: "a restart gives an attempt all of its timeout again",
        find: "let kept = before.as_ref().filter(|_| timer.keeps_its_instant());",
        put: r#"let anew = crate::defect::is("kept_timers_start_anew");
                let kept = before.as_ref().filter(|_| !anew && timer.keeps_its_instant());"#,
        least: 2,
        by: "a job with a timeout, just so long that a look lies between both ends; the \
             controller crashes",
    },
];
