"""Bodies about one inquiry show what people call it."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, Field, computed_field

from shared.text.references import EXAMPLE, reference_of
from shared.web.examples import ID


class OfInquiry(BaseModel):
    inquiry_id: UUID = Field(examples=[ID])

    @computed_field(  # type: ignore[prop-decorator]
        description="What the inquiry is called on the telephone.", examples=[EXAMPLE]
    )
    @property
    def reference(self) -> str:
        return reference_of(self.inquiry_id)
