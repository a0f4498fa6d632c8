"""A driver for iris-check: puts an orchestrator, here `toy.py`, under its tests.

It reads questions, one JSON object a line, and writes answers. The protocol is described in
`src/conform/external.rs`. To test an orchestrator of your own, put it in the place of `Toy`: only
the class `Driver` knows it.

    python3 drv.py [--bug NAME]
"""

import argparse
import json
import sys
import traceback

from toy import BUGS, Toy

PROTOCOL = 1

HELLO = {
    "protocol": PROTOCOL,
    "name": "toy",
    "abilities": {"steps": ["submit", "resubmit", "cancel", "worker", "pass"], "slack": 0},
    "shows": [
        "workers",
        "worker_attempts",
        "runs",
        "spent",
        "incarnations",
        "phases",
        "causes",
        "gone",
    ],
}


class Driver:
    """One run at a time; each has an orchestrator of its own."""

    def __init__(self, bug):
        self.bug = bug
        self.toy = None

    def start(self, seed, shape, policy):
        del seed  # nothing is left to chance here
        if shape.get("groups"):
            raise ValueError("there are no scale groups: `fleet` is not in `steps`")
        workers = [
            (f"w{number}", worker["cpus"] * 1000, worker.get("zone", "a"), not worker.get("waits"))
            for number, worker in enumerate(shape["workers"], 1)
        ]
        self.toy = Toy(workers, policy, self.bug)

    def apply(self, step):
        (kind, about), = step.items() if isinstance(step, dict) else [(step, None)]
        if kind == "submit":
            request = f"request {len(self.toy.requests) + 1}"
            return {"job": self.toy.submit(spec(about), request).name}
        if kind in ("resubmit", "cancel"):
            number = int(about[1:])
            if number > len(self.toy.requests):
                return "not_found"
            request = f"request {number}"
            job = self.toy.requests[request]
            if kind == "resubmit":
                return {"job": self.toy.submit(job.spec, request).name}
            self.toy.cancel(job)
            return "done"
        if kind == "worker_crashes":
            self.toy.crash_worker(about)
            return "done"
        if kind == "worker_starts":
            self.toy.start_worker(about)
            return "done"
        raise ValueError(f"{kind} is not in `steps`")

    def pass_(self, length):
        self.toy.advance(length)
        return {"at": self.toy.now}

    def see(self):
        toy = self.toy
        return {
            "at": toy.now,
            "jobs": [
                {
                    "job": job.name,
                    "state": job.state(),
                    "tasks": [seen_task(it) for it in job.tasks],
                }
                for job in toy.jobs
            ],
            "workers": [seen_worker(it) for it in toy.workers.values() if it.live],
            "runs": [
                str(attempt)
                for task in toy.tasks()
                for attempt in task.attempts
                if attempt.process
            ],
        }

    def heal(self):
        for worker in self.toy.workers.values():
            if not worker.up:
                self.toy.start_worker(worker.name)

    def end(self):
        self.toy = None
        return {}


def spec(plan):
    """A job as the orchestrator wants it. What a plan leaves out has its usual value."""
    exits = plan.get("tasks", [])

    def exit_of(task, attempt):
        if not exits:
            return None
        of_task = exits[min(task, len(exits) - 1)]
        if not of_task:
            return None
        it = of_task[min(attempt, len(of_task) - 1)]
        return it["after"], it["ok"]

    return {
        "replicas": plan.get("replicas", 1),
        "cpu_milli": plan["cpus"] * 1000,
        "budgets": {
            "failure": plan.get("failure", 0),
            "delivery": plan["delivery"],
            "preemption": plan["preemption"],
        },
        "max_task_failures": plan.get("max_task_failures", 0),
        "timeout": plan.get("timeout"),
        "scheduling_timeout": plan.get("scheduling_timeout"),
        "exit": exit_of,
    }


def seen_task(task):
    return {
        "state": task.state,
        "spent": task.spent,
        "attempts": [seen_attempt(attempt) for attempt in task.attempts],
    }


def seen_attempt(attempt):
    seen = {
        "worker": attempt.worker.name,
        "incarnation": attempt.incarnation,
        "gone": attempt.gone,
    }
    if attempt.live:
        seen["phase"] = attempt.phase
    else:
        seen["outcome"], seen["cause"] = attempt.outcome, attempt.cause
    return seen


def seen_worker(worker):
    return {
        "worker": worker.name,
        "incarnation": worker.incarnation,
        "healthy": worker.healthy,
        "cpu_milli": worker.cpu_milli,
        "held_milli": worker.held,
        "zone": worker.zone,
        "attempts": [str(attempt) for attempt in worker.attempts],
    }


def answer(driver, question):
    """What is asked stands in the one field besides `id`."""
    if question.get("iris-check-driver") is not None:
        return HELLO
    if "start" in question:
        return driver.start(**question["start"])
    if "apply" in question:
        return driver.apply(question["apply"])
    if "pass" in question:
        return driver.pass_(question["pass"])
    if "see" in question:
        return driver.see()
    if "heal" in question:
        return driver.heal()
    if "end" in question:
        return driver.end()
    raise ValueError(f"nobody knows what to do with {question}")


def main():
    bugs = "\n".join(f"  {name:16} {about}" for name, about in BUGS.items())
    parser = argparse.ArgumentParser(
        description="Speaks for a toy orchestrator, to iris-check.",
        epilog=f"bugs:\n{bugs}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bug", metavar="NAME", choices=BUGS, help="switches a bug on")
    driver = Driver(parser.parse_args().bug)
    for line in sys.stdin:
        question = json.loads(line)
        reply = {"id": question["id"]}
        try:
            reply["ok"] = answer(driver, question)
        except Exception as error:  # whatever it is, iris-check wants to be told
            traceback.print_exc()
            reply["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
