"""Who may call what: `Authorization: Bearer <key>`, and the scope that an operation needs.

Programs that subscribe to a calendar know only a user and a password: there, and only there, the
key may come as the password of RFC 7617 (Basic). Not elsewhere, since a browser that has asked for
a password sends it along with whatever another page makes it send.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.dependencies.models import Dependant
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.http import HTTPBase
from starlette.requests import Request

from shared.access.keys import Caller, KeyRing, Scope
from shared.runtime.clock import Clock
from shared.web.notes import notes
from shared.web.problems import RefusedError
from shared.web.rates import UNLIMITED, Rate, Rates

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="inbound-desk"'}
_BASIC_CHALLENGE = {"WWW-Authenticate": 'Basic realm="inbound-desk", charset="UTF-8"'}
_bearer = HTTPBearer(auto_error=False, description="An API key: `inbound-desk keys create`.")
_basic = HTTPBase(
    scheme="basic",
    scheme_name="HTTPBasic",
    auto_error=False,
    description="An API key as the password; the user name does not matter.",
)
_CALLER = "desk.caller"  # in the scope of a request
_Credentials = HTTPAuthorizationCredentials | None


class Authorizer:
    """Lets a request pass when its key is known, not expired, in its rate, and has the scope."""

    def __init__(self, ring: KeyRing, clock: Clock, rate: Rate = UNLIMITED) -> None:
        """`rate` holds for each key."""
        self._ring = ring
        self._clock = clock
        self._rates = Rates("key", rate)

    def authorize(self, authorization: str | None, *scopes: Scope) -> Caller:
        """Raises RefusedError: 401 without a valid key, 403 when it has none of the scopes, 429
        when it asks too often.
        """
        return self.authorize_key(_bearer_key(authorization), *scopes)

    def requires(self, scope: Scope) -> Any:
        """A FastAPI dependency that yields the Caller."""
        return Security(_Bearer(self, scope))

    def subscribes(self, scope: Scope) -> Any:
        """The same for what calendar programs fetch: the key may be a password."""
        return Security(_BearerOrPassword(self, scope))

    def authorize_key(
        self, key: str | None, *scopes: Scope, challenge: Mapping[str, str] = _CHALLENGE
    ) -> Caller:
        """What `authorize` does, for a key that has been taken out of its header."""
        if key is None:
            raise RefusedError(
                401,
                "key-missing",
                "send `Authorization: Bearer <key>`; `inbound-desk keys create` makes a key",
                headers=challenge,
            )
        caller = self._ring.find(key, self._clock.now())
        if caller is None:
            raise RefusedError(
                401, "key-unknown", "this key is unknown or has expired", headers=challenge
            )
        notes().key = caller.name
        self._rates.take(caller.name)
        require_scope(caller, *scopes)
        return caller


def require_scope(caller: Caller, *scopes: Scope) -> None:
    """Raises RefusedError (403) unless the key has one of the scopes."""
    if not any(caller.may(scope) for scope in scopes):
        wanted = " or ".join(scopes)
        raise RefusedError(
            403, "scope-missing", f"the key {caller.name!r} does not have the scope {wanted}"
        )


class RequiredScope(ABC):
    """What an operation needs of its caller. It can be looked at before anything else is read."""

    def __init__(self, authorizer: Authorizer, scope: Scope) -> None:
        self._authorizer = authorizer
        self._scope = scope

    def check(self, request: Request) -> Caller:
        """The key is looked up once for each request, its scopes each time.

        Raises RefusedError, see `Authorizer.authorize`.
        """
        caller: Caller | None = request.scope.get(_CALLER)
        if caller is None:
            authorization = request.headers.get("authorization")
            caller = request.scope[_CALLER] = self._authorize(authorization)
        require_scope(caller, self._scope)
        return caller

    @abstractmethod
    def _authorize(self, authorization: str | None) -> Caller: ...


class _Bearer(RequiredScope):
    async def __call__(
        self, request: Request, _documented: Annotated[_Credentials, Depends(_bearer)]
    ) -> Caller:
        return self.check(request)

    def _authorize(self, authorization: str | None) -> Caller:
        return self._authorizer.authorize(authorization, self._scope)


class _BearerOrPassword(RequiredScope):
    async def __call__(
        self,
        request: Request,
        _documented: Annotated[_Credentials, Depends(_bearer)],
        _also_documented: Annotated[_Credentials, Depends(_basic)],
    ) -> Caller:
        return self.check(request)

    def _authorize(self, authorization: str | None) -> Caller:
        key = _bearer_key(authorization) or _password(authorization)
        return self._authorizer.authorize_key(key, self._scope, challenge=_BASIC_CHALLENGE)


def required_scopes_of(dependant: Dependant) -> list[RequiredScope]:
    """Those among the dependencies of a FastAPI route."""
    found: list[RequiredScope] = (
        [dependant.call] if isinstance(dependant.call, RequiredScope) else []
    )
    return found + [each for part in dependant.dependencies for each in required_scopes_of(part)]


def _bearer_key(authorization: str | None) -> str | None:
    scheme, _, key = (authorization or "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def _password(authorization: str | None) -> str | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:  # no base64, or no UTF-8
        return None
    return text.partition(":")[2] or None
