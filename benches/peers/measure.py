"""What a whole process took: the time by the clock and of the processors, and its memory."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Taken:
    wall: float
    """Seconds by the clock."""
    cpu: float
    """Seconds of all processors, of the user and of the system, children that ended included."""
    peak: int
    """Bytes of memory at most, of the largest of its processes."""
    code: int
    text: str
    """What it wrote."""


def run(argv, folder):
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        child = subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            child.wait()
            raise
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    # Linux counts in kilobytes.
    peak = usage.ru_maxrss * 1024
    return Taken(wall, usage.ru_utime + usage.ru_stime, peak, child.returncode, text)


def floor():
    """The peak of a process that does nothing: that of this one, as it was when it forked."""
    return run(["true"], None).peak
