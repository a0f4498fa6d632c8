//! Drivers that do not keep to the protocol: each is trouble that says what it is, and never
//! agreement.

use std::fs;

use iris_check::conform::external::External;
use iris_check::conform::run::{Run, Shape, Step};
use iris_check::conform::subject::Stand;
use iris_check::model::time::Millis;

use super::script::{HELLO, PATIENT, STARTED, parrot, play, step, trouble};
use crate::common::bench::{found, until};

/// The end of each message.
const ADVICE: &str = "  This says nothing of the cluster. The protocol is described in the module \
                      `conform::external`; mend the driver and play the run again.";

const ASKED_HELLO: &str = "  asked     {\"id\":1,\"iris-check-driver\":1}\n";
const EXPECTED_HELLO: &str = "  expected  {\"id\":1,\"ok\":…} with {\"protocol\":1,\"name\":…,\
                              \"abilities\":{\"steps\":[…]},…}\n";

#[test]
fn a_driver_that_does_not_say_what_it_is_is_trouble() {
    let rows = [
        ("read q; exit 3", "it has ended (exit status: 3)", "", ""),
        ("read q; kill -SEGV $$", "it has ended (signal: 11 (SIGSEGV) (core dumped))", "", ""),
        ("read q; printf '\\377\\n'", "its answer is no UTF-8 text", "", ""),
        (
            "read q; head -c 16777217 /dev/zero | tr '\\0' x 2> /dev/null",
            "its answer is longer than 16777216 bytes",
            "",
            "",
        ),
        (
            "read q; echo starting up",
            "expected value at line 1 column 1",
            "  answered  starting up\n",
            "",
        ),
        (
            "read q; printf '{\"id\":1'",
            "EOF while parsing an object at line 1 column 7",
            "  answered  {\"id\":1\n",
            "",
        ),
        (
            "read q; echo '{\"id\":1}'",
            "it has neither `ok` nor `error`",
            "  answered  {\"id\":1}\n",
            "",
        ),
        (
            "read q; echo '{\"id\":7,\"ok\":null}'",
            "its `id` is 7",
            "  answered  {\"id\":7,\"ok\":null}\n",
            "",
        ),
        (
            "read q; echo '{\"id\":1,\"ok\":null,\"error\":\"x\"}'",
            "it has both `ok` and `error`",
            "  answered  {\"id\":1,\"ok\":null,\"error\":\"x\"}\n",
            "",
        ),
        (
            "read q; echo one >&2; echo two >&2; echo '{\"id\":1,\"error\":\"no room\"}'; cat",
            "it gives up: no room",
            "  answered  {\"id\":1,\"error\":\"no room\"}\n",
            "  it wrote  one\n            two\n",
        ),
    ];
    for (command, says, answered, wrote) in rows {
        let expected = format!(
            "driver `{command}`: {says}\n{ASKED_HELLO}{answered}{EXPECTED_HELLO}{wrote}{ADVICE}"
        );
        let says = trouble(command, PATIENT, &[]);
        assert_eq!(says.replace(" (core dumped)", ""), expected.replace(" (core dumped)", ""));
    }
}

