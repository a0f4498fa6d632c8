"""A toy orchestrator: jobs of tasks on workers, in one process and in virtual time.

It stands for an orchestrator of your own, and knows nothing of iris-check. Its rules are the usual
ones: a task is tried again as long as its budgets last, a worker that is not heard for too long is
dead, and nothing that may still run is forgotten: what an attempt holds is free when it is known
that no process of it runs, and not before.

Messages take no time here. A worker that has crashed is not noticed at once: first calls to it
fail, then its heartbeats are missed.
"""

import heapq
import itertools

# Each can be switched on alone, to see whether a test finds it.
BUGS = {
    "leaky_worker": "a worker that comes back still holds what it ran when it crashed",
    "rerun_completed": "a completed task is run again if its worker dies before its next heartbeat",
    "generous_budget": "a task that fails is tried once more than its budget allows",
    "hasty_release": "a cancelled attempt frees its worker although it may still run",
    "early_timeout": "the time limit of an attempt counts from the submission of its job",
    "missed_exit": "a process that ends at once is not heard of: nobody listens yet",
    "forgetful_submit": "the same request submitted again makes another job",
    "double_charge": "a task that lost its worker pays for that as if it had failed as well",
}

MESSAGE, TIMER = 0, 1  # at one instant messages come before timers
ACTIVE = ("ASSIGNED", "RUNNING")


class Attempt:
    def __init__(self, task, number, worker):
        self.task, self.number = task, number
        self.worker, self.incarnation = worker, worker.incarnation
        self.phase = "ASSIGNED"
        self.outcome = self.cause = None
        self.gone = False  # no process of it runs or ever will
        self.process = False  # one does

    @property
    def live(self):
        return self.outcome is None

    def __str__(self):
        return f"{self.task}#{self.number}"


class Task:
    def __init__(self, job, index):
        self.job, self.index = job, index
        self.state = "PENDING"
        self.spell = 0  # which spell of PENDING this is
        self.avoid = None  # where it failed last
        self.attempts = []
        self.spent = {"failure": 0, "delivery": 0, "preemption": 0}

    @property
    def finished(self):
        return self.state != "PENDING" and self.state not in ACTIVE

    def __str__(self):
        return f"{self.job.name}.{self.index}"


class Job:
    """`spec` has replicas, cpu_milli, budgets, max_task_failures, timeout, scheduling_timeout, and
    exit(task, attempt), which says how an attempt ends by itself: (after, ok) or None."""

    def __init__(self, name, spec, submitted):
        self.name, self.spec, self.submitted = name, spec, submitted
        self.tasks = [Task(self, index) for index in range(spec["replicas"])]
        self.over = False

    def state(self):
        states = [task.state.split(" ")[0] for task in self.tasks]
        unfinished = [task for task in self.tasks if not task.finished]
        if all(state == "SUCCEEDED" for state in states):
            return "SUCCEEDED"
        if states.count("FAILED") > self.spec["max_task_failures"]:
            return "FAILED"
        for state in ("UNSCHEDULABLE", "KILLED"):
            if state in states:
                return state
        if not unfinished:
            return "WORKER_FAILED" if "WORKER_FAILED" in states else "FAILED"
        if "SUCCEEDED" in states or any(state in ACTIVE for state in states):
            return "RUNNING"
        return "PENDING"


class Worker:
    def __init__(self, name, cpu_milli, zone):
        self.name, self.cpu_milli, self.zone = name, cpu_milli, zone
        self.incarnation = 0
        self.up = False
        self.started = 0
        self.forget()

    def forget(self):
        """Nobody listens to it any more."""
        self.live = self.healthy = False
        self.held = 0
        self.attempts = []
        self.failed_launches = 0
        self.completed = []  # when, and which attempt

    def hold(self, attempt):
        self.attempts.append(attempt)
        self.held += attempt.task.job.spec["cpu_milli"]

    def release(self, attempt):
        if attempt in self.attempts:
            self.attempts.remove(attempt)
            self.held -= attempt.task.job.spec["cpu_milli"]


