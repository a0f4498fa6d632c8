//! What would make a run depend on more than its inputs, or leave work half done.

use super::source::{Finding, Token, each, folder_of, paths, tokens};
use proc_macro2::Delimiter;

/// What a row of `BANS` looks for.
enum What {
    /// A name, wherever code uses it.
    Names(&'static [&'static str]),
    /// `name!(…)`
    Macros(&'static [&'static str]),
    /// The last two segments of a path.
    Path(&'static str, &'static str),
    /// A word in the text, comments and strings included.
    Words(&'static [&'static str]),
    /// `#[name]`, also as the outcome of a `cfg_attr`.
    Attribute(&'static str),
}

/// What is banned, the folders it is not banned in, and what to do instead.
struct Ban {
    what: What,
    except: &'static [&'static str],
    instead: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        what: What::Names(&["Instant", "SystemTime", "UNIX_EPOCH"]),
        except: &["real", "cli", "benches"],
        instead: "only `real` and `cli` look at a clock: let time come in as an input, or let the \
                  caller say when to stop",
    },
    Ban {
        what: What::Names(&["HashMap", "HashSet", "hash_map", "hash_set"]),
        except: &["real"],
        instead: "their order differs from run to run: take `BTreeMap`, `BTreeSet`, or a list \
                  indexed by a dense id",
    },
    Ban {
        what: What::Names(&[
            "RandomState",
            "OsRng",
            "SysRng",
            "thread_rng",
            "from_os_rng",
            "from_entropy",
            "getrandom",
        ]),
        except: &["real"],
        instead: "one seed decides everything random: let the choice come in as an input",
    },
    Ban {
        what: What::Path("thread", "sleep"),
        except: &[],
        instead: "a sleep is slow when it is too long and wrong when it is too short: wait for the \
                  event, or use the paused clock",
    },
    Ban {
        what: What::Macros(&["print", "println", "eprint", "eprintln", "dbg"]),
        except: &["cli", "main", "benches", "examples", "build"],
        instead: "only `cli` and `main` print: return a value and let them show it",
    },
    Ban {
        what: What::Macros(&["todo", "unimplemented"]),
        except: &[],
        instead: "finish it, or leave out the path that leads here",
    },
    Ban {
        what: What::Words(&[concat!("FIX", "ME"), concat!("XX", "X")]),
        except: &[],
        instead: "mend it now, or say in plain words what is not covered and why",
    },
    Ban {
        what: What::Attribute("ignore"),
        except: &[],
        instead: "a test that never runs proves nothing: run it, put it behind IRIS_CHECK_SLOW, or \
                  delete it",
    },
];

/// Reports each banned thing outside the folders that may use it.
pub fn check(path: &str, text: &str) -> Vec<Finding> {
    let folder = folder_of(path);
    let tokens = tokens(path, text);
    let mut findings = Vec::new();
    for ban in BANS.iter().filter(|ban| !ban.except.contains(&folder)) {
        for (line, found) in find(&ban.what, path, text, &tokens) {
            findings.push(Finding::new(path, line, format!("{found}: {}", ban.instead)));
        }
    }
    findings
}

fn find(what: &What, path: &str, text: &str, tokens: &[Token]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    match what {
        What::Names(names) => each(tokens, &mut |tokens, at| {
            let name = tokens[at].word().filter(|word| names.contains(word));
            found.extend(name.map(|name| (tokens[at].line, format!("`{name}`"))));
        }),
        What::Macros(names) => each(tokens, &mut |tokens, at| {
            let name = tokens[at].word().filter(|word| names.contains(word));
            let bang = tokens.get(at + 1).is_some_and(|next| next.is_mark('!'));
            let called = bang && !tokens.get(at + 2).is_some_and(|next| next.is_mark('='));
            let name = name.filter(|_| called);
            found.extend(name.map(|name| (tokens[at].line, format!("`{name}!`"))));
        }),
        What::Path(first, last) => {
            for named in paths(path, text) {
                if named.segments.windows(2).any(|pair| pair == [*first, *last]) {
                    found.push((named.line, format!("`{first}::{last}`")));
                }
            }
        }
        What::Words(words) => {
            for (at, line) in text.lines().enumerate() {
                let mut parts = line.split(|letter: char| !letter.is_alphanumeric());
                let word = parts.find(|part| words.contains(part));
                found.extend(word.map(|word| (at + 1, format!("`{word}`"))));
            }
        }
        What::Attribute(name) => each(tokens, &mut |tokens, at| {
            let inside = tokens[at].group(Delimiter::Bracket);
            let attribute = at > 0 && tokens[at - 1].is_mark('#');
            if attribute && inside.is_some_and(|inside| sets(inside, name)) {
                found.push((tokens[at].line, format!("`#[{name}]`")));
            }
        }),
    }
    found
}

