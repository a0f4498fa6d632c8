//! Cluster files: what each group becomes, what is said about it, and what a bad file is told.

use std::fs;
use std::path::Path;

use iris_check::check::cluster::read_cluster;
use iris_check::check::scope::Scope;
use iris_check::model::time::Millis;

#[test]
fn the_example_becomes_a_scope_and_says_what_it_shrank() {
    let reading = read_cluster(&example("cluster.yaml"), "cluster.yaml").expect("it is fine");
    let scope = reading.scope;
    assert_eq!(
        scope.describe(),
        "2 scale groups of at most 3 slices, 2 jobs, 3 tasks (gang), any 1 of 7 faults, policy \
         hardened with changes"
    );
    let sizes: Vec<(u16, u16, u8)> =
        scope.groups.iter().map(|it| (it.min_slices, it.max_slices, it.vms_per_slice)).collect();
    assert_eq!(sizes, [(1, 2, 1), (0, 1, 2)]);
    assert_eq!(scope.policy.boot_timeout, Millis::seconds(300));
    let expected = [
        "cpu: max_slices 4 → 2, resources → room for one task on each machine",
        "tpu_v5e_16: max_slices 40 → 2, 2 zones → 1, 4 machines in a slice of v5litepod-16 → 2",
        "tpu_v5e_16: max_slices → 1, to make room for other groups",
        "g1 is cpu, g2 is tpu_v5e_16",
        "only some groups are preemptible; the menu of faults does not tell them apart and offers \
         slice_preempted for all",
        "ignored, because they do not matter to lifecycles: platform",
    ];
    assert_eq!(reading.notes, expected);
    assert_eq!(Scope::parse(&scope.text, "again"), Ok(scope));
}

#[test]
fn the_example_scope_is_read() {
    let scope = Scope::parse(&example("scope.toml"), "scope.toml").expect("it is fine");
    assert_eq!(
        scope.describe(),
        "2 workers, 1 task, any 1 of 3 faults, 1 × worker_crash, 2 × exit_error, policy hardened"
    );
}

#[test]
fn what_is_too_much_together_is_made_small_and_said() {
    let group = |name: &str, rest: &str| format!("  {name}: {{max_slices: {rest}}}\n");
    let rows: [(Vec<String>, usize, Vec<&str>); 4] = [
        (vec![group("a", "1")], 1, vec![]),
        (
            vec![group("b", "1"), group("a", "1"), group("c", "1")],
            2,
            vec!["c: left out, because it is like a, b", "g1 is a, g2 is b"],
        ),
        (
            vec![group("a", "1, accelerator_type: v4-16"), group("b", "2, zones: [n1, n2]")],
            2,
            vec!["b: 2 zones → 1", "g1 is a, g2 is b"],
        ),
        (
            vec![
                group("a", "1, accelerator_type: v4-16"),
                group("b", "1, accelerator_type: v4-16, preemptible: true"),
                group("c", "1"),
                group("d", "0"),
            ],
            2,
            vec![
                "d: left out, because its max_slices is 0",
                "c: left out, because all groups together are too much for one scope; put it in a \
                 file of its own and check that as well",
                "g1 is a, g2 is b",
                "only some groups are preemptible; the menu of faults does not tell them apart and \
                 offers slice_preempted for all",
            ],
        ),
    ];
    for (groups, left, notes) in rows {
        let text = format!("scale_groups:\n{}", groups.concat());
        let reading = read_cluster(&text, "c.yaml").expect(&text);
        assert_eq!((reading.scope.groups.len(), reading.notes), (left, own(&notes)), "{text}");
    }
}

fn own(notes: &[&str]) -> Vec<String> {
    notes.iter().map(ToString::to_string).collect()
}

#[test]
fn a_bad_cluster_file_is_refused_with_line_and_key() {
    let rows = [
        (
            "",
            "c.yaml:1: it is empty; expected the cluster's `scale_groups:`, each with its \
             max_slices",
        ),
        (
            "# nothing\n\n",
            "c.yaml:1: it is empty; expected the cluster's `scale_groups:`, each with its \
             max_slices",
        ),
        ("a: 1\nb: [\n", "c.yaml:2: this is not YAML: unclosed bracket '[' at line 2, column 4"),
        ("scale_groups:\n\ttpu: {}\n", "c.yaml:2: this is not YAML: "),
        (
            "just a sentence",
            "c.yaml:1: this is no cluster file in YAML: expected `scale_groups:` and below it the \
             groups, found \"just a sentence\"",
        ),
        ("platform: gcp", "c.yaml:1: scale_groups: it is missing; name the cluster's groups"),
        ("scale_groups:", "c.yaml:1: scale_groups: expected a table, found nothing"),
        (
            "scale_groups:\n  tpu:\n    min_slices: 1",
            "c.yaml:2: scale_groups.tpu.max_slices: it is missing; say how many slices there may \
             be at once",
        ),
        (
            "scale_groups:\n  tpu:\n    max_slices: many",
            "c.yaml:3: scale_groups.tpu.max_slices: expected a whole number from 0 to 1000000, \
             found \"many\"",
        ),
        (
            "scale_groups:\n  tpu:\n    max_slices: 2\n    min_slices: 3",
            "c.yaml:4: scale_groups.tpu.min_slices: expected a whole number from 0 to 2, found 3",
        ),
        (
            "scale_groups:\n  tpu:\n    max_slices: 2\n    preemptible: 3",
            "c.yaml:4: scale_groups.tpu.preemptible: expected true or false, found 3",
        ),
        (
            "scale_groups: {tpu: {max_slices: 0}}",
            "c.yaml:1: scale_groups: no group may have a slice: nothing could ever run; give one \
             of them max_slices of 1 or more",
        ),
        (
            "scale_groups: {tpu: {max_slices: 1}}\ntimeouts:\n  boot_timeout_seconds: 0",
            "c.yaml:3: timeouts.boot_timeout_seconds: expected a whole number from 1 to 4294967, \
             found 0",
        ),
    ];
    for (text, expected) in rows {
        let error = read_cluster(text, "c.yaml").expect_err(text).to_string();
        let open = expected.ends_with("YAML: ");
        assert!(if open { error.starts_with(expected) } else { error == expected }, "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    fs::read_to_string(path).expect("the example is there")
}
