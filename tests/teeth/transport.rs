//! What is broken between nodes, and between the controller and its clients.

use super::table::Defect;

pub const ROWS: &[Defect] = &[
    Defect {
        name: "beats_lose_their_results",
        file: "src/real/wire/machines.rs",
        broken: "a heartbeat's `finished` is not sent",
        find: "finished: finished.collect(),",
        put: r#"finished: finished
            .filter(|_| !crate::defect::is("beats_lose_their_results"))
            .collect(),"#,
        least: 2,
        by: "reports are lost; a job that exits",
    },
    Defect {
        name: "beats_lose_their_attributes",
        file: "src/real/wire/machines.rs",
        broken: "a heartbeat's attributes are not sent",
        find: "attributes: attributes_to(&beat.attributes),",
        put: r#"attributes: if crate::defect::is("beats_lose_their_attributes") {
            std::collections::BTreeMap::new()
        } else {
            attributes_to(&beat.attributes)
        },"#,
        least: 1,
        by: "a gang",
    },
    Defect {
        name: "replies_lose_what_to_stop",
        file: "src/real/wire/machines.rs",
        broken: "the `stop` of a heartbeat's reply is not sent",
        find: "stop: texts(&reply.stop),",
        put: r#"stop: if crate::defect::is("replies_lose_what_to_stop") {
            Vec::new()
        } else {
            texts(&reply.stop)
        },"#,
        least: 3,
        by: "kills are lost; a job without an end; it is cancelled",
    },
    Defect {
        name: "replies_lose_the_fence",
        file: "src/real/wire/machines.rs",
        broken: "the `fence` of a heartbeat's reply is not sent",
        find: "fence: texts(&reply.fence),",
        put: r#"fence: if crate::defect::is("replies_lose_the_fence") {
            Vec::new()
        } else {
            texts(&reply.fence)
        },"#,
        least: 2,
        by: "a crash of the controller is ordered after its next entry; a job",
    },
    Defect {
        name: "everybody_is_known",
        file: "src/real/wire/machines.rs",
        broken: "a worker that is not listened to is told that it is known",
        find: "known: reply.known,\n        acked: texts(&reply.acked),",
        put: r#"known: reply.known || crate::defect::is("everybody_is_known"),
        acked: texts(&reply.acked),"#,
        least: 2,
        by: "a worker is drained; a job",
    },
    Defect {
        name: "running_is_said_as_building",
        file: "src/real/wire/machines.rs",
        broken: "RUNNING goes over the wire as BUILDING",
        find: "Word::Phase(Phase::Running) => (State::Running, None),",
        put: r#"Word::Phase(Phase::Running) if crate::defect::is("running_is_said_as_building") => {
            (State::Building, None)
        }
        Word::Phase(Phase::Running) => (State::Running, None),"#,
        least: 1,
        by: "a job that takes a while",
    },
    Defect {
        name: "exits_are_failed_launches",
        file: "src/real/wire/machines.rs",
        broken: "an exit with an error goes over the wire as a failed launch",
        find: "Some(Fault::Exit) => proto::Fault::Exit,",
        put: r#"Some(Fault::Exit) if crate::defect::is("exits_are_failed_launches") => {
            proto::Fault::Container
        }
        Some(Fault::Exit) => proto::Fault::Exit,"#,
        least: 1,
        by: "a job that fails, where one failed launch is enough",
    },
    Defect {
        name: "env_is_not_sent",
        file: "src/real/wire/machines.rs",
        broken: "a job's environment is not sent",
        find: "env: payload.env.clone(),",
        put: r#"env: if crate::defect::is("env_is_not_sent") {
            std::collections::BTreeMap::new()
        } else {
            payload.env.clone()
        },"#,
        least: 1,
        by: "a job that exits",
    },
    Defect {
        name: "max_task_failures_is_not_sent",
        file: "src/real/wire/jobs.rs",
        broken: "how many tasks of a job may fail is not sent",
        find: "max_task_failures: Some(terms.max_task_failures.into()),",
        put: r#"max_task_failures: Some(terms.max_task_failures.into())
            .filter(|_| !crate::defect::is("max_task_failures_is_not_sent")),"#,
        least: 1,
        by: "a job of which one task fails and may",
    },
    Defect {
        name: "preemption_budget_is_the_other",
        file: "src/real/wire/jobs.rs",
        broken: "the delivery budget is sent as the one for losses",
        find: "max_retries_preemption: Some(terms.budgets.preemption.into()),",
        put: r#"max_retries_preemption: Some(
            if crate::defect::is("preemption_budget_is_the_other") {
                terms.budgets.delivery
            } else {
                terms.budgets.preemption
            }
            .into(),
        ),"#,
        least: 2,
        by: "a job that may be lost but once; its worker crashes",
    },
    Defect {
        name: "scheduling_timeout_in_seconds",
        file: "src/real/wire/jobs.rs",
        broken: "a scheduling timeout in milliseconds is sent as seconds",
        find: "scheduling_timeout_ms: terms.scheduling_timeout.map(|it| it.0),",
        put: r#"scheduling_timeout_ms: terms.scheduling_timeout.map(|it| {
            let by = if crate::defect::is("scheduling_timeout_in_seconds") { 1000 } else { 1 };
            it.0.saturating_mul(by)
        }),"#,
        least: 1,
        by: "a job that finds no room in time",
    },
    Defect {
        name: "timeout_is_not_sent",
        file: "src/real/wire/jobs.rs",
        broken: "a job's timeout is not sent",
        find: "timeout_ms: terms.timeout.map(|it| it.0),",
        put: r#"timeout_ms: terms
            .timeout
            .map(|it| it.0)
            .filter(|_| !crate::defect::is("timeout_is_not_sent")),"#,
        least: 1,
        by: "a job with a timeout that takes longer",
    },
    Defect {
        name: "group_by_is_not_sent",
        file: "src/real/wire/jobs.rs",
        broken: "that a job is a gang is not sent",
        find: "group_by: terms.group_by.as_ref().map(ToString::to_string),",
        put: r#"group_by: terms
            .group_by
            .as_ref()
            .map(ToString::to_string)
            .filter(|_| !crate::defect::is("group_by_is_not_sent")),"#,
        least: 1,
        by: "a gang of two where there is room for one",
    },
    Defect {
        name: "request_id_is_not_sent",
        file: "src/real/wire/jobs.rs",
        broken: "a job's request is not sent",
        find: "request_id: spec.request_id.as_ref().map(ToString::to_string),",
        put: r#"request_id: spec
            .request_id
            .as_ref()
            .map(ToString::to_string)
            .filter(|_| !crate::defect::is("request_id_is_not_sent")),"#,
        least: 2,
        by: "a job; the same request again",
    },
    Defect {
        name: "losses_are_shown_as_deliveries",
        file: "src/real/wire/status.rs",
        broken: "a status shows what was spent on losses as spent on deliveries",
        find: "delivery_failures: task.spent.delivery.into(),",
        put: r#"delivery_failures: if crate::defect::is("losses_are_shown_as_deliveries") {
            task.spent.preemption.into()
        } else {
            task.spent.delivery.into()
        },"#,
        least: 2,
        by: "a job without an end; its worker crashes",
    },
    Defect {
        name: "lost_jobs_are_shown_as_failed",
        file: "src/real/wire/status.rs",
        broken: "a status shows WORKER_FAILED jobs as FAILED",
        find: "JobState::WorkerFailed => State::WorkerFailed,",
        put: r#"JobState::WorkerFailed if crate::defect::is("lost_jobs_are_shown_as_failed") => {
            State::Failed
        }
        JobState::WorkerFailed => State::WorkerFailed,"#,
        least: 2,
        by: "a job that may not be lost; its worker crashes",
    },
    Defect {
        name: "ended_is_shown_as_gone",
        file: "src/real/status.rs",
        broken: "a status shows every attempt that has ended as confirmed gone",
        find: "gone: it.is_gone(),",
        put: r#"gone: it.is_gone()
            || (!it.is_live() && crate::defect::is("ended_is_shown_as_gone")),"#,
        least: 3,
        by: "the way to the worker is cut; a job without an end; it is cancelled",
    },
    Defect {
        name: "lists_miss_ended_jobs",
        file: "src/real/status.rs",
        broken: "a list shows only jobs that have not ended",
        find: "machine.jobs().map(summary).collect()",
        put: r#"machine
        .jobs()
        .filter(|(_, job)| {
            !(job.state().has_ended() && crate::defect::is("lists_miss_ended_jobs"))
        })
        .map(summary)
        .collect()"#,
        least: 1,
        by: "a job that exits",
    },
    Defect {
        name: "connections_outlive_their_node",
        file: "src/real/net.rs",
        broken: "the connections of a node that crashes are not broken",
        find: "self.is_cut.store(true, Ordering::SeqCst);",
        put: r#"if crate::defect::is("connections_outlive_their_node") {
            return;
        }
        self.is_cut.store(true, Ordering::SeqCst);"#,
        least: 2,
        by: "a job that waits long; the controller crashes",
    },
];
