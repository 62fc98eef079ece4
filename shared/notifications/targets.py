"""From the policy and the environment to subscriptions and ready senders, one per target."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pydantic_core import PydanticCustomError

from shared.notifications.by_apprise import AppriseSender
from shared.notifications.by_webhook import WebhookSender
from shared.notifications.domain import Subscription
from shared.notifications.sender import Sender, Wording
from shared.notifications.settings import NOTIFY_PREFIX
from shared.policy import NotificationKind, NotificationTarget, Policy, Way
from shared.policy.values import secret_web_address
from shared.runtime.clock import Clock
from shared.web.signing import secret_key


def subscriptions(policy: Policy, kinds: Collection[NotificationKind]) -> tuple[Subscription, ...]:
    """Who is notified of any of these kinds, and of which."""
    return tuple(
        Subscription(each.name, frozenset(each.kinds) & frozenset(kinds), frozenset(each.desks))
        for each in _targets(policy, kinds)
    )


def senders(
    policy: Policy,
    variables: Mapping[str, str],
    *,
    kinds: Collection[NotificationKind],
    wording: Wording,
    clock: Clock,
    seconds: float,
) -> dict[str, Sender]:
    """The way to each target that wants any of these kinds, by its name; `variables` are those
    that begin with DESK_NOTIFY_, of whatever target.

    Raises ValueError that names the variable which is missing, wrong, or belongs to no target.
    """
    expected = {
        f"{NOTIFY_PREFIX}{each.name.upper()}_{part}"
        for each in policy.notifications
        for part in (("URL", "SECRET") if each.via is Way.WEBHOOK else ("URL",))
    }
    for name in sorted(variables):
        if name not in expected:
            known = ", ".join(sorted(expected)) or "none, the policy file has no [[notifications]]"
            raise ValueError(f"{name} belongs to no target of the policy file; known are {known}")
    zone = policy.calendar.timezone
    return {
        each.name: _webhook(each, variables, clock=clock, seconds=seconds)
        if each.via is Way.WEBHOOK
        else _apprise(each, variables, zone=zone, wording=wording)
        for each in _targets(policy, kinds)
    }


def _targets(policy: Policy, kinds: Collection[NotificationKind]) -> list[NotificationTarget]:
    return [each for each in policy.notifications if not frozenset(kinds).isdisjoint(each.kinds)]


def _webhook(
    target: NotificationTarget, variables: Mapping[str, str], *, clock: Clock, seconds: float
) -> Sender:
    url_name, secret_name = _name(target, "URL"), _name(target, "SECRET")
    url = variables.get(url_name, "").strip() or target.url
    if not url:
        raise ValueError(
            f"{url_name} is not set, and the target {target.name} has no url in the policy file"
        )
    try:
        url = secret_web_address(url)
    except PydanticCustomError as error:
        right = (error.context or {})["right"]
        raise ValueError(f"{url_name}: {error.message()}. Right would be: {right}") from None
    secrets = [each.strip() for each in variables.get(secret_name, "").split(",") if each.strip()]
    if not secrets:
        raise ValueError(
            f"{secret_name} is not set: what goes to {target.name} could not be signed; make a"
            " secret with `openssl rand -base64 24`, put whsec_ before it, and give it to the"
            " receiver"
        )
    try:
        keys = [secret_key(secret) for secret in secrets]
    except ValueError as error:
        raise ValueError(f"{secret_name}: {error}") from error
    return WebhookSender(url, keys, clock=clock, seconds=seconds)


def _apprise(
    target: NotificationTarget, variables: Mapping[str, str], *, zone: str, wording: Wording
) -> Sender:
    url_name = _name(target, "URL")
    url = variables.get(url_name, "").strip()
    if not url:
        raise ValueError(f"{url_name} is not set: where does {target.name} get its messages?")
    try:
        return AppriseSender(url, zone=zone, wording=wording)
    except ValueError as error:
        raise ValueError(f"{url_name}: {error}") from error


def _name(target: NotificationTarget, part: str) -> str:
    return f"{NOTIFY_PREFIX}{target.name.upper()}_{part}"
