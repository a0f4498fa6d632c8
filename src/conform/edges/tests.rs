use super::*;
use crate::model::task::{FailedBy, Phase};

/// Scopes of millions of states.
const LARGE: [&str; 2] = ["mix", "mix.wide"];

fn limits() -> Limits<'static> {
    Limits {
        max_states: None,
        max_depth: None,
        max_memory: None,
        threads: 2,
        stop: &|| None,
        progress: &|_| (),
    }
}

fn edge(text: &str) -> Edge {
    text.parse().expect("it is an edge")
}

#[test]
fn an_edge_is_read_as_it_was_written() {
    let all: Vec<Edge> = Edge::writable().collect();
    assert_eq!(all.len(), WRITABLE);
    for (number, edge) in all.into_iter().enumerate() {
        assert_eq!(edge.number(), number);
        assert_eq!(edge.to_string().parse(), Ok(edge));
    }
    let running = TaskState::Active(Phase::Running);
    let expected = Edge {
        before: Some(running),
        on: Place::Degraded,
        heard: Heard::Timeout,
        after: Some(TaskState::Failed(FailedBy::Timeout)),
    };
    assert_eq!(edge("RUNNING w:DEGRADED timeout -> FAILED (timeout)"), expected);
}

#[test]
fn what_is_no_edge_is_refused_with_an_example() {
    for bad in [
        "",
        "RUNNING w:HEALTHY beat SUCCEEDED",
        "RUN w:HEALTHY beat -> SUCCEEDED",
        "RUNNING w:FINE beat -> SUCCEEDED",
        "RUNNING w:HEALTHY beats -> SUCCEEDED",
        "RUNNING w:HEALTHY beat -> DONE",
        "RUNNING beat -> SUCCEEDED",
    ] {
        let error = bad.parse::<Edge>().expect_err(bad).to_string();
        let example = "is no edge: write one such as `RUNNING w:HEALTHY beat -> SUCCEEDED`";
        assert_eq!(error, format!("`{bad}` {example}"));
    }
}

#[test]
fn counts_add_up_and_are_kept_as_json() {
    let (one, two) =
        (edge("PENDING w:none client -> KILLED"), edge("absent w:none client -> PENDING"));
    let mut all = Edges([(one, 2)].into());
    assert!(!all.merge(&Edges([(one, 1)].into())));
    assert!(all.merge(&Edges([(one, 1), (two, 5)].into())));
    let text = r#"{"absent w:none client -> PENDING":5,"PENDING w:none client -> KILLED":4}"#;
    assert_eq!(serde_json::to_string(&all).expect("it is plain"), text);
    assert_eq!(serde_json::from_str::<Edges>(text).expect("it was written"), all);
}

/// With `IRIS_CHECK_SLOW` for all scopes, which takes minutes; `IRIS_CHECK_REWRITE` then writes the
/// list anew instead.
#[test]
fn the_list_is_what_the_search_of_the_standard_scopes_finds() {
    let slow = std::env::var_os("IRIS_CHECK_SLOW").is_some();
    let mut found: BTreeMap<Edge, BTreeSet<String>> = BTreeMap::new();
    let mut names = BTreeSet::new();
    for scope in scopes().filter(|scope| slow || !LARGE.contains(&scope.name.as_str())) {
        for edge in explored(&scope, &limits()).expect("nothing tells it to stop") {
            found.entry(edge).or_default().insert(scope.name.clone());
        }
        names.insert(scope.name);
    }
    if slow && std::env::var_os("IRIS_CHECK_REWRITE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conform/edges/standard.txt");
        std::fs::write(path, text::list(&found)).expect("the list can be written");
        return;
    }
    let mut expected = standard();
    for scopes in expected.values_mut() {
        scopes.retain(|scope| names.contains(scope));
    }
    expected.retain(|_, scopes| !scopes.is_empty());
    assert_eq!(text::list(&found), text::list(&expected), "see above how to write it anew");
}

#[test]
fn what_is_new_and_what_is_left_is_told() {
    let all = standard();
    let first = *all.keys().next().expect("there are some");
    let odd = edge("SUCCEEDED w:none client -> PENDING");
    let (new, left) = Edges([(first, 1), (odd, 1)].into()).against_standard();
    assert_eq!(new, [odd]);
    assert_eq!(left, all.into_keys().skip(1).collect::<Vec<_>>());
}

#[test]
fn what_is_rare_is_listed_once_and_with_a_reason() {
    let (standard, listed) = (standard(), rare());
    assert_eq!(listed.len(), RARE.lines().count(), "no edge is there twice");
    for (edge, why) in &listed {
        assert!(standard.contains_key(edge), "{edge} is none of the standard scopes");
        assert!(why.len() > 20, "{edge}: {why}");
    }
    let lines: Vec<String> = listed.iter().map(|(edge, why)| format!("{edge}: {why}\n")).collect();
    assert_eq!(RARE, lines.concat(), "they stand in order");
}
