"""Who may call what: `Authorization: Bearer <key>`, and the scope that an operation needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import Request

from shared.auth import Caller, KeyRing, Scope
from shared.clock import Clock
from shared.web.problems import RefusedError

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="inbound-desk"'}
_bearer = HTTPBearer(auto_error=False, description="An API key: `inbound-desk keys create`.")


class Gate:
    """Lets a request pass when its key is known, not expired and has the scope."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    def admit(self, authorization: str | None, scope: Scope) -> Caller:
        """Raises RefusedError: 401 without a valid key, 403 when the key lacks the scope."""
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise RefusedError(
                401,
                "key-missing",
                "send `Authorization: Bearer <key>`; `inbound-desk keys create` makes a key",
                headers=_CHALLENGE,
            )
        caller = self._ring.find(key.strip(), self._clock.now())
        if caller is None:
            raise RefusedError(
                401, "key-unknown", "this key is not known here or has expired", headers=_CHALLENGE
            )
        if scope not in caller.scopes:
            raise RefusedError(
                403, "scope-missing", f"the key {caller.name!r} does not have the scope {scope}"
            )
        return caller

    def requires(self, scope: Scope) -> Any:
        """A FastAPI dependency that yields the Caller."""
        return Security(self._dependency(scope))

    def _dependency(self, scope: Scope) -> Callable[..., Caller]:
        def admitted(
            request: Request,
            _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        ) -> Caller:
            return self.admit(request.headers.get("authorization"), scope)

        return admitted
