//! Any inputs in any order: nothing starts twice in an incarnation, nothing makes it panic.

use iris_check::model::exit::Fault;
use iris_check::model::id::{AttemptId, Incarnation, JobId};
use iris_check::model::policy::Policy;
use iris_check::model::resources::Resources;
use iris_check::model::timer::WorkerTimer;
use iris_check::model::wire::{Attempts, BeatReply, KillTask, RunTask};
use iris_check::worker_sm::{Exit, WorkerInput};

use super::rig::Rig;

/// Numbers that one seed decides.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        u32::try_from((self.0 >> 33) % u64::from(n)).expect("it is below n")
    }

    fn attempt(&mut self) -> AttemptId {
        JobId(1).task(0).attempt(u16::try_from(self.below(6)).expect("small"))
    }

    fn attempts<L: FromIterator<AttemptId>>(&mut self) -> L {
        (0..self.below(3)).map(|_| self.attempt()).collect()
    }
}

fn next(dice: &mut Dice, rig: &Rig) -> WorkerInput {
    let attempt = dice.attempt();
    let mut seat = rig.sm.seat();
    if dice.below(8) == 0 {
        seat.incarnation = Incarnation(1 + dice.below(9));
    }
    match dice.below(20) {
        0..=4 => WorkerInput::Run(RunTask { attempt, seat }, Resources::cpus(dice.below(3))),
        5..=6 => {
            let only_if_not_started = dice.below(2) == 0;
            WorkerInput::Kill(KillTask { attempt, seat, only_if_not_started })
        }
        7..=9 => {
            let known = dice.below(9) > 0;
            let (mut acked, stop, fence): (Attempts, Attempts, Attempts) =
                (dice.attempts(), dice.attempts(), dice.attempts());
            // What a controller has acknowledged it does not ask for again in the same breath.
            acked.retain(|id| !stop.contains(id) && !fence.contains(id));
            let reply = BeatReply { known, acked, stop, fence };
            WorkerInput::BeatAnswered(seat.incarnation, reply)
        }
        10 => WorkerInput::ReportAcked(attempt),
        11..=13 => WorkerInput::Launched(attempt),
        14 => WorkerInput::LaunchFailed(attempt, Fault::Bundle),
        15..=17 => {
            let exits = [Exit::Success, Exit::Error, Exit::Stopped];
            WorkerInput::Exited(attempt, exits[dice.below(3) as usize])
        }
        18 => WorkerInput::MonitorDied(attempt),
        _ if dice.below(4) == 0 => WorkerInput::Fired(WorkerTimer::Lease),
        _ => WorkerInput::Fired(WorkerTimer::Kill(attempt)),
    }
}

#[test]
fn nothing_starts_twice_whatever_comes() {
    for policy in [Policy::HARDENED, Policy::AS_REPORTED_RECONCILE] {
        for seed in 0..200 {
            let (mut rig, mut dice) = (Rig::under(&policy), Dice(seed));
            let (mut started, mut seat) = (Vec::new(), rig.sm.seat());
            for _ in 0..500 {
                let input = next(&mut dice, &rig);
                let told = format!("{input:?}");
                let orders = rig.on(input);
                for order in orders.split("; ").filter(|order| order.starts_with("launch")) {
                    assert!(!started.contains(&order.to_owned()), "{order} again by {told}");
                    started.push(order.to_owned());
                }
                if seat != rig.sm.seat() {
                    seat = rig.sm.seat();
                    started.clear();
                }
            }
        }
    }
}
