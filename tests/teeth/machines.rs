//! What is broken in the two machines.

use super::table::Defect;

pub const ROWS: &[Defect] = &[
    Defect {
        name: "loss_charged_as_delivery",
        file: "src/controller_sm/jobs.rs",
        broken: "an attempt that is lost with its worker is charged to the delivery budget",
        find: "let budget = cause.charges(outcome);",
        put: r#"let mut budget = cause.charges(outcome);
    if crate::defect::is("loss_charged_as_delivery") && budget == Some(Budget::Preemption) {
        budget = Some(Budget::Delivery);
    }"#,
        least: 2,
        by: "a job without an end; its worker crashes",
    },
    Defect {
        name: "one_retry_more",
        file: "src/controller_sm/jobs.rs",
        broken: "a budget of n lets a task go back n + 1 times",
        find: "let exhausted = charged.is_some_and(\
               |budget| job.terms.exhausted(task.spent, budget));",
        put: r#"let more = u16::from(crate::defect::is("one_retry_more"));
        let exhausted = charged.is_some_and(|budget| {
            task.spent.of(budget) > job.terms.budgets.of(budget).saturating_add(more)
        });"#,
        least: 1,
        by: "a job that fails",
    },
    Defect {
        name: "bounce_is_charged",
        file: "src/controller_sm/jobs.rs",
        broken: "a gang member that goes back because of a sibling pays for it as well",
        find: "let charged = charge(retry, cause, outcome);",
        put: r#"let bounced = cause == Cause::Gang && outcome == Outcome::CoschedFailed;
        let charged = charge(retry, cause, outcome).or((bounced
            && crate::defect::is("bounce_is_charged"))
        .then_some(Budget::Preemption));"#,
        least: 1,
        by: "a gang of two of which one fails and may go on",
    },
    Defect {
        name: "cancel_waits_for_the_exit",
        file: "src/controller_sm/jobs.rs",
        broken: "a cancel only sends KillTask; what the worker then says decides how it ended",
        find: "(true, Some(number)) => \
               self.decide(turn, task.attempt(number), ending),",
        put: r#"(true, Some(number))
                    if ending == Ending::Cancelled
                        && crate::defect::is("cancel_waits_for_the_exit") =>
                {
                    if let Some(seat) = self.attempt(task.attempt(number)).map(|it| it.seat) {
                        turn.send_kill(task.attempt(number), seat, false);
                    }
                }
                (true, Some(number)) => self.decide(turn, task.attempt(number), ending),"#,
        least: 1,
        by: "a job without an end, which is cancelled when all is healed",
    },
    Defect {
        name: "cancel_leaves_what_is_pending",
        file: "src/controller_sm/jobs.rs",
        broken: "a cancel stops what runs and leaves PENDING tasks to be placed later",
        find: "self.apply(turn, task, TaskEvent::Dropped);",
        put: r#"if !crate::defect::is("cancel_leaves_what_is_pending") {
                        self.apply(turn, task, TaskEvent::Dropped);
                    }"#,
        least: 1,
        by: "a job that fits nowhere, which is cancelled when all is healed",
    },
    Defect {
        name: "cancel_frees_at_once",
        file: "src/controller_sm/jobs.rs",
        broken: "what an attempt holds is given back when it is decided that it ends",
        find: "turn.send_kill(id, attempt.seat, false);",
        put: r#"turn.send_kill(id, attempt.seat, false);
        if crate::defect::is("cancel_frees_at_once") {
            self.confirm_gone(turn, id);
        }"#,
        least: 1,
        by: "a job without an end, which is cancelled when all is healed",
    },
    Defect {
        name: "held_is_never_given_back",
        file: "src/controller_sm/jobs.rs",
        broken: "an attempt is confirmed gone, and its worker holds it for ever",
        find: "self.release(id, seat);",
        put: r#"if !crate::defect::is("held_is_never_given_back") {
            self.release(id, seat);
        }"#,
        least: 1,
        by: "a job that exits",
    },
    Defect {
        name: "request_submits_twice",
        file: "src/controller_sm/jobs.rs",
        broken: "the same request makes another job each time",
        find: "self.requests.insert(request.clone(), id);",
        put: r#"if !crate::defect::is("request_submits_twice") {
                self.requests.insert(request.clone(), id);
            }"#,
        least: 2,
        by: "a job; the same request again",
    },
    Defect {
        name: "scheduling_timeout_once",
        file: "src/controller_sm/jobs.rs",
        broken: "only the first spell of PENDING has a scheduling timeout",
        find: "turn.arm(Timer::Scheduling(id), limit);",
        put: r#"let again = self.task(id).is_some_and(|task| !task.attempts.is_empty());
            if !(again && crate::defect::is("scheduling_timeout_once")) {
                turn.arm(Timer::Scheduling(id), limit);
            }"#,
        least: 3,
        by: "a job that fails once; its worker is drained; time passes",
    },
    Defect {
        name: "grace_is_halved",
        file: "src/controller_sm/jobs.rs",
        broken: "tasks that are submitted while there is no worker are given up too soon",
        find: "turn.arm(Timer::Grace(id), self.policy.no_workers_grace);",
        put: r#"let halves = 1 + u32::from(crate::defect::is("grace_is_halved"));
            let grace = crate::model::time::Millis(self.policy.no_workers_grace.0 / halves);
            turn.arm(Timer::Grace(id), grace);"#,
        least: 1,
        by: "a job in a cluster without workers",
    },
    Defect {
        name: "job_ends_and_its_tasks_go_on",
        file: "src/controller_sm/settle.rs",
        broken: "when a job ends its other tasks are not stopped",
        find: "self.stop_rest(turn, id, Ending::JobOver);",
        put: r#"if !crate::defect::is("job_ends_and_its_tasks_go_on") {
            self.stop_rest(turn, id, Ending::JobOver);
        }"#,
        least: 1,
        by: "a job without an end of which one task finds no room in time",
    },
    Defect {
        name: "sibling_stays",
        file: "src/controller_sm/settle.rs",
        broken: "a gang member goes back to PENDING and its siblings run on",
        find: "self.decide(turn, task.attempt(last), Ending::SiblingWentBack);",
        put: r#"if !crate::defect::is("sibling_stays") {
                        self.decide(turn, task.attempt(last), Ending::SiblingWentBack);
                    }"#,
        least: 1,
        by: "a gang of two of which one fails and may go on",
    },
    Defect {
        name: "broken_gang_waits",
        file: "src/controller_sm/settle.rs",
        broken: "a gang member that must go back after a sibling has SUCCEEDED waits for ever",
        find: "if job.census.pending() > 0 && broken() {",
        put: r#"let waits = crate::defect::is("broken_gang_waits");
        if job.census.pending() > 0 && !waits && broken() {"#,
        least: 1,
        by: "a gang of two: one SUCCEEDS, then the other fails and may go on",
    },
    Defect {
        name: "doubt_is_forgotten_by_a_restart",
        file: "src/controller_sm/settle.rs",
        broken: "a restart takes an attempt in doubt for one that is being delivered",
        find: "delivery.stage = Stage::InDoubt;",
        put: r#"if !crate::defect::is("doubt_is_forgotten_by_a_restart") {
                    delivery.stage = Stage::InDoubt;
                }"#,
        least: 2,
        by: "a crash of the controller is ordered after its next entry; a job",
    },
    Defect {
        name: "gang_is_placed_in_part",
        file: "src/controller_sm/place.rs",
        broken: "the members of a gang that may be placed do not wait for the others",
        find: "if !job.terms.is_gang() || size == job.tasks.len() {",
        put: r#"let part = crate::defect::is("gang_is_placed_in_part");
                if part || !job.terms.is_gang() || size == job.tasks.len() {"#,
        least: 3,
        by: "a gang whose members fail; the way to a worker is cut; time passes",
    },
    Defect {
        name: "degraded_takes_placements",
        file: "src/controller_sm/place.rs",
        broken: "a DEGRADED worker is given new work",
        find: "live.filter(|(_, worker)| worker.state == WorkerState::Healthy)",
        put: r#"let all = crate::defect::is("degraded_takes_placements");
        live.filter(move |(_, worker)| all || worker.state == WorkerState::Healthy)"#,
        least: 2,
        by: "launches fail; a job with retries",
    },
    Defect {
        name: "absence_before_results",
        file: "src/controller_sm/beats.rs",
        broken: "what a heartbeat does not list as running is lost, whatever it lists as finished",
        find: "for (attempt, word) in &beat.finished {",
        put: r#"if crate::defect::is("absence_before_results") && sender == Sender::Current {
            self.miss(turn, seat, beat.clock, &beat.running);
        }
        for (attempt, word) in &beat.finished {"#,
        least: 2,
        by: "reports are lost; a job that exits",
    },
    Defect {
        name: "absence_whatever_the_clock",
        file: "src/controller_sm/beats.rs",
        broken: "a heartbeat that was built before an attempt was accepted proves its absence",
        find: "Some(Standing::Accepted(since)) => since <= clock,",
        put: r#"Some(Standing::Accepted(since)) => {
                    since <= clock || crate::defect::is("absence_whatever_the_clock")
                }"#,
        least: 4,
        by: "reports are lost; a heartbeat is late; time passes until it is sent; a job that exits",
    },
    Defect {
        name: "stop_forgets_what_is_not_listed",
        file: "src/controller_sm/beats.rs",
        broken: "`stop` lists only what the worker says that it runs",
        find: "Some(Standing::Ended { .. }) if !stop.contains(id) => stop.push(*id),",
        put: r#"Some(Standing::Ended { .. }) if !stop.contains(id) => {
                    if !crate::defect::is("stop_forgets_what_is_not_listed") {
                        stop.push(*id);
                    }
                }"#,
        least: 3,
        by: "the way to the worker is cut; a job; it is cancelled",
    },
    Defect {
        name: "fence_is_missing",
        file: "src/controller_sm/beats.rs",
        broken: "heartbeat replies do not repeat the fence for what is in doubt",
        find: "fence.push(*id);",
        put: r#"if !crate::defect::is("fence_is_missing") {
                        fence.push(*id);
                    }"#,
        least: 2,
        by: "a crash of the controller is ordered after its next entry; a job",
    },
    Defect {
        name: "timeout_is_never_armed",
        file: "src/controller_sm/delivery.rs",
        broken: "an accepted attempt has no timeout",
        find: "turn.arm(Timer::Timeout(id), limit);",
        put: r#"if !crate::defect::is("timeout_is_never_armed") {
                        turn.arm(Timer::Timeout(id), limit);
                    }"#,
        least: 1,
        by: "a job with a timeout that takes longer",
    },
    Defect {
        name: "timeout_from_the_launch",
        file: "src/controller_sm/delivery.rs",
        broken: "the timeout starts anew when the process runs",
        find: "if self.apply(turn, id.task, TaskEvent::Started) {",
        put: r#"if self.apply(turn, id.task, TaskEvent::Started) {
                    if let Some(limit) = timeout
                        && crate::defect::is("timeout_from_the_launch")
                    {
                        turn.arm(Timer::Timeout(id), limit);
                    }"#,
        least: 2,
        by: "launches are delayed; a job with a timeout that takes longer",
    },
    Defect {
        name: "one_try_too_few",
        file: "src/controller_sm/delivery.rs",
        broken: "a delivery is given up one try too soon",
        find: "if delivery.tries < tries {",
        put: r#"let tries = tries - u8::from(crate::defect::is("one_try_too_few"));
        if delivery.tries < tries {"#,
        least: 3,
        by: "tries of deliveries fail; a job; time passes until the third",
    },
    Defect {
        name: "last_try_decides",
        file: "src/controller_sm/delivery.rs",
        broken: "only the last try of a delivery decides whether it may have arrived",
        find: "delivery.unknown |= error != TryError::NotSent;",
        put: r#"let forget = crate::defect::is("last_try_decides");
        delivery.unknown = (delivery.unknown && !forget) || error != TryError::NotSent;"#,
        least: 4,
        by: "the way from the worker is cut; the last tries fail; a job; time passes",
    },
    Defect {
        name: "pause_ends_without_a_try",
        file: "src/controller_sm/delivery.rs",
        broken: "after the pause of a delivery nothing is sent",
        find: "turn.order(Effect::SendRun { attempt: id, seat });",
        put: r#"if !crate::defect::is("pause_ends_without_a_try") {
                turn.order(Effect::SendRun { attempt: id, seat });
            }"#,
        least: 2,
        by: "a try of a delivery fails; a job",
    },
    Defect {
        name: "quarantine_never_ends",
        file: "src/controller_sm/workers.rs",
        broken: "a worker in quarantine stays there",
        find: "if self.worker_event(turn, id, WorkerEvent::QuarantineOver)",
        put: r#"if !crate::defect::is("quarantine_never_ends")
            && self.worker_event(turn, id, WorkerEvent::QuarantineOver)"#,
        least: 2,
        by: "launches fail; a job with retries",
    },
    Defect {
        name: "opening_is_ignored",
        file: "src/controller_sm/workers.rs",
        broken: "a worker that was closed while it worked stays closed when it is opened",
        find: "} else if !self.is_in_closed_slice(id)",
        put: r#"} else if !crate::defect::is("opening_is_ignored")
                && !self.is_in_closed_slice(id)"#,
        least: 2,
        by: "a job with more tasks than there is room for; its worker is drained",
    },
    Defect {
        name: "draining_takes_what_runs",
        file: "src/controller_sm/workers.rs",
        broken: "a drained worker is removed before its attempts have ended",
        find: ".filter(|(_, slot)| slot.drained && \
               slot.live.as_ref().is_some_and(empty))",
        put: r#".filter(|(_, slot)| {
                let now = crate::defect::is("draining_takes_what_runs");
                slot.drained && slot.live.as_ref().is_some_and(|it| now || empty(it))
            })"#,
        least: 2,
        by: "a job without an end; its worker is drained",
    },
    Defect {
        name: "one_slice_more",
        file: "src/controller_sm/demand.rs",
        broken: "a group grows to one slice more than its maximum",
        find: "group.state == GroupState::Available && \
               count < usize::from(group.config.max_slices)",
        put: r#"let more = usize::from(crate::defect::is("one_slice_more"));
            group.state == GroupState::Available
                && count < usize::from(group.config.max_slices) + more"#,
        least: 1,
        by: "a job that wants more than a group may have",
    },
    Defect {
        name: "failed_slice_stays",
        file: "src/controller_sm/fleet.rs",
        broken: "a slice of which a machine failed is not closed",
        find: "self.group_failed(turn, slice.group, false);\n        \
               self.close_slice(turn, slice);",
        put: r#"self.group_failed(turn, slice.group, false);
        if !crate::defect::is("failed_slice_stays") {
            self.close_slice(turn, slice);
        }"#,
        least: 1,
        by: "time passes until a machine should have started",
    },
    Defect {
        name: "tombstone_is_missing",
        file: "src/worker_sm.rs",
        broken: "a kill that overtakes its run leaves nothing behind, and the run starts",
        find: "None => {\n                    self.bury(call.attempt);",
        put: r#"None => {
                    if !crate::defect::is("tombstone_is_missing") {
                        self.bury(call.attempt);
                    }"#,
        least: 2,
        by: "a RunTask is taken late; a job without an end, which is cancelled before",
    },
    Defect {
        name: "second_run_starts_again",
        file: "src/worker_sm.rs",
        broken: "a repeated RunTask starts the attempt a second time",
        find: "Some(_) => RunAnswer::Accepted(self.clock),",
        put: r#"Some(_) if crate::defect::is("second_run_starts_again") => {
                    self.accept(effects, call.attempt, need)
                }
                Some(_) => RunAnswer::Accepted(self.clock),"#,
        least: 2,
        by: "a delivery is duplicated; a job",
    },
    Defect {
        name: "lease_never_runs_out",
        file: "src/worker_sm.rs",
        broken: "a worker that is not acknowledged, or not known, goes on as it was",
        find: "if self.lease == Lease::Lost {\n            return;",
        put: r#"if self.lease == Lease::Lost || crate::defect::is("lease_never_runs_out") {
            return;"#,
        least: 2,
        by: "a worker is drained; a job",
    },
    Defect {
        name: "another_incarnations_run_starts",
        file: "src/worker_sm.rs",
        broken: "a RunTask for an older incarnation is taken",
        find: "let answer = if call.seat == self.seat {\n            \
               match self.local(call.attempt) {\n                // Never started",
        put: r#"let any = crate::defect::is("another_incarnations_run_starts");
        let answer = if any || call.seat == self.seat {
            match self.local(call.attempt) {
                // Never started"#,
        least: 3,
        by: "a delivery is late; a job; its worker crashes",
    },
    Defect {
        name: "stop_is_not_obeyed",
        file: "src/worker_sm.rs",
        broken: "what runs is not stopped by the list in a heartbeat's reply",
        find: "Some(_) => self.stop(effects, *id, Final::Killed),",
        put: r#"Some(_) if crate::defect::is("stop_is_not_obeyed") => {}
                Some(_) => self.stop(effects, *id, Final::Killed),"#,
        least: 3,
        by: "kills are lost; a job without an end; it is cancelled",
    },
    Defect {
        name: "beats_list_no_results",
        file: "src/worker_sm.rs",
        broken: "heartbeats say what runs and not what finished",
        find: "Some(Word::Final(word)) => finished.push((entry.attempt, word)),",
        put: r#"Some(Word::Final(_)) if crate::defect::is("beats_list_no_results") => {}
                Some(Word::Final(word)) => finished.push((entry.attempt, word)),"#,
        least: 2,
        by: "reports are lost; a job that exits",
    },
    Defect {
        name: "errors_are_exits_with_0",
        file: "src/worker_sm.rs",
        broken: "a process that exits with an error is said to have SUCCEEDED",
        find: "Exit::Error => Final::Failed(Fault::Exit),",
        put: r#"Exit::Error if crate::defect::is("errors_are_exits_with_0") => Final::Succeeded,
            Exit::Error => Final::Failed(Fault::Exit),"#,
        least: 1,
        by: "a job that fails",
    },
    Defect {
        name: "restored_workers_are_healthy",
        file: "src/controller_sm/settle.rs",
        broken: "after a restart workers are trusted before they are heard",
        find: "self.worker_event(turn, id, WorkerEvent::Restored);",
        put: r#"if !crate::defect::is("restored_workers_are_healthy") {
                self.worker_event(turn, id, WorkerEvent::Restored);
            }"#,
        least: 3,
        by: "a worker crashes; the controller crashes; it starts",
    },
    Defect {
        name: "preempted_slice_is_not_ended",
        file: "src/controller_sm/fleet.rs",
        broken: "what ran on a slice that was taken away is not ended",
        find: "self.end_incarnation(turn, vm.worker(), ending);",
        put: r#"let kept = crate::defect::is("preempted_slice_is_not_ended");
            if !(kept && ending == Ending::Preempted) {
                self.end_incarnation(turn, vm.worker(), ending);
            }"#,
        least: 2,
        by: "time passes until a slice is there; it is taken away",
    },
    Defect {
        name: "fence_stops_what_runs",
        file: "src/worker_sm.rs",
        broken: "a fence also stops an attempt that was started",
        find: "if !call.only_if_not_started {",
        put: r#"if !call.only_if_not_started
                        || crate::defect::is("fence_stops_what_runs")
                    {"#,
        least: 2,
        by: "the way from the worker is cut; a job, delivered by one try",
    },
];
