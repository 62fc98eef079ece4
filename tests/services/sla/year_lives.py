"""What happens in the simulated years: inquiries, their lives at the desks, and outages."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from shared.events import Fact
from shared.policy import Policy, parse_policy
from tests.services.sla.desk import Inquiry
from tests.services.sla.hand_over_reference import HandOverWatch, hand_over_watched
from tests.services.sla.year_reference import (
    CLOSED,
    DAY,
    HALF_DAYS,
    HOUR,
    SECOND,
    Done,
    Outages,
    Spec,
    Watch,
    instant,
    watched,
)
from tests.unit.policy.raw import shipped

SPECS = {
    "email": Spec("answer", "working-days", DAY, hand_over=20 * HOUR),
    "x": Spec("quick", "opening-hours", 4 * HOUR, hand_over=2 * HOUR),
    "web_form": Spec("plain", "wall-clock", 36 * HOUR),
    "linkedin": Spec("short", "working-days", 2 * HOUR, hand_over=HOUR),
}


@dataclass
class Life:
    """What is planned to happen to an inquiry, and what did."""

    inquiry: Inquiry
    received: int
    plan: list[Done]
    history: list[Done] = field(default_factory=list)

    @property
    def spec(self) -> Spec:
        return SPECS[self.inquiry.channel]

    def watch(self, until: int) -> Watch:
        return watched(self.spec, self.received, self.history, until)

    def hand_over(self, until: int) -> HandOverWatch | None:
        if self.spec.hand_over is None:
            return None
        return hand_over_watched(self.spec, self.received, self.history, until)

    def _at_the_desk(self, done: Done) -> Fact:
        at = instant(done.at)
        desk, other = ("technical", "inbound") if done.until else ("inbound", "technical")
        if done.kind == "claim":
            return self.inquiry.claimed(at, desk)
        if any(each.kind == "assign" for each in self.history[:-1]):
            return self.inquiry.rerouted(other, desk, at)
        return self.inquiry.todo_created(desk, at)

    def fact(self, done: Done) -> Fact:  # noqa: PLR0911 - one for each kind
        at = instant(done.at)
        match done.kind:
            case "assign" | "claim":
                return self._at_the_desk(done)
            case "receive":
                return self.inquiry.received()
            case "wrote":
                return self.inquiry.message_added(at)
            case "hold":
                return self.inquiry.held(at, instant(done.until))
            case "answer":
                return self.inquiry.answered(at)
            case _ if done.until:
                return self.inquiry.dismissed(at, "spam")
            case _:
                return self.inquiry.closed(at, "withdrawn")


def year_policy() -> Policy:
    raw = shipped()
    promised = {
        name for name, each in raw["channels"].items() if each["service_level"] == "promised"
    }
    others = sorted(promised - SPECS.keys())
    raw["promises"] = [
        {
            "name": spec.name,
            "counting": spec.counting,
            "first_answer": f"{spec.target // HOUR}h",
            "warn": ["75%", "1h"],
            "match": {"channels": [channel, *others] if channel == "email" else [channel]},
            **({"hand_over": f"{spec.hand_over // HOUR}h"} if spec.hand_over else {}),
        }
        for channel, spec in SPECS.items()
    ]
    first, *_, last = sorted(CLOSED)
    raw["calendar"]["closures"] = [{"from": first, "to": last, "name": "Betriebsferien"}]
    raw["calendar"]["overrides"] = [
        {"date": day, "hours": ["09:00-12:00"], "name": "Heiligabend"} for day in sorted(HALF_DAYS)
    ]
    return parse_policy(raw)


def random_life(dice: Random, first: int, last: int) -> Life:
    received = dice.randrange(first, last, SECOND)
    channel = dice.choice(["email", "email", *SPECS])
    inquiry = Inquiry(channel=channel, received_at=instant(received))
    plan, at = [], received
    for _ in range(dice.choice([0, 0, 1, 2, 4])):
        at = _later(dice, at, 2 * DAY)
        kind = dice.choice(["pause", "pause", "resume", "wrote", "wrote", "hold"])
        plan.append(Done(kind, at, _later(dice, at, dice.choice([HOUR, 6 * DAY, 15 * DAY]))))
    for kind in dice.choice([["answer"]] * 6 + [["cancel"], ["answer", "cancel"], []]):
        at = _later(dice, at, dice.choice([3 * HOUR, DAY, 4 * DAY, 9 * DAY]))
        plan.append(Done(kind, at, dice.choice([0, 1])))
    plan += _at_the_desks(dice, received)
    return Life(inquiry, received, sorted(plan, key=lambda done: done.at))


def _at_the_desks(dice: Random, received: int) -> list[Done]:
    """A ToDo, some detours, and now and then somebody who claims it."""
    at, technical = _later(dice, received, dice.choice([60 * SECOND, DAY])), dice.random() < 0.7
    done = [Done("assign", at, int(technical))]
    for _ in range(dice.choice([0, 0, 0, 1, 2, 3])):
        at = _later(dice, at, dice.choice([2 * HOUR, 2 * DAY]))
        technical = not technical
        done.append(Done("assign", at, int(technical)))
    if dice.random() < 0.6:
        at = _later(dice, at, dice.choice([HOUR, 5 * HOUR, DAY]))
        done.append(Done("claim", at, int(technical)))
    return done


def _later(dice: Random, moment: int, most: int) -> int:
    return moment + dice.randrange(SECOND, most, SECOND)


def random_outages(dice: Random, first: int, last: int, count: int) -> Outages:
    begins = sorted(dice.randrange(first, last - 10 * DAY, SECOND) for _ in range(count))
    spans: list[tuple[int, int]] = []
    for begin in begins:
        if not spans or begin > spans[-1][1] + HOUR:
            spans.append((begin, _later(dice, begin, dice.choice([HOUR, DAY, 5 * DAY]))))
    return spans
