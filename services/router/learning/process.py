"""Training has a process of its own: it takes minutes of a core, and memory that must go back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from services.router.deciding.model.file import LARGEST
from services.router.learning.job import Job
from services.router.learning.store.models import TaughtBy
from services.router.learning.usecases.versions import Result

LONGEST_SECONDS = 600.0
_LONGEST_LINE = 1 << 20
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class TrainingError(Exception):
    """Nothing was trained; says why."""


async def run_training(job: Job, *, seconds: float = LONGEST_SECONDS) -> Result:
    """Run it to its end. Cancelling, or the end of this process, ends it as well.

    Raises TrainingError.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.router.learning.train",
        stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=_LONGEST_LINE,
        env={**os.environ, **_ONE_THREAD},
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds):
            answer, data = await _answer(process, job)
    except TimeoutError:
        raise TrainingError(f"it took longer than {seconds:g} seconds") from None
    finally:
        await _ended(process)
    return Result(
        data=data or None,
        promoted=bool(answer["promoted"]),
        why=str(answer["why"]),
        metrics=answer["metrics"],
        taught_by=TaughtBy.LEXICON if job.from_lexicon else TaughtBy.LABELS,
        base=answer["base"],
    )


async def _answer(process: Process, job: Job) -> tuple[Mapping[str, Any], bytes]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise TrainingError("the process has no pipes")
    try:
        process.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
        # It stays open: its end tells the process that nobody waits any more.
        await process.stdin.drain()
        answer = json.loads(await process.stdout.readline())
        size = int(answer["bytes"])
        if size > LARGEST:
            raise TrainingError(f"a model of {size} bytes is too large")
        return answer, await process.stdout.readexactly(size)
    except (OSError, ValueError, KeyError, TypeError, asyncio.IncompleteReadError):
        said = (await process.stderr.read(_LONGEST_LINE)).decode(errors="replace")
        code = await process.wait()
        why = said.splitlines()[-1][:300] if said else "it said nothing"
        raise TrainingError(f"the process ended with code {code}: {why}") from None


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
