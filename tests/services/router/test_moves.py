"""Claim, release, complete, reroute, dismiss: over HTTP, on both databases."""

from __future__ import annotations

import asyncio

from shared.events.todos import (
    TodoClaimed,
    TodoCompleted,
    TodoDismissed,
    TodoReleased,
    TodoRerouted,
)
from tests.services.router.desk import ANNA, BERT, Desk, history, types


async def test_a_claimed_todo_is_its_assignees(desk: Desk) -> None:
    todo = await desk.new_todo()
    answer = await desk.post(f"/todos/{todo['id']}/claim")
    assert answer.status_code == 200
    claimed = answer.json()
    assert (claimed["state"], claimed["assignee"]) == ("claimed", "Anna")
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoClaimed)
    assert (str(fact.todo_id), fact.assignee) == (todo["id"], "Anna")
    assert fact.desk == todo["desk"]
    assert fact.claimed_at == desk.clock.now()
    assert history(claimed)[-1] == ("Anna", "claimed", None)


async def test_claiming_again_is_no_second_claim(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/claim")
    again = await desk.post(f"/todos/{todo['id']}/claim", {"assignee": "Anna"}, key=BERT)
    assert again.status_code == 200
    assert types(await desk.facts()) == ["todo.created", "todo.claimed"]
    assert len(again.json()["history"]) == 2


async def test_claiming_what_somebody_else_has_is_a_conflict(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/claim")
    answer = await desk.post(f"/todos/{todo['id']}/claim", key=BERT)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:inbound-desk:problem:todo-claimed"
    assert problem["assignee"] == "Anna"
    assert problem["errors"] == [
        {
            "field": "state",
            "problem": "is claimed by Anna",
            "expected": "possible now: release, complete, reroute, dismiss by Anna, or by a "
            "supervisor (as_supervisor)",
        }
    ]


async def test_of_two_who_claim_at_once_one_wins(desk: Desk) -> None:
    for _ in range(5):
        todo = await desk.new_todo()
        path = f"/todos/{todo['id']}/claim"
        answers = await asyncio.gather(
            *(desk.post(path, {"assignee": f"person {n}"}) for n in range(6))
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200, *[409] * 5]
        winner = next(answer.json() for answer in answers if answer.status_code == 200)
        now = await desk.get(f"/todos/{todo['id']}")
        assert now["assignee"] == winner["assignee"]
        assert [line["what"] for line in now["history"]] == ["created", "claimed"]


async def test_a_key_that_claimed_for_a_person_goes_on_acting_for_them(desk: Desk) -> None:
    todo = await desk.new_todo()
    claimed = await desk.post(f"/todos/{todo['id']}/claim", {"assignee": "Dora"})
    assert history(claimed.json())[-1] == ("Dora", "claimed", None)
    assert (await desk.post(f"/todos/{todo['id']}/complete", key=BERT)).status_code == 409
    done = await desk.post(f"/todos/{todo['id']}/complete", key=ANNA)
    assert done.status_code == 200
    assert (done.json()["state"], done.json()["ended_by"]) == ("done", "Dora")


async def test_a_named_person_acts_through_any_key(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/claim", {"assignee": "Dora"})
    done = await desk.post(f"/todos/{todo['id']}/complete", {"by": "Dora"}, key=BERT)
    assert (done.status_code, done.json()["ended_by"]) == (200, "Dora")
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoCompleted)
    assert fact.completed_by == "Dora"


async def test_a_supervisor_releases_what_somebody_else_has(desk: Desk) -> None:
    todo = await desk.new_todo()
    await desk.post(f"/todos/{todo['id']}/claim")
    assert (await desk.post(f"/todos/{todo['id']}/release", key=BERT)).status_code == 409
    freed = await desk.post(f"/todos/{todo['id']}/release", {"as_supervisor": True}, key=BERT)
    assert freed.status_code == 200
    assert (freed.json()["state"], freed.json()["assignee"]) == ("open", None)
    assert history(freed.json())[-1] == ("Bert", "released", None)
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoReleased)
    assert fact.released_by == "Bert"
    assert (await desk.post(f"/todos/{todo['id']}/claim", key=BERT)).status_code == 200


async def test_releasing_what_nobody_has_names_what_is_possible(desk: Desk) -> None:
    todo = await desk.new_todo()
    answer = await desk.post(f"/todos/{todo['id']}/release")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:inbound-desk:problem:todo-not-claimed"
    expected = answer.json()["errors"][0]["expected"]
    assert expected == "possible now: claim, complete, reroute, dismiss"


async def test_rerouting_opens_it_at_the_other_desk(desk: Desk) -> None:
    todo = await desk.new_todo()
    assert todo["desk"] == "technical"
    await desk.post(f"/todos/{todo['id']}/claim")
    body = {"desk": "inbound", "reason": "asks for an invoice"}
    moved = await desk.post(f"/todos/{todo['id']}/reroute", body)
    assert moved.status_code == 200
    assert (moved.json()["desk"], moved.json()["state"]) == ("inbound", "open")
    assert moved.json()["assignee"] is None
    line = ("Anna", "rerouted", "technical to inbound: asks for an invoice")
    assert history(moved.json())[-1] == line
    assert history(moved.json())[0] == ("router", "created", "technical, at technical")
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoRerouted)
    assert (fact.from_desk, fact.desk, fact.reason) == ("technical", "inbound", body["reason"])
    assert fact.rerouted_by == "Anna"


