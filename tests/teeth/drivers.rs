//! What is broken in the drivers of the two machines.

use super::table::Defect;

pub const ROWS: &[Defect] = &[
    Defect {
        name: "addresses_are_not_kept",
        file: "src/real/controller.rs",
        broken: "the controller forgets where workers listen",
        find: "self.addresses.insert(worker, address);",
        put: r#"if !crate::defect::is("addresses_are_not_kept") {
                        self.addresses.insert(worker, address);
                    }"#,
        least: 1,
        by: "a job",
    },
    Defect {
        name: "timers_are_not_journaled",
        file: "src/real/controller.rs",
        broken: "what a timer changed is not written down",
        find: "if effects.first() == Some(&Effect::Persist) {",
        put: r#"let skip = crate::defect::is("timers_are_not_journaled")
                && matches!(input, Input::Fired(_));
            if effects.first() == Some(&Effect::Persist) && !skip {"#,
        least: 3,
        by: "a job with a timeout; time passes; the controller crashes",
    },
    Defect {
        name: "dispatch_waits_for_ever",
        file: "src/real/controller/orders.rs",
        broken: "a RunTask that is never answered is waited for without a timeout",
        find: "let answer = clock.within(policy.rpc_timeout, called).await;\n            \
               match answer.map",
        put: r#"let limit = if crate::defect::is("dispatch_waits_for_ever") {
                crate::model::time::Millis(u32::MAX)
            } else {
                policy.rpc_timeout
            };
            let answer = clock.within(limit, called).await;
            match answer.map"#,
        least: 2,
        by: "a delivery is lost; a job",
    },
    Defect {
        name: "no_answer_is_not_sent",
        file: "src/real/controller/orders.rs",
        broken: "a RunTask that nobody answered in time counts as one of which no byte left",
        find: "None => failed(TryError::Unknown),",
        put: r#"None if crate::defect::is("no_answer_is_not_sent") => {
                    failed(TryError::NotSent)
                }
                None => failed(TryError::Unknown),"#,
        least: 2,
        by: "the way from the worker is cut; a job, delivered by one try",
    },
    Defect {
        name: "reports_are_acknowledged_at_once",
        file: "src/real/controller/service.rs",
        broken: "a report is acknowledged when it comes in, before it is durable",
        find: "self.ask(|answer| Ask::Fact(Input::Report(report), \
               Waits::Report(answer))).await?;",
        put: r#"if crate::defect::is("reports_are_acknowledged_at_once") {
            let (answer, _) = oneshot::channel();
            let fact = Ask::Fact(Input::Report(report), Waits::Report(answer));
            let _ = self.to_controller.try_send(fact);
            return Ok(Response::new(proto::ReportReply {}));
        }
        self.ask(|answer| Ask::Fact(Input::Report(report), Waits::Report(answer))).await?;"#,
        least: 2,
        by: "an append fails; a job that exits",
    },
    Defect {
        name: "cancels_are_acknowledged_at_once",
        file: "src/real/controller/service.rs",
        broken: "a cancel is acknowledged when it comes in, before it is durable",
        find: "match self.client(Input::Cancel(job)).await? {",
        put: r#"if crate::defect::is("cancels_are_acknowledged_at_once") {
            self.status_of(job).await?;
            let (answer, _) = oneshot::channel();
            let fact = Ask::Fact(Input::Cancel(job), Waits::Client(answer));
            let _ = self.to_controller.try_send(fact);
            return Ok(Response::new(proto::CancelReply {}));
        }
        match self.client(Input::Cancel(job)).await? {"#,
        least: 3,
        by: "a job without an end; an append fails; the job is cancelled",
    },
    Defect {
        name: "rearmed_timers_fire_twice",
        file: "src/real/timers.rs",
        broken: "a timer that is armed anew also fires when it was to fire before",
        find: "self.disarm(timer);\n        let place",
        put: r#"if !crate::defect::is("rearmed_timers_fire_twice") {
            self.disarm(timer);
        }
        let place"#,
        least: 1,
        by: "time passes",
    },
    Defect {
        name: "a_failed_beat_is_the_last",
        file: "src/real/worker.rs",
        broken: "after a heartbeat that failed the worker sends no more",
        find: "self.beating = false;",
        put: r#"self.beating =
                    reply.is_none() && crate::defect::is("a_failed_beat_is_the_last");"#,
        least: 3,
        by: "a heartbeat fails; time passes until then; a job that waits for longer",
    },
    Defect {
        name: "lost_reports_count_as_acknowledged",
        file: "src/real/worker.rs",
        broken: "a last report that nobody acknowledged is not repeated by heartbeats",
        find: "if matches!(acked, Some(Ok(_))) && \
               matches!(report.word, Word::Final(_)) {",
        put: r#"let all = crate::defect::is("lost_reports_count_as_acknowledged");
            if (all || matches!(acked, Some(Ok(_)))) && matches!(report.word, Word::Final(_)) {"#,
        least: 2,
        by: "reports are lost; a job that exits",
    },
    Defect {
        name: "leases_are_not_renewed",
        file: "src/real/worker.rs",
        broken: "the lease runs from the start of the worker, whatever is acknowledged",
        find: "self.timers.arm(WorkerTimer::Lease, \
               sent.plus(self.policy.worker_lease));",
        put: r#"if !crate::defect::is("leases_are_not_renewed") {
                        let at = sent.plus(self.policy.worker_lease);
                        self.timers.arm(WorkerTimer::Lease, at);
                    }"#,
        least: 1,
        by: "a job that takes longer than a lease",
    },
    Defect {
        name: "a_new_incarnation_is_silent",
        file: "src/real/worker.rs",
        broken: "a worker that takes its next incarnation does not say so",
        find: "self.timers.arm(WorkerTimer::Beat, beat);",
        put: r#"if !crate::defect::is("a_new_incarnation_is_silent") {
                        self.timers.arm(WorkerTimer::Beat, beat);
                    }"#,
        least: 2,
        by: "a worker is drained; a job",
    },
    Defect {
        name: "fences_are_plain_kills",
        file: "src/real/controller/orders.rs",
        broken: "a kill that is meant for what has not started is sent without that condition",
        find: "self.send_kill(KillTask { attempt, seat, only_if_not_started });",
        put: r#"let only_if_not_started = only_if_not_started
                        && !crate::defect::is("fences_are_plain_kills");
                    self.send_kill(KillTask { attempt, seat, only_if_not_started });"#,
        least: 2,
        by: "the way from the worker is cut; a job, delivered by one try",
    },
];
