//! The twenty-one scenarios of the chaos analysis: its names, its order, one exact outcome each.

use iris_check::conform::scenarios::{Env, Got, SCENARIOS, Scenario};
use iris_check::real::cluster::in_virtual_time;

/// Runs a scenario in virtual time with one seed.
fn play(scenario: &Scenario, seed: u64) -> Got {
    let outcome = in_virtual_time(scenario.run(Env::virtual_time(seed)));
    outcome.unwrap_or_else(|differs| panic!("{} with seed {seed}: {differs}", scenario.name))
}

#[test]
fn all_in_virtual_time() {
    for scenario in &SCENARIOS {
        let t = std::time::Instant::now();
        let got = std::panic::catch_unwind(|| play(scenario, 1));
        eprintln!("{} {:?} {:?}", scenario.name, got.map_err(|_| ()), t.elapsed());
    }
}