#[test]
fn a_driver_of_another_kind_is_refused() {
    let rows = [
        (
            r#"{"protocol":2,"name":"x","abilities":{"steps":["pass"]}}"#,
            "it speaks protocol 2, this iris-check speaks 1",
        ),
        (r#"{"protocol":1,"name":"x","abilities":{"steps":[]}}"#, "it can do no step at all"),
        (r#"{"protocol":1,"name":"x"}"#, "in `ok`: missing field `abilities`"),
        (
            r#"{"protocol":1,"name":"x","abilities":{"steps":["fly"]}}"#,
            "in `ok`: unknown variant `fly`, expected one of `submit`, `gang`, `resubmit`, \
             `cancel`, `drain`, `worker`, `controller`, `cut`, `fault`, `fleet`, `pass`",
        ),
        (
            r#"{"protocol":1,"name":"x","abilities":{"steps":["pass"]},"shows":["all"]}"#,
            "in `ok`: unknown variant `all`, expected one of `workers`, `worker_attempts`, \
             `slices`, `runs`, `spent`, `incarnations`, `phases`, `causes`, `gone`, \
             `pending_reasons`",
        ),
    ];
    for (hello, says) in rows {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let answer = format!("{{\"id\":1,\"ok\":{hello}}}");
        let command = parrot(folder.path(), &[&answer]);
        let expected = format!(
            "driver `{command}`: {says}\n{ASKED_HELLO}  answered  {answer}\n\
             {EXPECTED_HELLO}{ADVICE}"
        );
        assert_eq!(trouble(&command, PATIENT, &[]), expected);
    }
}

/// The third answer of a driver is refused for this reason.
fn refused(steps: &[Step], asked: &str, answer: &str, says: &str, expected: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let command = parrot(folder.path(), &[HELLO, STARTED, answer]);
    let expected = format!(
        "driver `{command}`: {says}\n  asked     {{\"id\":3,{asked}}}\n  answered  {answer}\n  \
         expected  {{\"id\":3,\"ok\":…}} with {expected}\n{ADVICE}"
    );
    assert_eq!(trouble(&command, PATIENT, steps), expected);
}

#[test]
fn answers_to_steps_that_make_no_sense_are_trouble() {
    let rows = [
        ("{\"at\":249}", "`at` is 249, but 250 ms have passed"),
        (
            "{\"at\":251}",
            "`at` is 251, but only 250 ms have passed; a cluster in real time says so with a \
             `slack`",
        ),
        ("null", "in `ok`: invalid type: null, expected struct Passed"),
    ];
    for (ok, says) in rows {
        let answer = format!("{{\"id\":3,\"ok\":{ok}}}");
        let pass = [step("{\"pass\":250}")];
        refused(&pass, "\"pass\":250", &answer, says, "{\"at\":MILLISECONDS}");
    }
    refused(
        &[step("{\"cancel\":\"j1\"}")],
        "\"apply\":{\"cancel\":\"j1\"}",
        "{\"id\":3,\"ok\":\"fine\"}",
        "in `ok`: unknown variant `fine`, expected one of `done`, `job`, `not_found`, `invalid`, \
         `unavailable`",
        "\"done\", {\"job\":\"j1\"}, \"not_found\", {\"invalid\":…} or \"unavailable\"",
    );
}

#[test]
fn looks_that_make_no_sense_are_trouble() {
    let job = |state: &str| {
        format!(
            "{{\"at\":0,\"jobs\":[{{\"job\":\"j1\",\"state\":\"FAILED\",\
             \"tasks\":[{{\"state\":\"{state}\",\"attempts\":[]}}]}}]}}"
        )
    };
    let rows = [
        (
            "{\"at\":1,\"jobs\":[]}".to_owned(),
            "`at` is 1, but only 0 ms have passed; a cluster in real time says so with a `slack`",
        ),
        ("{\"at\":0}".to_owned(), "in `ok`: missing field `jobs`"),
        (
            job("LOST"),
            "in `ok`: `LOST` is no state of a task; there are PENDING, ASSIGNED, BUILDING, \
             RUNNING, SUCCEEDED, FAILED, FAILED (delivery budget spent), FAILED (timeout), FAILED \
             (workers exhausted), FAILED (gang broken), KILLED, WORKER_FAILED, UNSCHEDULABLE",
        ),
        (job("FAILED"), "it shows \"spent\", as `shows` said, but not everywhere"),
    ];
    for (ok, says) in rows {
        let answer = format!("{{\"id\":3,\"ok\":{ok}}}");
        refused(&[], "\"see\":{}", &answer, says, "null or {\"at\":…,\"jobs\":[…],…}");
    }
}

#[test]
fn a_driver_that_dies_in_a_run_is_trouble() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let command = parrot(folder.path(), &[HELLO, STARTED]) + "; echo no more >&2; exit 4";
    let expected = format!(
        "driver `{command}`: it has ended (exit status: 4)\n  \
         asked     {{\"id\":3,\"see\":{{}}}}\n  \
         expected  {{\"id\":3,\"ok\":…}} with null or {{\"at\":…,\"jobs\":[…],…}}\n  \
         it wrote  no more\n{ADVICE}"
    );
    assert_eq!(trouble(&command, PATIENT, &[]), expected);
}

#[test]
fn a_driver_that_hangs_is_trouble_and_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mark = format!("HOSTILE_DRIVER={}", folder.path().display());
    // The first hangs, the second hears nothing of the end of its input either.
    let command = format!("export {mark}; (trap '' TERM HUP; sleep 1000) & sleep 1000");
    let expected = format!(
        "driver `{command}`: no answer came in time (500 ms)\n{ASKED_HELLO}{EXPECTED_HELLO}{ADVICE}"
    );
    assert_eq!(trouble(&command, Millis(500), &[]), expected);
    let left = || {
        found(|read| {
            let environ = read("environ");
            environ.split(|byte| *byte == 0).any(|part| part == mark.as_bytes())
        })
    };
    assert!(until(|| left().is_empty()), "{:?}", left());
}

#[test]
fn time_that_is_to_pass_counts_for_patience() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let real = HELLO.replace("]},", "],\"slack\":500},");
    let slow = "; sleep 0.4; printf '{\"id\":3,\"ok\":{\"at\":401}}\\n'; read -r q; \
                printf '{\"id\":4,\"ok\":null}\\n'; read -r q; printf '{\"id\":5,\"ok\":{}}\\n'";
    let command = parrot(folder.path(), &[&real, STARTED]) + slow;
    let stand = External::new(&command, Millis(300)).expect("it says what it is");
    let played = play(&stand, 1, &[Step::Pass(Millis(400))]).expect("it is in time");
    assert_eq!(played.seen, None);
}

