"""Who is told outside the desk: what the policy may say of it, and how a mistake is named."""

from __future__ import annotations

from typing import Any

import pytest

from services.cli.policy.sentences import sentences
from shared.policy import DEADLINE_KINDS, TODO_KINDS, NotificationKind, Way, parse_policy
from tests.unit.policy.raw import problems, shipped


def with_targets(*targets: dict[str, Any]) -> dict[str, Any]:
    return {**shipped(), "notifications": list(targets)}


def test_nobody_is_told_unless_the_policy_says_so() -> None:
    assert parse_policy(shipped()).notifications == ()


def test_a_target_is_told_of_what_needs_somebody_and_of_more_on_demand() -> None:
    (webhook, chat) = parse_policy(
        with_targets(
            {"name": "tickets", "via": "webhook", "url": " https://example.org:8443/hook?a=b "},
            {"name": "chat", "via": "apprise", "kinds": ["met_late"], "desks": ["technical"]},
        )
    ).notifications
    assert (webhook.via, webhook.url) == (Way.WEBHOOK, "https://example.org:8443/hook?a=b")
    assert webhook.kinds == ("warning", "window_closing", "breached")
    assert (chat.url, chat.kinds, chat.desks) == (
        None,
        (NotificationKind.MET_LATE,),
        ("technical",),
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/hook", "http://[::1]/", "http://localhost"])
def test_this_machine_needs_no_tls(url: str) -> None:
    raw = with_targets({"name": "here", "via": "webhook", "url": url})
    assert parse_policy(raw).notifications[0].url == url


@pytest.mark.parametrize(
    ("change", "path", "wrong", "right"),
    [
        ({"name": "Ops Team"}, "name", "cannot be used as a name", "small letters"),
        ({"via": "mail"}, "via", '"mail" is not known', '"webhook", "apprise"'),
        ({"via": "webhok"}, "via", '"webhok" is not known', '"webhook"'),
        ({"kinds": []}, "kinds", "nothing would ever be sent", '"breached"'),
        ({"kinds": ["breach"]}, "kinds[0]", '"breach" is not known', '"breached"'),
        ({"kinds": ["todo_created"]}, "kinds[0]", "is not known", '"todo.created"'),
        ({"kinds": ["met", "met"]}, "kinds[1]", "listed twice", "once"),
        ({"desks": ["tecnical"]}, "desks[0]", 'no desk "tecnical"', '"technical"'),
        ({"url": "http://example.org/"}, "url", "can be read by anybody on the way", "https://"),
        ({"url": "ftp://example.org/"}, "url", '"ftp" is not a scheme', "https://"),
        ({"url": "example.org/hook"}, "url", "not a web address", "https://"),
        ({"url": "https://example.org:99999/"}, "url", "not a web address", "https://"),
        ({"url": "https://exa mple.org/"}, "url", "not a web address", "https://"),
        ({"url": 7}, "url", "7 is not text", "https://"),
        ({"url": "https://me:word@example.org/"}, "url", "a password", "environment variable"),
        ({"via": "apprise"}, "url", "an Apprise URL holds a secret", "DESK_NOTIFY_OPS_URL"),
        ({"secret": "whsec_x"}, "secret", "no such key", "one of"),
    ],
)
def test_mistakes(change: dict[str, Any], path: str, wrong: str, right: str) -> None:
    target = {"name": "ops", "via": "webhook", "url": "https://example.org/hook", **change}
    found = problems(with_targets(target))
    assert list(found) == [f"notifications[0].{path}"]
    assert wrong in found[f"notifications[0].{path}"][0]
    assert right in found[f"notifications[0].{path}"][1]


def test_a_password_is_not_repeated_in_the_mistake() -> None:
    target = {"name": "ops", "via": "webhook", "url": "https://me:pass word@example.org/"}
    assert "pass" not in str(problems(with_targets(target))).replace("password", "")


def test_names_are_unique_and_desks_are_there() -> None:
    found = problems(
        with_targets(
            {"name": "ops", "via": "webhook"},
            {"name": "ops", "via": "webhook", "desks": ["nowhere"]},
        )
    )
    assert found["notifications[1].name"][0] == '"ops" is already the name of notifications[0]'
    assert "notifications[1].desks[0]" in found


def test_todos_are_notified_of_on_demand() -> None:
    (target,) = parse_policy(
        with_targets({"name": "ops", "via": "webhook", "kinds": ["breached", "todo.rerouted"]})
    ).notifications
    assert target.kinds == ("breached", "todo.rerouted")
    assert TODO_KINDS.isdisjoint(DEADLINE_KINDS)


def test_it_is_said_in_sentences() -> None:
    policy = parse_policy(
        with_targets(
            {"name": "ops", "via": "webhook", "desks": ["technical", "inbound"]},
            {"name": "chat", "via": "apprise", "kinds": list(NotificationKind)},
        )
    )
    english, german = "\n".join(sentences(policy, "en")), "\n".join(sentences(policy, "de"))
    assert (
        "ops is notified by webhook of warnings, reply windows that are about to end and breaches,"
        " for technical and inbound only." in english
    )
    assert "chat is notified through Apprise of warnings, " in english
    assert "ops erfährt per Webhook von Warnungen, bald endenden Antwortfenstern und" in german
    assert "wieder geöffneten ToDos, gleich bei welchem Team." in german
