"""Whether a source lets the desk in: a first round from now on, of which nothing is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from services.intake.policy import ChannelRules
from services.intake.pulling.credentials import credential_of
from services.intake.pulling.pollers import SourceOf, source_of
from services.intake.pulling.source import PullError
from shared.policy.pulling import AnyPull, ImapPull
from shared.runtime.clock import Clock
from shared.runtime.credentials import Credentials

TRIED_SECONDS = 60.0


async def trial(
    channel: ChannelRules,
    pull: AnyPull,
    given: Mapping[str, Credentials],
    *,
    clock: Clock,
    sources: SourceOf = source_of,
) -> str | None:
    """Why it cannot be polled, in words; None where each of its places was read. Nothing there is
    changed.
    """
    kept_as_it_is = {"since": None, **({"then": "nothing"} if isinstance(pull, ImapPull) else {})}
    from_now_on = pull.model_copy(update=kept_as_it_is)
    try:
        source = sources(channel, from_now_on, credential_of(channel, pull, given), clock)
    except ValueError as error:
        return str(error)
    try:
        async with asyncio.timeout(TRIED_SECONDS):
            async for _ in source.batches({}):
                pass
    except PullError as error:
        return error.reason
    except TimeoutError:
        return f"it was not read within {TRIED_SECONDS:.0f} seconds"
    finally:
        await source.close()
    return None
