"""From the policy file and the settings to what the form says and takes."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.intake.form.entries import Limits
from services.intake.form.wording import DE, EN
from services.intake.policy import form_channel
from services.intake.settings import IntakeSettings
from shared.policy import FormEmail, Localized, Policy, ServiceLevel

MIB = 1_048_576


@dataclass(frozen=True, slots=True)
class FormRules:
    """`promise` is the published one; `promised`: each inquiry gets a clock. `zone` is that in
    which moments are shown, `embed` the sites that may show the form in a frame.
    """

    company: str
    channel: str
    promise: Localized
    promised: bool
    zone: ZoneInfo
    embed: tuple[str, ...]
    privacy_url: str | None
    privacy_notice: Localized
    limits: Limits

    @property
    def body_limit(self) -> int:
        """Bytes of a whole form: its files, and the text with what is written around them."""
        return self.limits.bytes + MIB


def form_rules(policy: Policy, settings: IntakeSettings) -> FormRules | None:
    """None where the policy has no channel for a form."""
    channel = form_channel(policy)
    if channel is None:
        return None
    form = policy.form
    usual = Localized(de=DE.privacy_notice, en=EN.privacy_notice)
    return FormRules(
        company=policy.company.name,
        channel=channel,
        promise=policy.company.public_text,
        promised=policy.channels[channel].service_level is ServiceLevel.PROMISED,
        zone=ZoneInfo(policy.calendar.timezone),
        embed=form.embed,
        privacy_url=form.privacy_url,
        privacy_notice=form.privacy_notice or usual,
        limits=Limits(
            email_required=form.email is FormEmail.REQUIRED,
            files=settings.form_files,
            bytes=settings.form_mib * MIB,
        ),
    )