class Toy:
    def __init__(self, workers, policy, bug=None):
        """`workers` are (name, cpu_milli, zone, starts at once)."""
        if bug is not None and bug not in BUGS:
            raise ValueError(f"there is no bug {bug!r}; there are {', '.join(BUGS)}")
        self.bug = bug
        self.policy = policy
        self.now = 0
        self.jobs = []
        self.requests = {}
        self.queue = []
        self.ticket = itertools.count()
        self.hungry = 0  # which spell without any live worker this is
        self.workers = {
            name: Worker(name, cpu_milli, zone) for name, cpu_milli, zone, _ in workers
        }
        for name, _, _, starts in workers:
            if starts:
                self.start_worker(name)
        self.advance(0)

    # Time

    def later(self, delay, kind, action, *args):
        heapq.heappush(self.queue, (self.now + delay, kind, next(self.ticket), action, args))

    def advance(self, length):
        """Lets time pass, to the instant at which messages have come and no timer has run out."""
        end = self.now + length
        while self.queue and self.queue[0][:2] < (end, TIMER):
            self.now, _, _, action, args = heapq.heappop(self.queue)
            action(*args)
        self.now = end

    # What users do

    def submit(self, spec, request):
        if request in self.requests and self.bug != "forgetful_submit":
            return self.requests[request]
        job = Job(f"j{len(self.jobs) + 1}", spec, self.now)
        self.jobs.append(job)
        self.requests[request] = job
        for task in job.tasks:
            self.became_pending(task)
        self.place()
        self.advance(0)
        return job

    def cancel(self, job):
        if not job.over:
            self.stop_rest(job, "cancel")
            self.settle(job)
            self.place()
            self.advance(0)

    def crash_worker(self, name):
        worker = self.workers[name]
        worker.up = False
        for attempt in worker.attempts:
            attempt.process = False
        silent = self.policy["heartbeat"] + self.policy["heartbeat"] // 2
        dead = self.policy["worker_timeout"]
        since = (self.now - worker.started) % self.policy["heartbeat"]
        self.later(silent - since, TIMER, self.missed, worker, worker.incarnation)
        self.later(dead - since, TIMER, self.died, worker, worker.incarnation)
        worker.completed = [it for it in worker.completed if it[0] > self.now - since]

    def start_worker(self, name):
        """Its first heartbeat, which comes at once, vouches that nothing older runs."""
        worker = self.workers[name]
        worker.up, worker.started = True, self.now
        worker.incarnation += 1
        held = worker.held
        self.lose(worker)
        if self.bug == "leaky_worker":
            worker.held = held
        worker.live = worker.healthy = True
        self.place()
        self.advance(0)

    # Workers that are not heard

    def missed(self, worker, incarnation):
        if worker.live and worker.incarnation == incarnation and not worker.up:
            worker.healthy = False

    def died(self, worker, incarnation):
        if worker.live and worker.incarnation == incarnation and not worker.up:
            self.lose(worker)
            if not any(other.live for other in self.workers.values()):
                self.hungry += 1
                for task in self.tasks():
                    if task.state == "PENDING":
                        self.starve(task)
            self.place()

    def lose(self, worker):
        """All that it ran is lost, and gone."""
        lost, completed = worker.attempts, worker.completed
        worker.forget()
        for attempt in lost:
            if attempt.live:
                heard = attempt.phase != "ASSIGNED"
                self.end(attempt, "WORKER_FAILED", "loss" if heard else "delivery")
            attempt.gone = True
            attempt.process = False
        if self.bug == "rerun_completed":
            for _, attempt in completed:
                attempt.task.job.over = False
                self.end(attempt, "WORKER_FAILED", "loss")
        for attempt in lost:
            self.settle(attempt.task.job)

    # Placement

    def tasks(self):
        return [task for job in self.jobs for task in job.tasks]

    def place(self):
        """In order of submission; what does not fit is skipped."""
        for task in self.tasks():
            if task.state != "PENDING" or not all(it.gone for it in task.attempts):
                continue
            need = task.job.spec["cpu_milli"]
            room = [
                worker
                for worker in self.workers.values()
                if worker.live and worker.healthy and worker.held + need <= worker.cpu_milli
            ]
            if room:
                self.run(task, min(room, key=lambda worker: worker.name == task.avoid))

    def run(self, task, worker):
        attempt = Attempt(task, len(task.attempts), worker)
        task.attempts.append(attempt)
        task.state, task.avoid = "ASSIGNED", None
        worker.hold(attempt)
        if worker.up:
            self.later(0, MESSAGE, self.launched, attempt)
        else:
            # Nobody answers there: a few tries, with doubling pauses.
            tries = self.policy["delivery_tries"]
            pauses = self.policy["delivery_backoff"] * (2 ** (tries - 1) - 1)
            self.later(pauses, TIMER if pauses else MESSAGE, self.undelivered, attempt)

    def launched(self, attempt):
        if not attempt.live:
            return
        job = attempt.task.job
        attempt.phase = attempt.task.state = "RUNNING"
        attempt.process = True
        attempt.worker.failed_launches = 0
        end = job.spec["exit"](attempt.task.index, attempt.number)
        if end is not None:
            after, ok = end
            if after > 0 or self.bug != "missed_exit":
                self.later(after, MESSAGE, self.exited, attempt, ok)
        if job.spec["timeout"] is not None:
            late = self.now - job.submitted if self.bug == "early_timeout" else 0
            limit = max(job.spec["timeout"] - late, 0)
            self.later(limit, TIMER, self.timed_out, attempt)

    def undelivered(self, attempt):
        if not attempt.live:
            return
        worker = attempt.worker
        worker.failed_launches += 1
        if worker.failed_launches == self.policy["quarantine_after"]:
            # It is down, or it would have answered: only its next start makes it healthy again.
            worker.healthy = False
        self.end(attempt, "WORKER_FAILED", "delivery")
        self.confirm_gone(attempt)

    # How attempts end

    def exited(self, attempt, ok):
        if not attempt.process:
            return
        attempt.process = False
        if attempt.live:
            self.end(attempt, "SUCCEEDED" if ok else "FAILED", "exit")
            if ok:
                attempt.worker.completed.append((self.now, attempt))
        self.confirm_gone(attempt)

    def timed_out(self, attempt):
        if attempt.live:
            self.end(attempt, "FAILED", "timeout")
            self.stop(attempt)
            self.settle(attempt.task.job)
            self.place()

    def end(self, attempt, outcome, cause):
        """The one place where an attempt ends; whether it is gone is another question."""
        task = attempt.task
        attempt.outcome, attempt.cause = outcome, cause
        finally_ = {
            "timeout": "FAILED (timeout)",
            "cancel": "KILLED",
            "job_over": "KILLED",
            "exit": "SUCCEEDED" if outcome == "SUCCEEDED" else "FAILED",
            "delivery": "FAILED (delivery budget spent)",
            "loss": "WORKER_FAILED",
        }[cause]
        budget = {"exit": "failure", "delivery": "delivery", "loss": "preemption"}.get(cause)
        if budget is not None and outcome != "SUCCEEDED":
            task.spent[budget] += 1
            task.avoid = attempt.worker.name
            if self.bug == "double_charge" and cause == "loss":
                task.spent["failure"] += 1
            allowed = task.job.spec["budgets"][budget]
            if self.bug == "generous_budget" and budget == "failure":
                allowed += 1
            if task.spent[budget] <= allowed:
                task.state = "PENDING"
                self.became_pending(task)
                return
        task.state = finally_

    def stop(self, attempt):
        """Asks its worker to end it; a worker that is down does not answer."""
        if attempt.worker.up and attempt.worker.incarnation == attempt.incarnation:
            attempt.process = False
            self.later(0, MESSAGE, self.confirm_gone, attempt)

    def confirm_gone(self, attempt):
        if not attempt.gone:
            attempt.gone = True
            attempt.worker.release(attempt)
            self.settle(attempt.task.job)
            self.place()

    def stop_rest(self, job, cause):
        for task in job.tasks:
            if task.state in ACTIVE:
                attempt = task.attempts[-1]
                self.end(attempt, "KILLED", cause)
                self.stop(attempt)
                if self.bug == "hasty_release":
                    attempt.worker.release(attempt)
            elif task.state == "PENDING":
                task.state = "KILLED"

    def settle(self, job):
        """What is left of a job that has ended is stopped."""
        if not job.over and job.state() not in ("PENDING", "RUNNING"):
            job.over = True
            self.stop_rest(job, "job_over")

    # Tasks that wait

    def became_pending(self, task):
        task.spell += 1
        limit = task.job.spec["scheduling_timeout"]
        if limit is not None:
            self.later(limit, TIMER, self.waited, task, task.spell, "UNSCHEDULABLE")
        if not any(worker.live for worker in self.workers.values()):
            self.starve(task)

    def starve(self, task):
        self.later(self.policy["no_workers_grace"], TIMER, self.starved, task, self.hungry)

    def starved(self, task, hungry):
        if hungry == self.hungry and not any(it.live for it in self.workers.values()):
            self.waited(task, task.spell, "FAILED (workers exhausted)")

    def waited(self, task, spell, state):
        if task.state == "PENDING" and task.spell == spell:
            task.state = state
            self.settle(task.job)
            self.place()