#[test]
fn a_question_that_is_long_or_not_read_holds_nobody_up() {
    let exits = "{\"after\":1,\"ok\":true},".repeat(200_000);
    let plan = format!("{{\"submit\":{{\"tasks\":[[{}]]}}}}", exits.trim_end_matches(','));
    let folder = tempfile::tempdir().expect("a folder can be made");
    let command = parrot(folder.path(), &[HELLO, STARTED]) + "; exec sleep 1000";
    let says = trouble(&command, Millis(500), &[step(&plan)]);
    let asked = "  asked     {\"id\":3,\"apply\":{\"submit\":{\"cpus\":1,";
    assert!(says.contains(": no answer came in time (500 ms)\n") && says.contains(asked), "{says}");
    assert!(says.len() < 2000, "{}", says.len());
}

#[test]
fn one_driver_serves_one_run_after_another_and_runs_at_once_have_their_own() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let answers = [
        HELLO,
        STARTED,
        "{\"id\":3,\"ok\":null}",
        "{\"id\":4,\"ok\":{}}",
        "{\"id\":5,\"ok\":null}",
        "{\"id\":6,\"ok\":null}",
        "{\"id\":7,\"ok\":{\"strays\":[\"j1.0#0\"]}}",
    ];
    let stand = External::new(&parrot(folder.path(), &answers), PATIENT).expect("it says hello");
    assert_eq!(stand.hello().name, "x");
    assert_eq!(play(&stand, 1, &[]).expect("it answers").found.strays, []);
    let second = play(&stand, 1, &[]).expect("it answers").found;
    assert_eq!(
        serde_json::to_value(second.strays).expect("it is text"),
        serde_json::json!(["j1.0#0"])
    );
    let asked = || fs::read_to_string(folder.path().join("asked")).expect("it was asked");
    assert_eq!(asked().matches("iris-check-driver").count(), 1, "{}", asked());
    let run = Run::new(0, Shape::default(), Vec::new());
    let both = [stand.start(&run).is_ok(), stand.start(&run).is_ok()];
    assert_eq!(both, [false, true], "the first driver has no more answers; the second is new");
}

#[test]
fn a_driver_that_changes_is_trouble() {
    let command = "read -r q; echo '{\"id\":1,\"ok\":{\"protocol\":1,\"name\":\"'$$'\",\
                   \"abilities\":{\"steps\":[\"pass\"]}}}'; read -r q; \
                   echo '{\"id\":2,\"ok\":null}'; read -r q";
    let stand = External::new(command, PATIENT).expect("it says what it is");
    let run = Run::new(0, Shape::default(), Vec::new());
    let _first = stand.start(&run).expect("it starts");
    let says = stand.start(&run).err().expect("it has another name").to_string();
    assert!(says.contains(": started once more, it says something else of itself\n"), "{says}");
}

#[test]
fn the_dialogue_in_the_manual_is_what_is_said() {
    let manual = fs::read_to_string("src/conform/external.rs").expect("it is there");
    let mut lines: Vec<String> = Vec::new();
    for line in manual.lines().filter_map(|line| line.strip_prefix("//! ")) {
        if line.starts_with("> {") || line.starts_with("< {") {
            lines.push(line.to_owned());
        } else if let (Some(rest), Some(last)) = (line.strip_prefix("   "), lines.last_mut()) {
            last.push_str(rest);
        }
    }
    let of = |mark| lines.iter().filter_map(move |line| line.strip_prefix(mark));
    let answers: Vec<&str> = of("< ").collect();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let stand = External::new(&parrot(folder.path(), &answers), PATIENT).expect("it says hello");
    let run = Run::new(7, Shape::of_workers(1), Vec::new());
    let mut cluster = stand.start(&run).expect("the manual is right");
    let plan = "{\"submit\":{\"tasks\":[[{\"after\":500,\"ok\":true}]]}}";
    cluster.apply(&step(plan)).expect("the manual is right");
    cluster.pass(Millis(500)).expect("the manual is right");
    let seen = cluster.see().expect("the manual is right").expect("something is seen");
    assert_eq!(seen.jobs.len(), 1);
    cluster.heal().expect("the manual is right");
    cluster.end().expect("the manual is right");
    let asked = fs::read_to_string(folder.path().join("asked")).expect("it was asked");
    let questions: Vec<&str> = of("> ").collect();
    assert_eq!(asked.lines().count(), questions.len());
    for (asked, shown) in asked.lines().zip(questions) {
        let (head, tail) = shown.split_once('…').unwrap_or((shown, ""));
        assert!(asked.starts_with(head) && asked.ends_with(tail), "{shown}\n{asked}");
        assert!(shown.contains('…') || asked == shown, "{shown}\n{asked}");
    }
}
