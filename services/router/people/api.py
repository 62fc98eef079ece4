"""The routes of absences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from services.router.people import store, usecases
from services.router.people.names import Person
from services.router.people.schemas import AbsenceIn, AbsenceOut
from shared.access.authorizer import Authorizer, require_scope
from shared.access.keys import Caller
from shared.bounds import MOST_SHOWN
from shared.db import Database
from shared.runtime.clock import Clock
from shared.web.app import api_router
from shared.web.paging import Cursors, CursorText, Limit, Page
from shared.web.problems import documented

PersonPath = Annotated[Person, Path(description="The name, as that of an assignee.")]


@dataclass(frozen=True, slots=True)
class PeopleDependencies:
    database: Database
    authorizer: Authorizer
    clock: Clock


def routers(service: PeopleDependencies) -> list[APIRouter]:
    people = api_router("router", "people")
    _absences(people, service)
    return [people]


def _absences(api: APIRouter, service: PeopleDependencies) -> None:
    reads = service.authorizer.requires("todos:read")
    writes = service.authorizer.requires("todos:write")

    @api.get("/people/absences", summary="List absences")
    async def list_absences(
        limit: Limit = MOST_SHOWN, cursor: CursorText = None, _caller: Caller = reads
    ) -> Page[AbsenceOut]:
        """Who is absent now or will be, by the beginning."""
        cursors = Cursors("absences")
        found = await service.database.read(
            store.page, now=service.clock.now(), after=cursors.place(cursor), limit=limit + 1
        )
        shown, following = cursors.page(
            found, limit=limit, key=lambda absence: (absence.begins_at, absence.id)
        )
        items = [AbsenceOut.model_validate(absence) for absence in shown]
        return Page(items=items, next_cursor=following)

    @api.put(
        "/people/{person}/absence", summary="Set an absence", responses=documented(400, 403, 415)
    )
    async def set_absence(
        person: PersonPath, body: AbsenceIn, caller: Caller = writes
    ) -> AbsenceOut:
        """Nothing is assigned to an absent person. What they have goes back to its desk when the
        absence begins, or to the substitute who is not absent as well; their return changes
        nothing. A person has one absence: this one takes the place of another.
        """
        by = _by(caller, person, body.by)
        absence = await service.database.write(
            usecases.set_absence,
            person=person,
            begins_at=body.begins_at,
            ends_at=body.ends_at,
            substitute=body.substitute,
            set_by=by,
            key_name=caller.name,
            now=service.clock.now(),
        )
        return AbsenceOut.model_validate(absence)

    @api.delete(
        "/people/{person}/absence",
        summary="End an absence",
        status_code=204,
        responses=documented(403, 404),
    )
    async def end_absence(
        person: PersonPath, by: Person | None = None, caller: Caller = writes
    ) -> Response:
        """The person is there, or will not be absent. What was handed on stays where it is."""
        _by(caller, person, by)
        await service.database.write(usecases.end_absence, person=person)
        return Response(status_code=204)


def _by(caller: Caller, person: str, by: str | None) -> str:
    """Who says so. Raises RefusedError (403) for somebody else whose key may not supervise."""
    who = caller.name if by is None else by
    if who != person:
        require_scope(caller, "todos:supervise")
    return who
