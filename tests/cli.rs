//! The program as users call it: what it answers, on which channel, and how it ends.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn run(args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_iris-check");
    Command::new(program).args(args).output().expect("the program was built for this test")
}

/// Exit code, standard output, standard error.
fn answer(args: &[&str]) -> (i32, String, String) {
    let output = run(args);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes text");
    let code = output.status.code().expect("it ends by itself");
    (code, text(output.stdout), text(output.stderr))
}

/// A file of this test run.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("iris-check-{}-{name}", std::process::id()));
        fs::write(&path, text).expect("the folder for temporary files takes a file");
        Self(path)
    }

    fn name(&self) -> &str {
        self.0.to_str().expect("its name is text")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn help_and_version_are_answers_and_no_errors() {
    let (code, out, err) = answer(&["--help"]);
    assert_eq!((code, err.as_str()), (0, ""));
    for word in ["check", "claims", "scopes", "replay", "explore", "walk", "Exit codes:", "  70  "]
    {
        assert!(out.contains(word), "{word} is missing in\n{out}");
    }
    let (code, out, _) = answer(&["--version"]);
    assert_eq!((code, out), (0, format!("iris-check {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_wrong_call_ends_with_1_and_says_what_was_expected() {
    let rows: [(&[&str], &str); 8] = [
        (&["chek"], "unrecognized subcommand 'chek'"),
        (&["check", "--depth", "3"], "unexpected argument '--depth' found"),
        (&["check", "--max-memory", "much"], "expected bytes, such as 500M or 2G"),
        (&["check", "--time", "0"], "expected a time above 0, such as 90s, 10m or 2h"),
        (&["check", "--threads", "0"], "0 is not in 1..=1024"),
        (&["check", "--format", "xml"], "[possible values: text, json]"),
        (&["walk", "--depth", "deep"], "invalid value 'deep' for '--depth <N>'"),
        (&["explore"], "required arguments were not provided"),
    ];
    for (args, expected) in rows {
        let (code, out, err) = answer(args);
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}");
        assert!(err.contains(expected), "{args:?}: {err}");
    }
}

#[test]
fn a_bad_input_ends_with_1_and_one_line_that_names_the_place() {
    let scope = File::new("scope.toml", "name = \"x\"\n[[workers]]\n[[jobs]]\nreplica = 1\n");
    let cluster = File::new("cluster.yaml", "scale_groups: [\n");
    let finding = File::new("finding.json", "{\n  \"version\": 1,\n  \"claim\": \"T");
    let twice = File::new("twice.toml", "name = \"crash\"\n[[workers]]\n[[jobs]]\n");
    let rows: [(&[&str], String); 8] = [
        (
            &["chaos", "no_such"],
            "there is no scenario `no_such`; there are smoke, dispatch_".into(),
        ),
        (
            &["check", "no_such"],
            "there is no scope `no_such`; there are delivery, copies, reports, ".into(),
        ),
        (
            &["check", "--scope", scope.name()],
            format!(
                "{}:4: jobs[1].replica: unknown key `replica`, did you mean `replicas`? there are ",
                scope.name()
            ),
        ),
        (
            &["check", "--cluster", cluster.name()],
            format!("{}:1: this is not YAML: ", cluster.name()),
        ),
        (
            &["replay", finding.name()],
            format!("{}: this is no finding: line 3, column ", finding.name()),
        ),
        (
            &["check", "--scope", "/no/such/file"],
            "/no/such/file: the file cannot be read: No such file".into(),
        ),
        (
            &["check", "crash", "--scope", twice.name()],
            "two scopes `crash`: findings are saved under the name; give each its own".into(),
        ),
        (&["explore", "no_such"], "there is no scope `no_such`; there are delivery, ".into()),
    ];
    for (args, expected) in rows {
        let (code, out, err) = answer(args);
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}");
        assert!(err.starts_with(&format!("iris-check: {expected}")), "{args:?}: {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    let (_, _, err) = answer(&["replay", finding.name()]);
    assert!(err.contains("the file is cut off"), "{err}");
}

#[test]
fn scenarios_are_played_and_told_as_a_table_and_as_json() {
    let (code, out, _) = answer(&["chaos", "smoke", "5", "--runs", "2"]);
    assert_eq!(code, 0, "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 4, "{out}");
    assert!(lines[1].contains("smoke") && lines[1].ends_with("SUCCEEDED, 1 attempt"), "{out}");
    assert_eq!(lines[3], "2 of 2 scenarios, 4 faults fired: all as expected");
    let (code, out, _) = answer(&["chaos", "capacity_wait", "--json"]);
    assert_eq!(code, 0, "{out}");
    for part in ["\"number\":15", "\"as_expected\":true", "\"cluster_ms\":5501"] {
        assert!(out.contains(part), "{part} is missing in {out}");
    }
}

#[test]
fn scopes_and_claims_are_listed() {
    let (code, out, err) = answer(&["scopes"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let expected = "delivery\n    RunTask and KillTask go wrong in every way a call can\n    1 \
                    worker, 1 task, any 4 of 7 faults, policy hardened with changes\n";
    assert!(out.starts_with(expected), "{out}");
    assert!(out.contains("    expected to be violated: T8\n"), "{out}");
    let (code, out, _) = answer(&["claims"]);
    assert_eq!(code, 0);
    let ids = out.lines().filter(|line| !line.starts_with(' '));
    assert_eq!(ids.count(), 23, "{out}");
}

#[test]
fn a_list_that_nobody_reads_to_its_end_is_no_error() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_iris-check"));
    let mut listing = program
        .arg("claims")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built for this test");
    drop(listing.stdout.take());
    let output = listing.wait_with_output().expect("it ends by itself");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn walks_find_what_is_wrong_and_prove_nothing() {
    let folder = std::env::temp_dir().join(format!("iris-check-walk-{}", std::process::id()));
    let findings = folder.to_str().expect("its name is text");
    let end = |out: &str| out.lines().last().expect("it says something").to_owned();
    // Nothing is wrong: no claim is said to hold, and the exit code is no success.
    let args = ["walk", "capacity", "--walks", "20", "--depth", "9", "--findings", findings];
    let (code, out, err) = answer(&args);
    assert_eq!((code, err.as_str()), (5, ""), "{out}");
    assert!(end(&out).starts_with("nothing found in 20 walks, "), "{out}");
    assert!(end(&out).ends_with(" steps; this proves nothing"), "{out}");
    assert!(out.contains("\nnot looked at, no walk is endless: L1, "), "{out}");
    assert!(!out.contains("hold") && !out.contains("held"), "{out}");
    assert_eq!(answer(&args).1.lines().last(), out.lines().last());
    // A violation that the scope expects, and the same where it expects none.
    let name = "as_reported.reconcile";
    let (code, out, _) = answer(&["walk", name, "--walks", "30", "--findings", findings]);
    assert_eq!(code, 5, "{out}");
    assert!(end(&out).starts_with("nothing unexpected was found in 30 walks, "), "{out}");
    let text = include_str!("../scopes/as_reported.reconcile.toml");
    let mine = text.replace("violated = [\"T8\"]", "").replacen(name, "mine", 1);
    let mine = File::new("walk.toml", &mine);
    let args = ["walk", "--scope", mine.name(), "--findings", findings];
    let (code, out, _) = answer(&args);
    assert_eq!(code, 2, "{out}");
    assert!(end(&out).starts_with("a violation was found in "), "{out}");
    let (_, json, _) = answer(&[&args[..], &["--format", "json"]].concat());
    for part in ["\"exit_code\": 2", "\"found\": \"violated\"", "\"found\": \"not looked at\""] {
        assert!(json.contains(part), "{part} is missing in {json}");
    }
    // What was saved is repeated step by step.
    for scope in [name, "mine"] {
        let file = folder.join(format!("{scope}-T8.json"));
        let (code, out, _) = answer(&["replay", file.to_str().expect("its name is text")]);
        assert_eq!(code, 2, "{out}");
        assert!(end(&out).ends_with("steps, each as recorded; T8 is still violated"), "{out}");
    }
    fs::remove_dir_all(&folder).expect("findings were saved there");
}

#[test]
fn up_to_symmetry_what_is_safe_is_decided_and_what_must_happen_is_not() {
    let text = r#"
        name = "pair"
        about = "two equal workers"
        workers = [{ count = 2 }]
        jobs = [{}]
        [faults]
        any = 1
        kinds = ["worker_crash"]
    "#;
    let scope = File::new("pair.toml", text);
    let states = |out: &str| -> u64 {
        let cell = out.lines().last().and_then(|sum| sum.split(" states").next());
        let digits = cell.and_then(|cell| cell.rsplit(' ').next()).expect("a sum of states");
        digits.replace(',', "").parse().expect("a number")
    };
    let (code, whole, _) = answer(&["check", "--scope", scope.name()]);
    assert_eq!(code, 0, "{whole}");
    let (code, short, _) = answer(&["check", "--symmetry", "--scope", scope.name()]);
    assert_eq!(code, 5, "{short}");
    assert!(
        short.starts_with("symmetry: of states that differ only in which of several"),
        "{short}"
    );
    assert!(short.contains("INCOMPLETE (L1"), "{short}");
    assert!(short.contains(") (symmetry: 1 state for 1."), "{short}");
    assert!(short.contains("\nsymmetry in pair: w1 = w2\n"), "{short}");
    let (whole, short) = (states(&whole), states(&short));
    assert!(10 * short < 6 * whole, "{short} of {whole} states");
    // How much is exact: what was visited stands for all that the whole search visits.
    let asked = ["check", "--symmetry", "--format", "json", "--scope", scope.name()];
    let (_, json, _) = answer(&asked);
    assert!(json.contains(&format!("\"stands_for\": {whole}")), "{json}");
}

#[test]
fn an_exact_search_answers_the_same_from_less_memory() {
    let json = |args: &[&str]| {
        let (code, out, err) = answer(&[&["check", "--format", "json"], args].concat());
        let lines = out.lines().filter(|line| !line.trim_start().starts_with("\"seconds\""));
        (code, lines.map(str::to_owned).collect::<Vec<_>>(), err)
    };
    let hashed = json(&["delivery", "crash"]);
    assert_eq!(hashed.0, 0, "{}", hashed.2);
    assert_eq!(json(&["--exact", "delivery", "crash"]), hashed);
    // What it keeps of a state is so much shorter that it gets further.
    let states = |exact: &[&str]| -> u64 {
        let (code, lines, _) = json(&[&["lease", "--max-memory", "500K"], exact].concat());
        assert_eq!(code, 5, "{lines:?}");
        let digits = lines.iter().find_map(|line| line.trim().strip_prefix("\"states\": "));
        digits.and_then(|it| it.trim_end_matches(',').parse().ok()).expect("a number of states")
    };
    let (hashed, exact) = (states(&[]), states(&["--exact"]));
    assert!(exact > 5 * hashed, "{exact} and {hashed} states");
    for other in [&["--disk", "folder"][..], &["--symmetry"], &["--processes", "2"]] {
        let (code, _, err) = answer(&[&["check", "--exact", "delivery"], other].concat());
        assert_eq!(code, 1, "{err}");
        assert!(err.contains("--exact") && err.contains("cannot be used with"), "{err}");
    }
}
