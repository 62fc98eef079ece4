"""What a channel's source wants to know from us: a password, or a token.

What is in a file is read at each login, so that what somebody else renews in it is used without a
restart.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.intake.policy import ChannelRules
from services.intake.pulling.source import PullError
from shared.policy.pulling import AnyPull, ImapPull, Login
from shared.runtime.credentials import (
    PASSWORD_PREFIX,
    TOKEN_PREFIX,
    Credential,
    Credentials,
)


def current(credential: Credential) -> str:
    """Raises PullError that shows nothing of it."""
    try:
        return credential.current()
    except ValueError as error:
        raise PullError("credentials", str(error)) from None


def credential_of(
    channel: ChannelRules, pull: AnyPull, given: Mapping[str, Credentials]
) -> Credential:
    """The one that its source wants. Raises ValueError that names the variable without it."""
    ours = given.get(channel.name, Credentials())
    by_password = isinstance(pull, ImapPull) and pull.login is Login.PASSWORD
    found = ours.password if by_password else ours.token
    if found is None:
        variable = f"{PASSWORD_PREFIX if by_password else TOKEN_PREFIX}{channel.name.upper()}"
        raise ValueError(
            f"{variable} is not set: with it the desk logs in to fetch what comes on "
            f"{channel.name}; or {variable}_FILE names the file that holds it"
        )
    return found


def check_names(given: Mapping[str, Credentials], fetched: Mapping[str, object]) -> None:
    """Raises ValueError for what belongs to no channel that is fetched: most likely it is a typing
    error.
    """
    for name, credentials in given.items():
        if name not in fetched:
            one = credentials.password or credentials.token
            raise ValueError(
                f"{'' if one is None else one.variable} belongs to no channel that is fetched: the "
                f"policy file has no section [channels.{name}.pull]"
            )
