"""Prints the folder in which a test run had best keep its data: TMPDIR for `make test`.

Most of what the tests wait for is the disk, for databases and brokers keep their durable settings.
Memory is as good here: a process that a test kills leaves what it has written, and no test cuts
the power.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - each test makes folders of its own in it
NEEDED_BYTES = 4 * 2**30
"""More than twice of what a run has held at once."""


def scratch_space(memory: Path = MEMORY, *, needed: int = NEEDED_BYTES) -> Path:
    """The folder in memory where there is room enough and programs may run; else the usual one."""
    usual = Path(tempfile.gettempdir())
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return usual
    state = os.statvfs(memory)
    if state.f_flag & os.ST_NOEXEC or state.f_bavail * state.f_frsize < needed:
        return usual
    return memory if _free_memory() >= needed else usual


def _free_memory() -> int:
    """Bytes that the machine can give without swapping; the folder takes its room from them."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    sizes = dict(line.split(":", 1) for line in lines)
    return int(sizes.get("MemAvailable", "0").split()[0]) * 1024


if __name__ == "__main__":
    sys.stdout.write(f"{scratch_space()}\n")
