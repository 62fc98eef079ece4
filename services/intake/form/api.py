"""`/form`: where customers write, and where they see how it stands."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from services.intake.dependencies import IntakeDependencies
from services.intake.form import store, tokens, usecases
from services.intake.form.arrivals import Arrivals
from services.intake.form.entries import external_id
from services.intake.form.pages import Pages, Templates, no_form
from services.intake.form.reading import Filled, address_of, filled, language_of
from services.intake.form.rules import FormRules
from services.intake.form.tokens import Fault, Token
from services.intake.form.wording import Language, words
from services.intake.settings import IntakeSettings
from shared.errors import DeskError, UnavailableError
from shared.web.notes import notes
from shared.web.problems import RETRY_AFTER_SECONDS, RefusedError
from shared.web.rates import Rate, Rates

PATH = "/form"
SENT = "/form/sent/"
MOST_ADDRESSES = 10_000
_PLACE = re.compile(r"[\w-]{38}", re.ASCII)


class FormRates:
    """How much one address and all together may send, in this process."""

    def __init__(self, settings: IntakeSettings) -> None:
        one = Rate(settings.form_address_rate, settings.form_address_burst)
        everybody = Rate(settings.form_rate, settings.form_burst)
        self._one = Rates("address", one, most=MOST_ADDRESSES)
        self._everybody = Rates("form", everybody)

    def take(self, address: str) -> None:
        """Raises TooManyError."""
        for rates, name, sentence in (
            (self._one, address, "too_often"),
            (self._everybody, "", "too_busy"),
        ):
            try:
                rates.take(name)
            except RefusedError as error:
                raise TooManyError(sentence, error.headers["Retry-After"]) from error


@dataclass(eq=False)
class TooManyError(Exception):
    """`sentence` names the words for it, `seconds` is when it may be sent again."""

    sentence: str
    seconds: str


class FormApi:
    def __init__(
        self,
        desk: IntakeDependencies,
        rules: FormRules,
        settings: IntakeSettings,
        arrivals: Arrivals,
    ) -> None:
        self._desk = desk
        self._rules = rules
        self._arrivals = arrivals
        self._pages = Pages(rules)
        self._rates = FormRates(settings)
        self._known_key: bytes | None = None
        self._outcomes = desk.metrics.counter(
            "desk_form_submissions", "What was sent with the form, by outcome.", "outcome"
        )

    def routes(self) -> list[Route]:
        return [
            Route(PATH, self.show, methods=["GET"], name="show_form"),
            Route(PATH, self.take, methods=["POST"], name="take_form"),
            Route(f"{SENT}{{place}}", self.sent, methods=["GET"], name="show_sent"),
        ]

    def limit_of(self, path: str) -> int | None:
        return self._rules.body_limit if path == PATH else None

    def page_of(self, scope: Scope, error: DeskError) -> Response | None:
        """For what is refused before the form sees it."""
        if scope["path"] != PATH or not isinstance(error, RefusedError):
            return None
        return self._unreadable(language_of(Request(scope)), error)

    async def show(self, request: Request) -> Response:
        language = language_of(request)
        try:
            token = await self._new_token()
        except UnavailableError:
            return self._unavailable(language)
        return self._pages.form(language, token=token)

    async def take(self, request: Request) -> Response:
        language = language_of(request)
        try:
            sent = await filled(request)
        except RefusedError as error:
            return self._unreadable(language, error)
        try:
            self._rates.take(address_of(request))
            return await self._taken(language, sent)
        except TooManyError as error:
            return self._too_many(language, sent, error)
        except UnavailableError:
            return self._unavailable(language, sent)

    async def sent(self, request: Request) -> Response:
        language, place = language_of(request), request.path_params["place"]
        if _PLACE.fullmatch(place) is None:
            return self._pages.unknown(language, removed=False)
        try:
            found = await self._desk.database.read(
                store.find, channel=self._rules.channel, external_id=external_id(place)
            )
        except UnavailableError:
            return self._unavailable(language)
        if found is None or isinstance(found, store.Gone):
            return self._pages.unknown(language, removed=found is not None)
        now = self._desk.clock.now()
        return self._pages.sent(language, path=f"{SENT}{place}", found=found, now=now)

    async def _taken(self, language: Language, sent: Filled) -> Response:
        """Raises UnavailableError."""
        now = self._desk.clock.now()
        token = tokens.read(sent.token, await self._key())
        if token is None:
            return await self._again(language, sent, Fault.NOT_OURS)
        fault = token.fault(now)
        if fault is Fault.TOO_LATE and await self._known(sent, token):
            fault = None
        if fault is not None or sent.entries.faults(self._rules.limits):
            return await self._again(language, sent, fault)
        await self._store(sent, token)
        where = f"{SENT}{sent.entries.place(token.number)}?lang={language}"
        policy = {"Content-Security-Policy": self._pages.policy}
        return RedirectResponse(where, 303, headers=policy)

    async def _store(self, sent: Filled, token: Token) -> None:
        desk, channel = self._desk, self._rules.channel
        message = sent.entries.message(token.number)
        if sent.trapped:
            await usecases.keep_suspected(desk, channel, message)
            self._count("suspected")
            return
        placed = await usecases.take(desk, channel, message)
        self._count("repeated" if placed.duplicate else "accepted")
        if self._rules.promised:
            await usecases.due_time_known(
                desk, self._arrivals, placed.inquiry_id, seconds=usecases.WAIT_SECONDS
            )

    async def _known(self, sent: Filled, token: Token) -> bool:
        """Whether the same was sent before: then nothing has to be asked again."""
        known = external_id(sent.entries.place(token.number))
        found = await self._desk.database.read(
            store.find, channel=self._rules.channel, external_id=known
        )
        return found is not None

    async def _again(self, language: Language, sent: Filled, fault: Fault | None) -> HTMLResponse:
        """The form with all that was typed, and what to do. Raises UnavailableError."""
        self._count("to_correct")
        said, faults = words(language), sent.entries.faults(self._rules.limits)
        notices = {
            None: "",
            Fault.NOT_OURS: said.again_not_ours,
            Fault.TOO_SOON: said.again_too_soon,
            Fault.TOO_LATE: said.again_too_late,
        }
        good = fault in (None, Fault.TOO_SOON)
        return self._pages.form(
            language,
            token=sent.token if good else await self._new_token(),
            entries=sent.entries,
            faults=faults,
            notice="" if faults else notices[fault],  # it has to be sent once more anyway
            status=422,
        )

    def _too_many(self, language: Language, sent: Filled, error: TooManyError) -> HTMLResponse:
        self._count("refused")
        notes().refused, notes().channel = "too-many-requests", self._rules.channel
        sentence: str = getattr(words(language), error.sentence)
        return self._pages.form(
            language,
            token=sent.token,
            entries=sent.entries,
            notice=sentence.format(seconds=error.seconds),
            status=429,
            headers={"Retry-After": error.seconds},
        )

    def _unavailable(self, language: Language, sent: Filled | None = None) -> HTMLResponse:
        said, headers = words(language), {"Retry-After": str(RETRY_AFTER_SECONDS)}
        if sent is None:
            title, sentence = said.unavailable_title, said.unavailable_page
            return self._pages.notice(language, 503, title, sentence, headers=headers)
        self._count("refused")
        return self._pages.form(
            language,
            token=sent.token,
            entries=sent.entries,
            notice=said.unavailable,
            status=503,
            headers=headers,
        )

    def _unreadable(self, language: Language, error: RefusedError) -> HTMLResponse:
        self._count("refused")
        notes().refused = error.code
        return self._pages.refused(language, error.status, error.headers)

    async def _new_token(self) -> str:
        """Raises UnavailableError."""
        token = tokens.numbered(secrets.token_bytes(16), self._desk.clock.now())
        return tokens.written(token, await self._key())

    async def _key(self) -> bytes:
        if self._known_key is None:
            self._known_key = await usecases.key_of(self._desk)
        return self._known_key

    def _count(self, outcome: str) -> None:
        self._outcomes.labels(outcome).inc()


def no_form_routes(company: str) -> list[Route]:
    """Where the policy has no form: a person who comes here is told so."""
    templates = Templates(company)

    async def show(request: Request) -> Response:
        return no_form(templates, company, language_of(request))

    return [
        Route(path, show, methods=["GET", "POST"], name="no_form")
        for path in (PATH, f"{SENT}{{place}}")
    ]
