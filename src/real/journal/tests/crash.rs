//! Power that fails, disks that fail, stores that panic: at every operation, in every way.

use std::panic::AssertUnwindSafe;

use proptest::prelude::*;

use super::super::{AppendError, Fault, Kept, Loss, Memory};
use super::story::{Story, open, prefix};

/// What a controller does with its journal.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// So many entries at once.
    Append(usize),
    Snapshot,
}

const LIFE: [Act; 8] = [
    Act::Append(2),
    Act::Append(1),
    Act::Snapshot,
    Act::Append(5),
    Act::Append(1),
    Act::Snapshot,
    Act::Snapshot,
    Act::Append(3),
];

/// Every way to lose what was not synced: of every number of names and bytes worth telling apart.
fn losses() -> Vec<Loss> {
    let mut bytes = vec![Kept::Nothing, Kept::All];
    for some in [1, 7, 63, 64, 65, 200, 448, 512, 1000, 4000] {
        bytes.extend([Kept::Grown(some), Kept::Zeros(some)]);
    }
    bytes.extend([0, 1, 2, 4, 5, 0xaaaa_aaaa_aaaa_aaaa, !1, !8].map(Kept::Sectors));
    let names = |bytes| (0..3).chain([usize::MAX]).map(move |names| Loss { names, bytes });
    bytes.into_iter().flat_map(names).collect()
}

/// Lives until something fails. Answers how many entries were acknowledged, and how many may be
/// there.
fn live(story: &Story, memory: &Memory, acts: &[Act]) -> (usize, usize) {
    let Ok((mut journal, recovered)) = open(memory) else { return (0, 0) };
    let mut done = prefix(story, &recovered);
    for act in acts {
        let mut tried = done;
        let result = match act {
            Act::Append(entries) => {
                tried = (done + entries).min(story.len());
                journal.append(story.entries(done, tried))
            }
            Act::Snapshot => journal.snapshot(&story.snapshot(done)),
        };
        match result {
            Ok(()) => done = tried,
            Err(AppendError::Undone(_)) => {}
            Err(AppendError::Broken(_)) => return (done, tried),
        }
    }
    (done, done)
}

fn operations(story: &Story) -> usize {
    let memory = Memory::default();
    live(story, &memory, &LIFE);
    memory.operations()
}

#[test]
fn a_power_loss_at_any_operation_loses_nothing_acknowledged() {
    let story = Story::new();
    let (mut cut, mut ahead) = (0, 0);
    for operation in 0..operations(&story) {
        for loss in losses() {
            let memory = Memory::default();
            memory.fail(operation, Fault::PowerOff);
            let (acknowledged, tried) = live(&story, &memory, &LIFE);
            memory.restart(loss);
            let opened = open(&memory);
            let (_, recovered) = opened.unwrap_or_else(|e| panic!("{operation}, {loss:?}: {e}"));
            let there = prefix(&story, &recovered);
            let expected = acknowledged..=tried;
            assert!(expected.contains(&there), "{operation}, {loss:?}: {there} of {expected:?}");
            cut += usize::from(recovered.torn.is_some());
            ahead += usize::from(there > acknowledged);
            // What was recovered is acted on: it must be durable.
            memory.restart(Loss::TOTAL);
            let (mut journal, recovered) = open(&memory).expect("nothing fails");
            assert_eq!((prefix(&story, &recovered), recovered.torn), (there, None));
            journal.append(story.entries(there, story.len())).expect("nothing fails");
            memory.restart(Loss::TOTAL);
            let (_, recovered) = open(&memory).expect("nothing fails");
            assert_eq!(prefix(&story, &recovered), story.len());
        }
    }
    assert!(cut > 100 && ahead > 100, "the hard cases occur: {cut} cut off, {ahead} ahead");
}

