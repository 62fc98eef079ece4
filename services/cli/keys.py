"""`inbound-desk keys`: make, list and revoke API keys."""

from __future__ import annotations

import argparse
from typing import Any

from services.cli.words import add_verb, moment
from shared.access.keys import ALL_SCOPES, ENVIRONMENT_KEY, add_key, new_key, read_keys
from shared.access.keys import revoke_key as revoke
from shared.errors import InvalidError
from shared.runtime.clock import SystemClock
from shared.runtime.settings import DeskSettings, read_settings


def add(verbs: Any) -> None:
    keys = verbs.add_parser("keys", help="API keys").add_subparsers(required=True, metavar="verb")
    verb = add_verb(keys, "create", create_key, "make a key and show it once")
    verb.add_argument("name")
    verb.add_argument("--scope", action="append", choices=ALL_SCOPES, help="all, if none is named")
    verb.add_argument("--expires", type=moment, help="e.g. 2027-01-01T00:00:00Z")
    add_verb(keys, "list", list_keys, "names, scopes and expiry; never the keys")
    verb = add_verb(keys, "revoke", revoke_key, "revoke a key at once")
    verb.add_argument("name")


def create_key(options: argparse.Namespace) -> int:
    key, now = new_key(), SystemClock().now()
    if options.expires is not None and options.expires <= now:
        raise InvalidError("wrong-expiry", "--expires lies in the past: the key would open nothing")
    add_key(
        read_settings(DeskSettings).keys_path(),
        name=options.name,
        key=key,
        scopes=options.scope or ALL_SCOPES,
        now=now,
        expires_at=options.expires,
    )
    print(key)
    return 0


def list_keys(_options: argparse.Namespace) -> int:
    settings = read_settings(DeskSettings)
    keys = read_keys(settings.keys_path())
    if settings.api_key and all(key.name != ENVIRONMENT_KEY for key in keys):
        print(f"{ENVIRONMENT_KEY}\texpires never\t{' '.join(ALL_SCOPES)}")
    for key in keys:
        expires = key.expires_at.isoformat() if key.expires_at else "never"
        print(f"{key.name}\texpires {expires}\t{' '.join(key.scopes) or 'revoked'}")
    return 0


def revoke_key(options: argparse.Namespace) -> int:
    settings = read_settings(DeskSettings)
    revoke(
        settings.keys_path(),
        options.name,
        now=SystemClock().now(),
        environment_key=settings.api_key,
    )
    print(f"revoked: {options.name}")
    return 0
