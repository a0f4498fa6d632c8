"""How each checker is built for a model, how it is run, and how it is read."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# What a command comes with on Debian.
PACKAGES = {"spin": ["spin"], "rumur": ["rumur"], "gcc": ["gcc", "libc6-dev"]}

SPIN = ["gcc", "-O3", "-DNOREDUCE", "-o", "pan", "pan.c"]
SAFETY = "-DSAFETY"
# Its threads need a compare-and-swap of 16 bytes, which plain x86-64 has not.
RUMUR = ["gcc", "-std=c11", "-O3", "-march=native"]
# Where nothing is known of a model, 16 million slots.
USUAL_SLOTS = 24
FEWEST_SLOTS = 16


class Trouble(Exception):
    """Something cannot be built or read; its text says what and what to do."""


@dataclass(frozen=True)
class Model:
    """`job` with tasks, workers and attempts, or `2pc` with managers."""

    kind: str
    numbers: tuple

    @staticmethod
    def parse(name):
        if not re.fullmatch(r"job\d{3}|2pc\d", name):
            raise Trouble(f"no model is called `{name}`: say for example job213 or 2pc7")
        return Model(name[:3], tuple(int(digit) for digit in name[3:]))

    @property
    def name(self):
        return self.kind + "".join(str(number) for number in self.numbers)


@dataclass(frozen=True)
class Counts:
    """None where a checker does not say it, or counts something else."""

    states: int
    transitions: int | None


@dataclass
class Contender:
    tool: str
    way: str
    what: str
    """safety or progress"""
    model: Model
    threads: int
    argv: list
    folder: Path
    read: Callable[[str], Counts]

    @property
    def name(self):
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return f"{self.tool} {self.way}, {self.model.name}, {threads}"


def number(pattern, text):
    """The number in a line; none is an error, and so is one that was rounded (as 1e+08)."""
    found = re.search(pattern, text, re.MULTILINE)
    if found is None or not found[1].isdigit():
        tail = "\n  ".join(text.strip().splitlines()[-5:])
        raise Trouble(f"nothing in the answer is like `{pattern}`; it ends with:\n  {tail}")
    return int(found[1])


def build(argv, folder, out=None):
    done = subprocess.run(argv, cwd=folder, stdout=out or subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode != 0:
        says = (done.stdout or b"") + done.stderr
        raise Trouble(f"`{' '.join(argv)}` failed:\n{says.decode(errors='replace').strip()}")
    return done.stdout


def fresh(folder, *names):
    folder = folder.joinpath(*names)
    folder.mkdir(parents=True)
    return folder


# Ours, and stateright in the same program.


def our_program():
    """Builds the bench, and answers where it is."""
    argv = ["cargo", "bench", "--bench", "explore", "--no-run"]
    said = build([*argv, "--message-format=json-render-diagnostics"], ROOT)
    for line in said.decode().splitlines():
        message = json.loads(line)
        if message.get("target", {}).get("name") == "explore" and message.get("executable"):
            return message["executable"]
    raise Trouble(f"`{' '.join(argv)}` named no program")


def read_ours(text):
    lines = text.strip().splitlines() or [""]
    try:
        said = json.loads(lines[-1])
        states, transitions, holds = said["states"], said["transitions"], said["holds"]
    except (ValueError, KeyError, TypeError):
        raise Trouble(f"no JSON with states, transitions and holds: {lines[-1]}") from None
    if not holds:
        raise Trouble(f"a claim does not hold: {lines[-1]}")
    return Counts(states, transitions)


def ours(program, model, folder):
    def one(tool, engine, threads, way=None, what="safety"):
        argv = [program, "--one", model.name, engine, str(threads)]
        return Contender(tool, way or engine, what, model, threads, argv, folder, read_ours)

    if model.kind == "job":
        yield one("ours", "progress", 1, what="progress")
    for threads in (1, 2):
        yield one("ours", "exact", threads)
        yield one("ours", "hash", threads)


def stateright(program, model, folder):
    for threads in (1, 2):
        for engine in ("bfs", "dfs"):
            argv = [program, "--one", model.name, engine, str(threads)]
            way = engine.upper()
            yield Contender("stateright", way, "safety", model, threads, argv, folder, read_ours)


# Spin.


def read_spin(text, with_transitions=True):
    for sign in ("max search depth too small", "Search not completed", "out of memory"):
        if sign in text:
            raise Trouble(f"it did not look at everything: {sign}")
    if re.search(r"hash-compact|bit statespace", text, re.IGNORECASE):
        raise Trouble("it kept less than whole states, so that some may have been lost")
    if number(r"errors: (\S+)", text) != 0:
        raise Trouble("it found an error")
    states = number(r"^\s*(\S+) states, stored", text)
    if not with_transitions:
        return Counts(states, None)
    # Spin counts how the initial state was come by as well.
    return Counts(states, number(r"^\s*(\S+) transitions \(=", text) - 1)


def slots(states):
    """The base-2 logarithm of the size of a table that ends at most half full."""
    return max(FEWEST_SLOTS, (2 * states - 1).bit_length()) if states else USUAL_SLOTS


def spin(model, states, folder):
    table = f"-w{slots(states)}"
    # A deeper stack is cleared first, and takes memory that these models do not need.
    deep = ["./pan", "-m100000", table]
    ways = [
        ("DFS", 1, [SAFETY], deep),
        ("BFS", 1, [SAFETY, "-DBFS"], ["./pan", table]),
        # Megabytes that are reserved, not taken.
        ("DFS", 2, [SAFETY, "-DNCORE=2", "-DMEMLIM=8000"], deep),
        # By itself it would keep four bytes of a state.
        ("BFS", 2, [SAFETY, "-DBFS_PAR", "-DNO_HC"], ["./pan", table, "-u2"]),
    ]
    for way, threads, flags, argv in ways:
        place = fresh(folder, f"spin-{way}-{threads}")
        promela(model, ["inv"], place)
        build([*SPIN, *flags], place)
        yield Contender("spin", way, "safety", model, threads, argv, place, read_spin)
    if model.kind == "job":
        place = fresh(folder, "spin-fair")
        promela(model, ["live", "inv"], place)
        build(SPIN, place)
        argv = ["./pan", "-a", "-f", "-m100000", table]
        yield Contender("spin", "-a -f", "progress", model, 1, argv, place, read_fair)


def read_fair(text):
    # A state is expanded again for each fair process.
    return read_spin(text, with_transitions=False)


def promela(model, words, folder):
    numbers = [str(number) for number in model.numbers]
    with open(folder / "m.pml", "wb") as out:
        script = str(HERE / "promela.py")
        build([sys.executable, script, model.kind, *numbers, *words], folder, out)
    build(["spin", "-a", "m.pml"], folder)


# Murphi.


def read_rumur(text):
    if "No error found." not in text:
        number("(No error found.)", text)
    pattern = r"^\s*(\d+) states, (\d+) rules fired"
    states = number(pattern, text)
    return Counts(states, int(re.search(pattern, text, re.MULTILINE)[2]))


def rumur(model, states, folder):
    for threads in (1, 2):
        place = fresh(folder, f"rumur-{threads}")
        (place / "m.m").write_text(murphi(model))
        # States that are not packed take more memory and less time.
        options = ["--deadlock-detection", "off", "--pack-state", "off", "--threads", str(threads)]
        build(["rumur", *options, "--output", "m.c", "m.m"], place)
        build([*RUMUR, "-o", "m", "m.c", "-lpthread", "-latomic"], place)
        yield Contender("rumur", "BFS", "safety", model, threads, ["./m"], place, read_rumur)


def murphi(model):
    """The text with its numbers in place. Ranges: symmetry would count fewer states."""
    if model.kind == "job":
        file, names = "job.m.in", "TWA"
        ranges = {"@TT@": f"1..{model.numbers[0]}", "@WT@": f"1..{model.numbers[1]}"}
    else:
        file, names, ranges = "twopc.m.in", "N", {"@RT@": f"1..{model.numbers[0]}"}
    text = (HERE / file).read_text()
    values = {f"@{name}@": str(value) for name, value in zip(names, model.numbers)}
    for name, value in {**values, **ranges}.items():
        text = text.replace(name, value)
    return text



def missing(tools):
    """The commands that these checkers need, and that are not there."""
    commands = [tool for tool in tools if tool in PACKAGES]
    if commands:
        commands.append("gcc")
    return [command for command in commands if shutil.which(command) is None]
