"""`inbound-desk router ...`: the versions of the model that people's decisions have taught."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from services import root
from services.cli import reindex
from services.cli.words import add_verb, go
from services.router.learning.following import ModelMetrics
from services.router.learning.loops import job_of
from services.router.learning.store import models
from services.router.learning.store.models import State, StoredVersion
from services.router.learning.usecases import labelling, versions
from services.router.learning.worker import Trainer
from services.router.settings import RouterSettings
from shared.db import Read, Write
from shared.policy import load_policy
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, read_settings
from shared.runtime.telemetry import Metrics

P = ParamSpec("P")
T = TypeVar("T")

WRITES = "with SQLite files the desk has to be stopped"


def add(verbs: Any) -> None:
    """Below the command that runs the router on its own, which `run` has added."""
    below = verbs.choices["router"].add_subparsers(metavar="verb")
    reindex.add(below)
    add_verb(below, "models", list_models, "list the versions of the model, the newest first")
    add_verb(below, "train", train, f"train a version now; {WRITES}")
    verb = add_verb(
        below,
        "rollback",
        rollback,
        f"make an earlier version decide; until `train` no other is promoted; {WRITES}",
    )
    verb.add_argument(
        "version", nargs="?", type=int, help="left out: the one before; 0: the lexicon alone"
    )
    verb = add_verb(below, "export", export, "write a version to a file")
    verb.add_argument("file", type=Path)
    verb.add_argument("version", nargs="?", type=int, help="left out: the one that decides")
    verb = add_verb(
        below, "import", import_, f"add a version from a file, which only watches; {WRITES}"
    )
    verb.add_argument("file", type=Path)
    verb.add_argument(
        "version", nargs="?", type=int, help="the number that it had before the database was lost"
    )


def list_models(_options: argparse.Namespace) -> int:
    """Also beside a desk that runs."""
    found = go(_read(models.versions))
    for each in found:
        print(_line(each))
    if not any(each.state is State.CURRENT for each in found):
        print("the lexicon alone decides: no version is the current one")
    return 0


def train(_options: argparse.Namespace) -> int:
    """Exit code 1 when nothing was trained."""
    settings = read_settings(DeskSettings)
    policy, clock = load_policy(settings.policy), SystemClock()
    fewest = policy.routing.learning.fewest_labels
    job = job_of(settings, read_settings(RouterSettings), fewest_labels=fewest)

    async def run() -> tuple[int | None, Sequence[StoredVersion]]:
        async with root.opened(root.database_of("router", settings), "router") as database:
            while await database.write(labelling.read_on, now=clock.now()):
                pass
            metrics = ModelMetrics.of(Metrics("router"))
            trainer = Trainer(database, clock, job, timedelta(0), metrics)
            number = await trainer.train(job, asyncio.Event(), by_hand=True)
            return number, await database.read(models.versions)

    number, found = go(run())
    trained = next((each for each in found if each.version == number), None)
    if trained is None:
        print("nothing was trained: too few labels, another instance trains, or the log says why")
        return 1
    print(_line(trained))
    print(f"{'promoted' if trained.state is State.CURRENT else 'kept'}: {trained.metrics['why']}")
    return 0


def rollback(options: argparse.Namespace) -> int:
    number = go(_write(versions.go_back, options.version, now=SystemClock().now()))
    who = "the lexicon alone decides" if number == versions.LEXICON else f"version {number} decides"
    print(f"{who}, in each running instance within seconds; `train` promotes again")
    return 0


def export(options: argparse.Namespace) -> int:
    number, data = go(_read(versions.exported, options.version))
    with options.file.open("xb") as file:
        file.write(data)
    print(f"version {number} is in {options.file}: {len(data)} bytes")
    return 0


def import_(options: argparse.Namespace) -> int:
    data, now = options.file.read_bytes(), SystemClock().now()
    number = go(_write(versions.bring_in, data, version=options.version, now=now))
    print(f"it is version {number} and only watches; `rollback {number}` makes it decide")
    return 0


async def _read(query: Callable[Concatenate[Read, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    settings = read_settings(DeskSettings)
    async with root.opened(root.reader_of("router", settings), "router") as database:
        return await database.read(query, *args, **kwargs)


async def _write(verb: Callable[Concatenate[Write, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    settings = read_settings(DeskSettings)
    async with root.opened(root.database_of("router", settings), "router") as database:
        return await database.write(verb, *args, **kwargs)


def _line(each: StoredVersion) -> str:
    when = each.created_at.isoformat(timespec="minutes")
    parts = [f"{each.version:>4}  {each.state.value:<9}  {when}  from {each.taught_by.value}"]
    scores = each.metrics.get("candidate")
    if scores:
        parts.append(f"{each.metrics['labels']} labels")
        parts.append(f"macro-F1 {scores['macro_f1']:.3f}")
        parts.append(f"alone {_percent(scores['alone'])}, right {_percent(scores['right_alone'])}")
    if not each.kept:
        parts.append("figures only")
    return "  ".join(parts)


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.0f} %"