/// A process that dies while it opens the journal that another one left.
#[test]
fn a_power_loss_while_opening_loses_nothing() {
    let story = Story::new();
    for first in 0..operations(&story) {
        for (left, again) in losses().into_iter().zip(losses().into_iter().rev()) {
            for second in 0..8 {
                let memory = Memory::default();
                memory.fail(first, Fault::PowerOff);
                let (acknowledged, tried) = live(&story, &memory, &LIFE);
                memory.restart(left);
                memory.fail(second, Fault::PowerOff);
                let seen = open(&memory).map_or(acknowledged, |(_, it)| prefix(&story, &it));
                memory.restart(again);
                let opened = open(&memory);
                let (_, recovered) = opened.unwrap_or_else(|error| {
                    panic!("{first}, {left:?}, {second}, {again:?}: {error}")
                });
                let there = prefix(&story, &recovered);
                assert!((seen..=tried).contains(&there), "{first}, {left:?}, {second}, {again:?}");
            }
        }
    }
}

#[test]
fn any_operation_that_fails_is_undone_or_ends_the_journal() {
    let story = Story::new();
    for operation in 0..operations(&story) {
        for loss in [Loss::NONE, Loss::TOTAL] {
            let memory = Memory::default();
            memory.fail(operation, Fault::Refuse);
            let (acknowledged, tried) = live(&story, &memory, &LIFE);
            memory.restart(loss);
            let (_, recovered) = open(&memory).expect("nothing fails any more");
            let there = prefix(&story, &recovered);
            assert!((acknowledged..=tried).contains(&there), "{operation}, {loss:?}: {there}");
        }
    }
}

#[test]
fn a_panic_in_the_store_is_an_error() {
    let story = Story::new();
    for operation in 0..operations(&story) {
        let memory = Memory::default();
        memory.fail(operation, Fault::Panic);
        let lived = AssertUnwindSafe(|| live(&story, &memory, &LIFE));
        let (acknowledged, tried) = std::panic::catch_unwind(lived).expect("no panic comes out");
        let (_, recovered) = open(&memory).expect("nothing fails any more");
        let there = prefix(&story, &recovered);
        assert!((acknowledged..=tried).contains(&there), "{operation}: {there}");
    }
}

#[test]
fn a_panic_is_told_as_what_it_is() {
    let story = Story::new();
    let memory = Memory::default();
    memory.fail(0, Fault::Panic);
    let error = open(&memory).err().expect("an error");
    assert_eq!(
        error.to_string(),
        "the journal cannot be opened, all that counts in it is as it was: list the folder \
         panicked: a store that panics, as asked"
    );
    let (mut journal, _) = open(&memory).expect("nothing fails");
    memory.fail(0, Fault::Panic);
    let error = journal.append(story.entries(0, 1)).expect_err("a panic");
    assert!(matches!(error, AppendError::Broken(_)), "{error}");
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![4 => (0..4_usize).prop_map(Act::Append), 1 => Just(Act::Snapshot)];
    prop::collection::vec(act, 1..6)
}

fn kept() -> impl Strategy<Value = Kept> {
    prop_oneof![
        Just(Kept::Nothing),
        Just(Kept::All),
        (0..3000_usize).prop_map(Kept::Grown),
        (0..3000_usize).prop_map(Kept::Zeros),
        any::<u64>().prop_map(Kept::Sectors),
    ]
}

fn runs() -> impl Strategy<Value = Vec<(Vec<Act>, usize, Fault, Loss)>> {
    let fault = prop_oneof![Just(Fault::PowerOff), Just(Fault::Refuse)];
    let loss = (0..5_usize, kept()).prop_map(|(names, bytes)| Loss { names, bytes });
    prop::collection::vec((acts(), 0..30_usize, fault, loss), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Lives that end in power losses, one after the other: nothing acknowledged is ever lost. A
    /// zero byte of the last few at the very end may look like damage, which is an error then.
    #[test]
    fn nothing_acknowledged_is_lost_over_many_lives(runs in runs()) {
        let story = Story::new();
        let memory = Memory::default();
        let mut least = 0;
        for (acts, operation, fault, loss) in runs {
            memory.fail(operation, fault);
            let (acknowledged, tried) = live(&story, &memory, &acts);
            memory.restart(loss);
            let (_, recovered) = match open(&memory) {
                Ok(opened) => opened,
                Err(error) => {
                    prop_assert!(matches!(loss.bytes, Kept::Zeros(_)), "{loss:?}: {error}");
                    return Ok(());
                }
            };
            let there = prefix(&story, &recovered);
            prop_assert!(there >= least && there >= acknowledged, "{there}, {acknowledged}");
            prop_assert!(there <= tried.max(least), "{there}, {tried}");
            least = there;
        }
    }
}
