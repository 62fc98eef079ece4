"""`GET /intake/v1/channels`: how the channels are, for those who operate the desk."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from services.intake.channels.schemas import (
    ChannelDetail,
    ChannelList,
    shown,
    shown_whole,
)
from services.intake.channels.usecases import Channels
from services.intake.dependencies import IntakeDependencies
from shared.access.keys import Caller
from shared.web.app import api_router
from shared.web.problems import documented
from shared.web.strict_json import SafeStr

ChannelName = Annotated[SafeStr, Path(max_length=64, examples=["facebook"])]


def router(desk: IntakeDependencies, channels: Channels) -> APIRouter:
    api = api_router("intake", "channels")
    reads = desk.authorizer.requires("inquiries:read")

    @api.get("/channels", summary="List the channels and how they are")
    async def list_channels(_caller: Caller = reads) -> ChannelList:
        """Of each channel of the policy file what came last, what usually comes at this time, what
        failed, was kept aside or ignored, and in `problems` what of that an operator should know.
        """
        now = desk.clock.now()
        return ChannelList(items=[shown(each, now) for each in await channels.states()])

    @api.get("/channels/{name}", summary="Show a channel", responses=documented(404))
    async def show_channel(name: ChannelName, _caller: Caller = reads) -> ChannelDetail:
        """With the week that is usual on it, by which its silence is judged."""
        desk.rules.channel(name)
        (state,) = [each for each in await channels.states() if each.rules.name == name]
        return shown_whole(state, desk.clock.now())

    return api
