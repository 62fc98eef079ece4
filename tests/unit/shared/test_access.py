"""A key is looked up once for each request, and asked for every scope that the route needs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.requests import Request

from shared.access.authorizer import Authorizer, RequiredScope
from shared.access.keys import KeyRing, Scope, add_key
from shared.web.problems import RefusedError
from shared.web.rates import Rate
from tests.support.clock import ManualClock

KEY = "desk_" + "k" * 43
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def required_scopes(path: Path, *scopes: Scope) -> list[RequiredScope]:
    add_key(path, name="anna", key=KEY, scopes=["todos:read", "todos:write"], now=NOW)
    authorizer = Authorizer(KeyRing(path), ManualClock(NOW), Rate(1.0, 1))
    return [authorizer.requires(scope).dependency for scope in scopes]


def request() -> Request:
    return Request({"type": "http", "headers": [(b"authorization", f"Bearer {KEY}".encode())]})


def test_two_scopes_of_one_route_take_from_the_rate_once(tmp_path: Path) -> None:
    asked = request()
    for required in required_scopes(tmp_path / "keys.json", "todos:read", "todos:write"):
        assert required.check(asked).name == "anna"


def test_each_scope_of_a_route_is_asked_for(tmp_path: Path) -> None:
    reads, supervises = required_scopes(tmp_path / "keys.json", "todos:read", "todos:supervise")
    asked = request()
    reads.check(asked)
    with pytest.raises(RefusedError, match="todos:supervise"):
        supervises.check(asked)
