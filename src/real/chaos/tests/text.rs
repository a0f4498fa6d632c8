//! Rules as text, and what is said of those that are none.

use proptest::prelude::*;

use super::*;

fn node(about: About) -> BoxedStrategy<Option<Node>> {
    let group = any::<u16>().prop_map(GroupId);
    let slice = (any::<u16>(), any::<u32>())
        .prop_map(|(group, number)| SliceId { group: GroupId(group), number });
    let some = match about {
        About::Cluster => return Just(None).boxed(),
        About::Worker => any::<u32>().prop_map(|id| WorkerId(id).into()).boxed(),
        About::Slice => prop_oneof![group.prop_map(Node::from), slice.prop_map(Node::from)].boxed(),
        About::Vm => any::<u32>().prop_map(|id| VmId(id).into()).boxed(),
    };
    proptest::option::of(some).boxed()
}

fn verb(word: &'static str) -> BoxedStrategy<Verb> {
    let codes = (1..17).prop_map(|code| Verb::Fail(Code::from_i32(code)));
    match word {
        "fail" => codes.boxed(),
        "delay" => any::<u32>().prop_map(|length| Verb::Delay(Millis(length))).boxed(),
        "drop_request" => Just(Verb::DropRequest).boxed(),
        "drop_response" => Just(Verb::DropResponse).boxed(),
        "duplicate" => Just(Verb::Duplicate).boxed(),
        _ => Just(Verb::Crash).boxed(),
    }
}

fn when() -> impl Strategy<Value = When> {
    let number = || proptest::option::of(1..u64::MAX);
    let window = (any::<u32>(), any::<u32>()).prop_filter_map("it is empty", |(a, b)| {
        (a != b).then(|| (Millis(a.min(b)), Millis(a.max(b))))
    });
    let rate = proptest::option::of((f64::MIN_POSITIVE..=1.0).boxed());
    (rate, number(), number(), number(), proptest::option::of(window)).prop_map(
        |(rate, nth, first, at_most, during)| {
            let first = first.map(|first| first.max(nth.unwrap_or(0)));
            When { rate, nth, first, at_most, during }
        },
    )
}

fn rule() -> impl Strategy<Value = Rule> {
    let point = proptest::sample::select(Point::ALL.to_vec());
    point.prop_flat_map(|point| {
        let verb = proptest::sample::select(point.verbs()).prop_flat_map(verb);
        (node(point.about()), verb, when()).prop_map(move |(node, verb, when)| Rule {
            point,
            node,
            verb,
            when,
        })
    })
}

proptest! {
    #[test]
    fn a_rule_is_read_as_it_is_printed(rule in rule()) {
        let text = rule.to_string();
        prop_assert_eq!(text.parse(), Ok(rule.clone()));
        let json = serde_json::to_string(&rule).expect("a text");
        prop_assert_eq!(&json, &format!("{text:?}"));
        prop_assert_eq!(serde_json::from_str::<Rule>(&json).expect("the same text"), rule);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        let _ = parse_file(&text, "chaos.txt");
    }
}

#[test]
fn each_verb_and_each_condition_has_its_words() {
    let rows = [
        "controller.dispatch fail UNAVAILABLE rate 0.3 during 0s..10s",
        "worker.heartbeat on w1 drop_response nth 2",
        "controller.heartbeat_reply on w2 delay 250ms first 3 at_most 2",
        "provider.create_slice on g1/s2 fail RESOURCE_EXHAUSTED",
        "provider.preempt on g1 delay 30s nth 2",
        "provider.init on v4 drop_request",
        "worker.submit_task duplicate",
        "controller.crash crash during 1500ms..2s",
        "journal.append crash nth 7",
    ];
    for row in rows {
        let rule: Rule = row.parse().unwrap_or_else(|bad| panic!("{row}: {bad}"));
        assert_eq!(rule.to_string(), row);
    }
    let disorder = "worker.heartbeat  on w1\tcrash at_most 2   rate 0.50";
    let rule: Rule = disorder.parse().expect("conditions stand in any order");
    assert_eq!(rule.to_string(), "worker.heartbeat on w1 crash rate 0.5 at_most 2");
}

#[test]
fn each_point_and_each_status_is_read_as_it_is_printed() {
    for point in Point::ALL {
        assert_eq!(point.to_string().parse(), Ok(point));
        assert!(point.verbs().iter().all(|verb| Verb::WORDS.contains(verb)), "{point}");
    }
    for node in ["w1", "g1", "g1/s2", "v4"] {
        assert_eq!(node.parse::<Node>().expect("a node").to_string(), node);
    }
    for number in 1..17 {
        let code = Code::from_i32(number);
        let text = format!("journal.append fail {}", code_name(code));
        assert_eq!(text.parse(), Ok(Rule::new(Point::JournalAppend, Verb::Fail(code))), "{text}");
    }
}

