"""What of a policy, and of the channels' secrets, only intake can judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.main import main
from services.intake.connectors.registry import CONNECTORS
from services.intake.policy import examine, form_channel, intake_rules
from shared.policy import Form, Policy, PolicyError, PolicyProblem, load_policy
from tests.unit.policy.test_files import SHIPPED

SECRET = "whsec_bm9yZGxpY2h0LWdlbmVyaWMtaW5ib3gta2V5LTAwMDE="


def _with_connector(name: str) -> Policy:
    shipped = load_policy(None)
    changed = shipped.channels["facebook"].model_copy(update={"connector": name})
    return shipped.model_copy(update={"channels": {**shipped.channels, "facebook": changed}})


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("standard_webhook", '"standard_webhooks"'),
        ("carrier_pigeon", "one of " + ", ".join(f'"{known}"' for known in CONNECTORS)),
    ],
)
def test_a_connector_that_is_not_known_is_named_with_the_near_one(name: str, right: str) -> None:
    with pytest.raises(PolicyError) as refused:
        intake_rules(_with_connector(name), {})
    problem = PolicyProblem(
        "channels.facebook.connector", f'"{name}" is not a known connector', right
    )
    assert refused.value.problems == (problem,)


def test_the_shipped_channels_have_connectors() -> None:
    examine(load_policy(None))


def test_the_check_names_what_each_service_has_against_a_policy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "desk.toml"
    file.write_text(SHIPPED.replace('connector = "standard_webhooks"', 'connector = "fax"', 1))
    assert main(["check", str(file)]) == 1
    assert 'channels.facebook.connector: "fax" is not a known connector' in capsys.readouterr().out


def test_a_channel_without_a_secret_has_no_keys() -> None:
    rules = intake_rules(load_policy(None), {"facebook": (SECRET,)})
    assert rules.channels["facebook"].keys is not None
    assert rules.channels["youtube"].keys is None


def test_a_secret_that_cannot_be_one_names_its_variable() -> None:
    with pytest.raises(ValueError, match=r"^DESK_SECRET_X: a webhook secret "):
        intake_rules(load_policy(None), {"x": ("short",)})
    with pytest.raises(ValueError, match="DESK_SECRET_FAX belongs to no channel"):
        intake_rules(load_policy(None), {"fax": (SECRET,)})


def test_the_form_writes_only_to_a_channel_in_our_own_format() -> None:
    shipped = _with_connector("mastodon")
    for name, channel in (("facebook", None), ("email", "email"), ("web_form", "web_form")):
        form = Form(channel=name)
        assert form_channel(shipped.model_copy(update={"form": form})) == channel
    with pytest.raises(PolicyError) as refused:
        examine(shipped.model_copy(update={"form": Form(channel="facebook")}))
    assert [each.path for each in refused.value.problems] == ["form.channel"]
    examine(shipped.model_copy(update={"form": Form(channel="facebook", enabled=False)}))
