"""The pages that customers see: without script, with nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from services.intake.form.entries import NOTHING, Entries, EntryFault
from services.intake.form.rules import MIB, FormRules
from services.intake.form.store import KeptAside, Standing
from services.intake.form.times import due_text, full_text, place_of
from services.intake.form.wording import Language, Wording, words
from services.intake.inquiries.domain.inquiry import InquiryState
from services.intake.inquiries.domain.message import NAME_LIMIT, TEXT_LIMIT
from services.intake.inquiries.fields import EMAIL_LIMIT, SUBJECT_LIMIT

_FIELD_LIMITS = {"name": NAME_LIMIT, "subject": SUBJECT_LIMIT, "text": TEXT_LIMIT}
_OTHER: Mapping[Language, Language] = {"de": "en", "en": "de"}
_KEPT_BY_BROWSERS = {"Cache-Control": "private, no-cache"}
"""The empty form: going back to it shows what was typed, with the token that it had."""


class Templates:
    """Our templates with what is the same on every page. `embed`: who may show them in a frame."""

    def __init__(self, company: str, embed: Sequence[str] = ()) -> None:
        self._company = company
        self._environment = Environment(
            loader=PackageLoader("services.intake.form"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style = self._environment.get_template("style.css").render()
        self._style = Markup(style)  # noqa: S704 - a file of ours
        self.policy = _policy(style, embed)

    def page(
        self,
        name: str,
        language: Language,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        html = self._environment.get_template(name).render(
            words=words(language),
            other=_OTHER[language],
            company=self._company,
            style=self._style,
            **values,
        )
        own = {"Content-Security-Policy": self.policy, "Content-Language": language}
        return HTMLResponse(html, status, headers={**own, **(headers or {})})


def no_form(templates: Templates, company: str, language: Language) -> HTMLResponse:
    said = words(language)
    sentence = said.no_form.format(company=company)
    return templates.page(
        "notice.html", language, 404, heading=said.no_form_title, sentence=sentence, back=False
    )


class Pages:
    def __init__(self, rules: FormRules) -> None:
        self._rules = rules
        self._templates = Templates(rules.company, rules.embed)

    @property
    def policy(self) -> str:
        """The Content-Security-Policy of what leads to a page."""
        return self._templates.policy

    def form(
        self,
        language: Language,
        *,
        token: str,
        entries: Entries = NOTHING,
        faults: Mapping[str, EntryFault] | None = None,
        notice: str = "",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """The form with what was typed; `notice` says why it is shown again."""
        rules, said = self._rules, words(language)
        found = {field: self._fault(field, fault, said) for field, fault in (faults or {}).items()}
        fresh = not (found or notice)
        return self._templates.page(
            "form.html",
            language,
            status,
            {**(_KEPT_BY_BROWSERS if fresh else {}), **(headers or {})},
            token=token,
            entries=entries,
            faults=found,
            notice=notice,
            email_required=rules.limits.email_required,
            name_limit=NAME_LIMIT,
            email_limit=EMAIL_LIMIT,
            subject_limit=SUBJECT_LIMIT,
            files_hint=self._about_files(said),
            privacy_notice=rules.privacy_notice.text(language),
            privacy_url=rules.privacy_url,
        )

    def sent(
        self, language: Language, *, path: str, found: Standing | KeptAside, now: datetime
    ) -> HTMLResponse:
        """How it stands with what was sent; `path` is that of this page."""
        said, rules = words(language), self._rules
        heading, sentences = _standing(found, now=now, rules=rules, said=said)
        moments = [(said.received, found.received_at)]
        if isinstance(found, Standing) and found.due_at and found.awaited:
            moments.append((said.due, found.due_at))
        return self._templates.page(
            "sent.html",
            language,
            path=path,
            heading=heading,
            sentences=sentences,
            reference=found.reference if isinstance(found, Standing) else None,
            facts=[
                *((name, full_text(at, zone=rules.zone, said=said)) for name, at in moments),
                (said.zone, place_of(rules.zone, said)),
            ],
        )

    def unknown(self, language: Language, *, removed: bool) -> HTMLResponse:
        said = words(language)
        sentence = said.removed if removed else said.unknown
        return self.notice(language, 410 if removed else 404, said.unknown_title, sentence)

    def refused(self, language: Language, status: int, headers: Mapping[str, str]) -> HTMLResponse:
        """For what could not be read, so that nothing of it can be shown again."""
        said = words(language)
        large = said.body_too_large.format(size=self._rules.limits.bytes // MIB)
        sentence = large if status == 413 else said.body_broken
        return self.notice(language, status, said.error_summary, sentence, headers=headers)

    def notice(
        self,
        language: Language,
        status: int,
        heading: str,
        sentence: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        return self._templates.page(
            "notice.html", language, status, headers, heading=heading, sentence=sentence, back=True
        )

    def _about_files(self, said: Wording) -> str:
        """Nothing where there may be none."""
        limits = self._rules.limits
        if not limits.files:
            return ""
        return said.files_hint.format(count=limits.files, size=limits.bytes // MIB)

    def _fault(self, field: str, fault: EntryFault, said: Wording) -> str:
        limits = self._rules.limits
        sentence: str = getattr(said, fault.value)
        return sentence.format(
            limit=_FIELD_LIMITS.get(field), count=limits.files, size=limits.bytes // MIB
        )


def _standing(
    found: Standing | KeptAside, *, now: datetime, rules: FormRules, said: Wording
) -> tuple[str, list[str]]:
    """The heading, and what happens next."""
    if isinstance(found, KeptAside):
        return said.sent_heading, [rules.promise.text(said.language)]
    reachable = said.by_email if found.has_email else said.without_email
    match found.state:
        case InquiryState.OPEN:
            return said.sent_heading, [_by_when(found, now=now, rules=rules, said=said), reachable]
        case InquiryState.HELD:
            return said.held_heading, [_by_when(found, now=now, rules=rules, said=said)]
        case InquiryState.ANSWERED:
            at = found.answered_at
            when = [] if at is None else [full_text(at, zone=rules.zone, said=said)]
            return said.answered_heading, [said.answered.format(at=each) for each in when]
        case InquiryState.CLOSED | InquiryState.NO_ANSWER:
            return said.closed_heading, [said.closed]


def _by_when(found: Standing, *, now: datetime, rules: FormRules, said: Wording) -> str:
    if found.due_at is None:
        return rules.promise.text(said.language)
    if found.paused:
        return said.waits_for_you
    due = due_text(found.due_at, now=now, zone=rules.zone, said=said)
    if found.due_at < now:
        return said.answer_overdue.format(due=due)
    held = found.state is InquiryState.HELD
    return (said.follow_up_by if held else said.answer_by).format(due=due)


def _policy(style: str, embed: Sequence[str]) -> str:
    ancestors = " ".join(["'self'", *embed])
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; "
        f"frame-ancestors {ancestors}"
    )