async def test_rerouting_to_the_same_desk_is_a_conflict(desk: Desk) -> None:
    todo = await desk.new_todo()
    body = {"desk": "technical", "reason": "again"}
    answer = await desk.post(f"/todos/{todo['id']}/reroute", body)
    assert answer.status_code == 409
    problem = answer.json()
    assert problem["type"] == "urn:inbound-desk:problem:same-desk"
    assert problem["detail"].startswith("the ToDo is at that desk already")


async def test_an_unknown_desk_is_named_with_the_known_ones(desk: Desk) -> None:
    todo = await desk.new_todo()
    body = {"desk": "sales", "reason": "wants to buy"}
    answer = await desk.post(f"/todos/{todo['id']}/reroute", body)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == "urn:inbound-desk:problem:unknown-desk"
    assert problem["errors"][0]["field"] == "desk"
    assert problem["errors"][0]["expected"] == "one of: inbound, review, technical"


async def test_dismissing_says_why_and_ends_it(desk: Desk) -> None:
    todo = await desk.new_todo("Ihr Arschlöcher")
    assert (todo["kind"], todo["desk"]) == ("netiquette", "review")
    gone = await desk.post(f"/todos/{todo['id']}/dismiss", {"reason": "netiquette"})
    assert gone.status_code == 200
    assert (gone.json()["state"], gone.json()["dismiss_reason"]) == ("dismissed", "netiquette")
    assert gone.json()["ended_by"] == "Anna"
    fact = (await desk.facts())[-1]
    assert isinstance(fact, TodoDismissed)
    assert (fact.reason, fact.dismissed_by) == ("netiquette", "Anna")
    for move, body in (
        ("claim", None),
        ("release", None),
        ("complete", None),
        ("dismiss", {"reason": "spam"}),
        ("reroute", {"desk": "inbound", "reason": "x"}),
    ):
        answer = await desk.post(f"/todos/{todo['id']}/{move}", body)
        assert answer.status_code == 409, move
        assert answer.json()["type"] == "urn:inbound-desk:problem:todo-closed"
    assert types(await desk.facts()) == ["todo.created", "todo.dismissed"]


async def test_the_trace_of_the_request_is_in_the_fact(desk: Desk) -> None:
    todo = await desk.new_todo()
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await desk.request(
        "POST",
        f"/todos/{todo['id']}/claim",
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
    )
    assert answer.status_code == 200
    assert (await desk.told())[-1].traceparent[3:35] == trace
