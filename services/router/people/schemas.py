"""The HTTP bodies of absences."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from services.router.people.names import Person
from shared.web.moments import Moment


class AbsenceIn(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "from": "2026-12-21T00:00:00+01:00",
                    "until": "2027-01-04T00:00:00+01:00",
                    "substitute": "Bert",
                    "by": "Carla",
                }
            ]
        },
    )

    begins_at: Moment = Field(alias="from", description="The first moment of the absence.")
    ends_at: Moment = Field(alias="until", description="When the person is there again.")
    substitute: Person | None = Field(
        None,
        description="Who gets what the person has then; without one it goes back to the desks.",
    )
    by: Person | None = Field(
        None,
        description="Who says so; default: the key's name. For somebody else the key needs the "
        "scope `todos:supervise`.",
    )


class AbsenceOut(BaseModel):
    model_config = ConfigDict(from_attributes=True, validate_by_name=True, serialize_by_alias=True)

    person: str = Field(examples=["Anna"])
    begins_at: datetime = Field(alias="from")
    ends_at: datetime = Field(alias="until")
    substitute: str | None = Field(examples=["Bert"])
    set_by: str = Field(examples=["Carla"])
    key_name: str = Field(examples=["desk-tool"])
    set_at: datetime
    handed_on_at: datetime | None = Field(
        description="When what the person had went back to the desks, or to the substitute."
    )
