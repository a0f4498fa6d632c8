//! What a chaos point costs where nothing goes wrong: against a loop with nothing in it, and
//! against one relaxed load, which is all that a point without rules should be.

#![expect(clippy::print_stdout, reason = "numbers are for whoever asked for them")]
#![expect(clippy::disallowed_methods, reason = "time is what is measured")]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use iris_check::model::id::WorkerId;
use iris_check::real::chaos::{Chaos, Node, Point, Verb};
use iris_check::real::clock::Clock;

const ROUNDS: usize = 9;

/// Nanoseconds of one turn: the fastest of some rounds, the others were disturbed.
fn measure(turns: u32, mut turn: impl FnMut()) -> f64 {
    let round = |_| {
        let begin = Instant::now();
        (0..turns).for_each(|_| turn());
        begin.elapsed().as_secs_f64() * 1e9 / f64::from(turns)
    };
    (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
}

fn main() {
    let node = Some(Node::Worker(WorkerId(1)));
    let flag = AtomicBool::new(false);
    let without = Chaos::new(1, Clock::real());
    let elsewhere = Chaos::new(1, Clock::real());
    elsewhere.at(Point::JournalAppend).crash();
    let ten = Chaos::new(1, Clock::real());
    for other in 2..12 {
        ten.at(Point::ControllerDispatch).on(WorkerId(other)).drop_request();
    }
    let ask = |chaos: &Chaos| {
        let verb = black_box(chaos).decide(black_box(Point::ControllerDispatch), black_box(node));
        black_box(verb);
    };
    let fast = 50_000_000;
    let slow = 1_000_000;
    // The same arguments and the same kind of answer as at a point, so that these cancel out.
    let nothing = |_: Point, _: Option<Node>| -> Option<Verb> { None };
    let load = |_: Point, _: Option<Node>| -> Option<Verb> {
        black_box(&flag).load(Ordering::Relaxed).then_some(Verb::Crash)
    };
    let empty = measure(fast, || {
        black_box(nothing(black_box(Point::ControllerDispatch), black_box(node)));
    });
    let load = measure(fast, || {
        black_box(load(black_box(Point::ControllerDispatch), black_box(node)));
    });
    let rows = [
        ("the loop and its arguments alone", empty),
        ("with one relaxed load", load),
        ("a point, no rule set", measure(fast, || ask(&without))),
        ("a point, one rule elsewhere", measure(slow, || ask(&elsewhere))),
        ("a point, ten rules on other nodes", measure(slow, || ask(&ten))),
    ];
    for (name, each) in rows {
        let ratio = each / load;
        println!("{name:<36} {each:>8.2} ns, {ratio:>6.2} x one relaxed load");
    }
}