#[test]
fn what_is_no_rule_is_refused_with_its_place_and_what_to_write() {
    let statuses = "CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, \
                    ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION, \
                    ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, \
                    UNAUTHENTICATED";
    let no_status = format!("column 23: `LATE` is no status of gRPC: name one of {statuses}");
    let all = Point::ALL.map(Point::name).join(", ");
    let no_point = format!("column 2: `worker.beat` is no chaos point: name one of {all}");
    let verbs = "fail, delay, drop_request, drop_response, duplicate, crash";
    let no_verb = format!("column 18: `explode` is no verb: write one of {verbs}");
    let no_more = format!("column 17: the rule ends here: write a verb: one of {verbs}");
    let length = "write whole seconds such as `3s` or milliseconds such as `250ms`, at most 49 \
                  days";
    let no_length = format!("column 24: `3h` is no length of time: {length}");
    let too_long = format!("column 24: `4294968s` is no length of time: {length}");
    #[rustfmt::skip]
    let rows = [
        (" worker.beat crash", no_point.as_str()),
        ("", "column 1: the rule ends here: write a point such as `worker.heartbeat`"),
        ("worker.heartbeat explode", no_verb.as_str()),
        ("worker.heartbeat", no_more.as_str()),
        ("worker.heartbeat on", "column 20: the rule ends here: write a node such as `w1`"),
        ("worker.heartbeat on me crash", "column 21: `me` is no node: write a worker such as `w1`, \
            a group such as `g1`, a slice such as `g1/s2`, or a VM such as `v4`"),
        ("worker.heartbeat fail LATE", no_status.as_str()),
        ("worker.heartbeat delay 3h", no_length.as_str()),
        ("worker.heartbeat delay 4294968s", too_long.as_str()),
        ("worker.heartbeat crash twice", "column 24: `twice` is no condition: write one of rate, \
            nth, first, at_most, during"),
        ("worker.heartbeat crash nth 1 nth 2", "column 30: `nth` stands here a second time: leave \
            one of them"),
        ("worker.heartbeat crash nth +1", "column 28: `+1` is no number: write one such as `2`"),
        ("worker.heartbeat crash rate often", "column 29: `often` is no chance: write a number \
            above 0, at most 1"),
        ("worker.heartbeat crash during 10s", "column 31: `10s` is no window: write its two ends \
            such as `0s..10s`"),
    ];
    for (text, expected) in rows {
        let bad = text.parse::<Rule>().expect_err(text);
        assert_eq!(bad.to_string(), expected, "{text}");
    }
}

#[test]
fn what_could_never_fire_is_refused_with_what_could() {
    #[rustfmt::skip]
    let rows = [
        ("worker.bundle_download duplicate",
            "`worker.bundle_download` cannot `duplicate`: it can fail, delay"),
        ("controller.crash delay 1s", "`controller.crash` cannot `delay`: it can crash"),
        ("worker.heartbeat fail OK",
            "`fail OK` is no failure: name another status"),
        ("worker.heartbeat on v4 crash",
            "`worker.heartbeat` is about a worker such as `w1`: not `v4`"),
        ("journal.append on w1 crash",
            "`journal.append` is about the cluster as a whole, no node: not `w1`"),
        ("provider.boot on g1 delay 1s", "`provider.boot` is about a VM such as `v4`: not `g1`"),
        ("provider.preempt on v4 delay 1s", "`provider.preempt` is about a slice such as `g1/s2`, \
            or all of a group such as `g1`: not `v4`"),
        ("worker.heartbeat crash rate 0", "`rate 0` is no chance: write a number above 0, at \
            most 1"),
        ("worker.heartbeat crash rate 1.5", "`rate 1.5` is no chance: write a number above 0, at \
            most 1"),
        ("worker.heartbeat crash rate NaN", "`rate NaN` is no chance: write a number above 0, at \
            most 1"),
        ("worker.heartbeat crash first 0", "`first 0` never fires: hits and firings count from 1"),
        ("worker.heartbeat crash nth 3 first 2",
            "`nth 3` is not among `first 2`: leave out one of them"),
        ("worker.heartbeat crash during 2s..2000ms",
            "`during 2s..2s` is empty: let it end after it begins"),
    ];
    for (text, expected) in rows {
        let bad = text.parse::<Rule>().expect_err(text);
        assert_eq!(bad.to_string(), expected, "{text}");
    }
}

#[test]
fn a_chaos_file_has_one_rule_a_line_and_an_error_has_its_place() {
    let text = "# calls\ncontroller.kill crash # once\n\n  worker.heartbeat delay 1s\n";
    let rules = parse_file(text, "chaos.txt").expect("a good file");
    let lines: Vec<String> = rules.iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["controller.kill crash", "worker.heartbeat delay 1s"]);

    let bad = parse_file("# calls\n  worker.heartbeat delay 1h", "chaos.txt").expect_err("1h");
    assert!(bad.to_string().starts_with("chaos.txt:2:26: `1h` is no length"), "{bad}");
    let bad = parse_file("\nworker.crash delay 1s", "chaos.txt").expect_err("it can only crash");
    assert_eq!(bad.to_string(), "chaos.txt:2: `worker.crash` cannot `delay`: it can crash");
}
