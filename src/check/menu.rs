//! Faults: which may still occur, and which losses are no faults because the way is cut or the
//! other side is down.

use crate::model::id::WorkerId;
use crate::model::operation::{Fate, FaultKind, Operation, RunFate};

use super::scope::Menu;
use super::state::State;

/// The counters at the beginning.
pub(super) fn full(menu: &Menu) -> u128 {
    let each = menu.each.iter().enumerate();
    each.fold(u128::from(menu.any), |left, (kind, count)| {
        left | u128::from(*count) << (4 * (kind + 1))
    })
}

fn place(kind: FaultKind) -> usize {
    4 * (kind as usize + 1)
}

/// Whether a fault of this kind may still occur.
pub(super) fn may(menu: &Menu, left: u128, kind: FaultKind) -> bool {
    menu.endless.contains(kind)
        || left >> place(kind) & 15 > 0
        || (menu.kinds.contains(kind) && left & 15 > 0)
}

/// The counters after a fault of this kind: its own number is spent before the shared one.
pub(super) fn spend(menu: &Menu, left: u128, kind: FaultKind) -> Option<u128> {
    if menu.endless.contains(kind) {
        Some(left)
    } else if left >> place(kind) & 15 > 0 {
        Some(left - (1 << place(kind)))
    } else if menu.kinds.contains(kind) && left & 15 > 0 {
        Some(left - 1)
    } else {
        None
    }
}

/// How things stand between the controller and a worker.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// Whether the worker is down or there is no such machine.
    pub(super) worker_down: bool,
    /// Whether nothing gets to the worker.
    pub(super) cut_to: bool,
    /// Whether the controller hears nothing from it: cut, or down itself.
    pub(super) deaf: bool,
}

impl Way {
    /// Whether a worker's message must have this fate.
    fn must_fail(self, fate: Fate) -> bool {
        match fate {
            Fate::RequestLost => self.deaf,
            Fate::AnswerLost => self.cut_to,
            Fate::Done | Fate::Late | Fate::Duplicated => false,
        }
    }

    pub(super) fn of(state: &State, id: WorkerId) -> Self {
        match state.node(id) {
            None => Self { worker_down: true, cut_to: false, deaf: !state.up },
            Some(node) => Self {
                worker_down: node.worker.is_none(),
                cut_to: node.cut_to,
                deaf: !state.up || node.cut_from,
            },
        }
    }
}

/// Whether an operation that would be a fault is what must happen here, and costs nothing.
pub(super) fn is_free(state: &State, operation: Operation) -> bool {
    let asked = |id| {
        let message = state.net.iter().find(|message| message.attempt() == id);
        message.map(|message| Way::of(state, message.seat().worker))
    };
    if let Operation::Run(id, fate) = operation {
        return asked(id).is_some_and(|way| match fate {
            RunFate::NotSent => way.worker_down,
            RunFate::Lost => way.cut_to,
            RunFate::Arrives | RunFate::Unexpected | RunFate::Late | RunFate::Duplicated => false,
        });
    }
    if let Operation::RunAnswer(id, _) = operation {
        return asked(id).is_some_and(|way| way.deaf);
    }
    if let Operation::Kill(id, fate) = operation {
        return asked(id).is_some_and(|way| match fate {
            Fate::RequestLost => way.worker_down || way.cut_to,
            Fate::AnswerLost => way.deaf,
            Fate::Done | Fate::Late | Fate::Duplicated => false,
        });
    }
    if let Operation::Report(id, fate) | Operation::FinalReport(id, fate) = operation {
        return asked(id).is_some_and(|way| way.must_fail(fate));
    }
    if let Operation::Beat(id, fate) | Operation::BeatArrives(id, fate) = operation {
        return Way::of(state, id).must_fail(fate);
    }
    matches!(operation, Operation::BeatAnswer(id, _) if Way::of(state, id).cut_to)
}
