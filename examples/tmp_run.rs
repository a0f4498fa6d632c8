#[global_allocator]
static A: mimalloc::MiMalloc = mimalloc::MiMalloc;
use iris_check::{check, explore};
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let threads: usize = args[1].parse().unwrap();
    let max: u64 = args[2].parse().unwrap();
    for name in &args[3..] {
        println!(
            "State {} Controller {} Node {} Worker {}",
            size_of::<check::State>(),
            size_of::<iris_check::controller_sm::ControllerSm>(),
            size_of::<check::Node>(),
            size_of::<iris_check::worker_sm::WorkerSm>()
        );
        let scope = match check::Scope::named(name) {
            Some(s) => s,
            None => check::Scope::parse(&std::fs::read_to_string(name).unwrap(), name).unwrap(),
        };
        let t = std::time::Instant::now();
        let o = check::run(
            &scope,
            &explore::Limits {
                max_states: Some(max),
                max_depth: None,
                max_memory: None,
                threads,
                stop: &|| None,
                progress: &|_| (),
            },
        );
        println!(
            "{name}: {} states {} transitions depth {} {:?} {:?}",
            o.states,
            o.transitions,
            o.depth,
            o.stopped,
            t.elapsed()
        );
        for r in &o.rows {
            print!(
                "{}:{} ",
                r.id,
                match r.verdict {
                    check::Verdict::Holds => "ok".into(),
                    check::Verdict::Vacuous => "vac".into(),
                    check::Verdict::Violated => "VIOLATED".to_string(),
                    check::Verdict::Incomplete(_) => "inc".into(),
                }
            );
        }
        println!();
        for f in &o.findings {
            println!("{}", f.to_text(None));
        }
    }
}