/// Whether an attribute is `name`, or a `cfg_attr` that may become it.
fn sets(attribute: &[Token], name: &str) -> bool {
    let [first, rest @ ..] = attribute else { return false };
    let outcomes = rest.first().and_then(|rest| rest.group(Delimiter::Parenthesis));
    let may_become = |outcomes: &[Token]| {
        outcomes.split(|token| token.is_mark(',')).skip(1).any(|outcome| sets(outcome, name))
    };
    first.is_word(name) || first.is_word("cfg_attr") && outcomes.is_some_and(may_become)
}

#[test]
fn a_banned_habit_is_reported() {
    let fix = concat!("FIX", "ME");
    let rows = [
        ("src/explore/search.rs", "use std::time::{Duration, Instant};", "`Instant`: only `real`"),
        ("tests/a.rs", "fn f() { std::time::SystemTime::now(); }", "`SystemTime`: only `real`"),
        ("src/cli.rs", "use std::collections::HashMap;", "`HashMap`: their order differs"),
        ("src/model/job.rs", "type T = m!(HashSet<u8>);", "`HashSet`: their order differs"),
        ("src/cli.rs", "fn f() { rand::thread_rng(); }", "`thread_rng`: one seed decides"),
        ("tests/a.rs", "use std::{thread::{sleep, spawn}};", "`thread::sleep`: a sleep is slow"),
        ("src/real.rs", "fn f() { thread::sleep(d); }", "`thread::sleep`: a sleep is slow"),
        ("src/real.rs", "fn f() { println!(\"x\") }", "`println!`: only `cli` and `main`"),
        ("tests/a.rs", "fn f() { dbg!(x); }", "`dbg!`: only `cli` and `main` print"),
        ("src/main.rs", "fn f() { todo!() }", "`todo!`: finish it"),
        ("benches/a.rs", "fn f() { unimplemented!() }", "`unimplemented!`: finish it"),
        ("src/cli.rs", &format!("// ({fix}: later)"), &format!("`{fix}`: mend it now")),
        ("tests/a.rs", "#[ignore = \"slow\"] fn f() {}", "`#[ignore]`: a test that never runs"),
        ("tests/a.rs", "#[cfg_attr(a, b, ignore)] fn f() {}", "`#[ignore]`: a test that never"),
    ];
    for (path, text, expected) in rows {
        let found: Vec<String> =
            check(path, &format!("\n{text}\n")).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(&format!("{path}:2: {expected}")), "{text}: {found:?}");
    }
}

#[test]
fn what_is_allowed_or_only_spoken_of_is_not_reported() {
    let rows = [
        ("src/real/clock.rs", "use std::{collections::HashMap, time::Instant};"),
        ("src/cli.rs", "fn f() { println!(\"{:?}\", std::time::Instant::now()) }"),
        ("src/model/job.rs", "// HashMap println! thread::sleep\nfn f() { g(\"todo!()\") }"),
        ("src/model/job.rs", "/// No `Instant`, no `#[ignore]`.\nfn f() { todo != print; }"),
        ("src/trace.rs", "fn f(thread: T) { thread.sleep(ignore) }"),
        ("build.rs", "fn main() { println!(\"cargo::rerun-if-changed=proto\") }"),
    ];
    for (path, text) in rows {
        assert_eq!(check(path, text), [], "{path}: {text}");
    }
}
