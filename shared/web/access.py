"""Who may call what: `Authorization: Bearer <key>`, and the scope that an operation needs.

Programs that subscribe to a calendar know only a user and a password: there, and only there, the
key may come as the password of RFC 7617 (Basic). Not elsewhere, since a browser that has asked for
a password sends it along with whatever another page makes it send.
"""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from fastapi.security.http import HTTPBase
from starlette.requests import Request

from shared.auth import Caller, KeyRing, Scope
from shared.clock import Clock
from shared.web.problems import RefusedError

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="inbound-desk"'}
_BASIC_CHALLENGE = {"WWW-Authenticate": 'Basic realm="inbound-desk", charset="UTF-8"'}
_bearer = HTTPBearer(auto_error=False, description="An API key: `inbound-desk keys create`.")
_basic = HTTPBase(
    scheme="basic",
    scheme_name="HTTPBasic",
    auto_error=False,
    description="An API key as the password; the user name does not matter.",
)
_Credentials = HTTPAuthorizationCredentials | None


class Gate:
    """Lets a request pass when its key is known, not expired and has the scope."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    def admit(self, authorization: str | None, *scopes: Scope) -> Caller:
        """Raises RefusedError: 401 without a valid key, 403 when the key has none of the scopes."""
        return self._admit(_bearer_key(authorization), *scopes, challenge=_CHALLENGE)

    def requires(self, scope: Scope) -> Any:
        """A FastAPI dependency that yields the Caller."""

        async def admitted(
            request: Request, _documented: Annotated[_Credentials, Depends(_bearer)]
        ) -> Caller:
            return self.admit(request.headers.get("authorization"), scope)

        return Security(admitted)

    def subscribes(self, scope: Scope) -> Any:
        """The same for what calendar programs fetch: the key may be a password."""

        async def admitted(
            request: Request,
            _documented: Annotated[_Credentials, Depends(_bearer)],
            _also_documented: Annotated[_Credentials, Depends(_basic)],
        ) -> Caller:
            authorization = request.headers.get("authorization")
            key = _bearer_key(authorization) or _password(authorization)
            return self._admit(key, scope, challenge=_BASIC_CHALLENGE)

        return Security(admitted)

    def _admit(self, key: str | None, *scopes: Scope, challenge: dict[str, str]) -> Caller:
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
                401, "key-unknown", "this key is not known here or has expired", headers=challenge
            )
        require_scope(caller, *scopes)
        return caller


def require_scope(caller: Caller, *scopes: Scope) -> None:
    """Raises RefusedError (403) unless the key has one of the scopes."""
    if not any(caller.may(scope) for scope in scopes):
        wanted = " or ".join(scopes)
        raise RefusedError(
            403, "scope-missing", f"the key {caller.name!r} does not have the scope {wanted}"
        )


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
