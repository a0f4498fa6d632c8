//! The virtual machine.

use iris_check::model::vm::{VmEvent, VmState};

use super::grid::Grid;

/// Re REQUESTING, Bo BOOTING, In INITIALIZING, Rd READY, Un UNHEALTHY (never produced), St
/// STOPPING, Te TERMINATED, Fa FAILED, Pr PREEMPTED. A worker may be heard before its provider is.
const VM: &str = "
                    Re  Bo  In  Rd  Un  St  Te  Fa  Pr
    granted       | Bo  -   -   -   !   -   -   -   -
    refused       | Fa  !   !   !   !   Te  -   -   -
    booted        | In  In  -   -   !   -   -   -   -
    first beat    | Rd  Rd  Rd  -   !   -   -   -   -
    timed out     | -   Fa  Fa  -   !   -   -   -   -
    worker died   | !   !   !   Fa  !   -   -   -   -
    stop          | St  St  St  St  !   -   -   -   -
    gone          | !   !   !   !   !   Te  -   Te  -
    reclaimed     | Pr  Pr  Pr  Pr  !   Pr  -   Pr  -
";

const STATES: [VmState; 9] = [
    VmState::Requesting,
    VmState::Booting,
    VmState::Initializing,
    VmState::Ready,
    VmState::Unhealthy,
    VmState::Stopping,
    VmState::Terminated,
    VmState::Failed,
    VmState::Preempted,
];

const EVENTS: [VmEvent; 9] = [
    VmEvent::Granted,
    VmEvent::Refused,
    VmEvent::Booted,
    VmEvent::FirstBeat,
    VmEvent::TimedOut,
    VmEvent::WorkerDied,
    VmEvent::Stop,
    VmEvent::Gone,
    VmEvent::Reclaimed,
];

fn name(state: VmState) -> &'static str {
    match state {
        VmState::Requesting => "Re",
        VmState::Booting => "Bo",
        VmState::Initializing => "In",
        VmState::Ready => "Rd",
        VmState::Unhealthy => "Un",
        VmState::Stopping => "St",
        VmState::Terminated => "Te",
        VmState::Failed => "Fa",
        VmState::Preempted => "Pr",
    }
}

fn event_name(event: VmEvent) -> &'static str {
    match event {
        VmEvent::Granted => "granted",
        VmEvent::Refused => "refused",
        VmEvent::Booted => "booted",
        VmEvent::FirstBeat => "first beat",
        VmEvent::TimedOut => "timed out",
        VmEvent::WorkerDied => "worker died",
        VmEvent::Stop => "stop",
        VmEvent::Gone => "gone",
        VmEvent::Reclaimed => "reclaimed",
    }
}

#[test]
fn every_pair_of_vm_state_and_event_is_as_the_contract_says() {
    let states = STATES.map(|state| (name(state), state));
    let events = EVENTS.map(|event| (event_name(event), event));
    Grid::read(VM).hold(&states, &events, VmState::on, name);
}

#[test]
fn vm_states_have_the_numbers_of_the_wire() {
    for (state, number) in STATES.into_iter().zip([9, 1, 2, 3, 4, 5, 6, 7, 8]) {
        assert_eq!(state.wire(), number, "{state}");
    }
}

#[test]
fn on_its_way_and_gone_exclude_each_other() {
    let of = |is: fn(VmState) -> bool| -> Vec<&str> {
        STATES.into_iter().filter(|state| is(*state)).map(name).collect()
    };
    assert_eq!(of(VmState::is_on_its_way), ["Re", "Bo", "In"]);
    assert_eq!(of(VmState::is_gone), ["Te", "Pr"]);
}
