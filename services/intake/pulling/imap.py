"""A mailbox: its folders from where they were read to their end, then wait until it says more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from services.intake.pulling.imap_cursor import FolderCursor, beginning, going_on
from services.intake.pulling.imap_notes import given_up, too_large, unreadable
from services.intake.pulling.imap_session import ImapSession, Mail, Selected
from services.intake.pulling.source import Batch, Cursor, Cursors, PullError
from shared.policy.pulling import ImapPull
from shared.runtime.clock import Clock
from shared.runtime.credentials import Credential

SEARCHED_AT_ONCE = 50_000
"""Numbers of mails: the library takes no line of an answer over a megabyte."""
LOOKED_UP_AT_ONCE = 100
STORED_AT_ONCE = 20
STORED_BYTES = 4 * 1_048_576
LARGE_BYTES = 1_048_576
TRIES = 3
GAP_SECONDS = 10.0
"""After a round that found something it is looked again soon: what came between its last question
and the moment from which the server watches may not be told.
"""

log = structlog.get_logger()


class ImapSource:
    def __init__(
        self, channel: str, settings: ImapPull, credential: Credential, clock: Clock
    ) -> None:
        self._channel = channel
        self._settings = settings
        self._credential = credential
        self._clock = clock
        self._session: ImapSession | None = None
        self._refused: dict[tuple[str, int], int] = {}
        self._found = False

    async def batches(self, cursors: Cursors) -> AsyncGenerator[Batch, None]:
        self._found = False
        session = await self._opened()
        # The first one last: it is the one that is watched afterwards.
        refused: PullError | None = None
        for folder in reversed(self._settings.folders):
            try:
                async for batch in self._folder(session, folder, cursors.get(folder)):
                    self._found = self._found or bool(batch.bodies)
                    yield batch
            except PullError as error:
                if error.kind != "answer" or session.over:
                    raise
                refused = error  # one that somebody has renamed keeps no other from being read
        if refused is not None:
            raise refused

    async def wait(self, seconds: float) -> None:
        session = self._session
        if session is None or not session.can_idle:
            await asyncio.sleep(seconds)
        else:
            await session.idle(min(seconds, GAP_SECONDS) if self._found else seconds)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    async def _opened(self) -> ImapSession:
        if self._session is None or self._session.over:
            self._session = ImapSession(self._settings, self._credential)
            await self._session.connect()
        return self._session

    async def _folder(
        self, session: ImapSession, folder: str, known: Cursor | None
    ) -> AsyncIterator[Batch]:
        selected = await session.select(folder, readonly=self._settings.then == "nothing")
        cursor = self._where(folder, selected, known)
        if known is None or cursor.to_json() != known:
            yield Batch(folder, (), cursor.to_json())
        async for uids in self._searched(session, cursor, selected):
            for some in batched(uids, LOOKED_UP_AT_ONCE):
                async for read in self._read(session, folder, cursor, some):
                    if read.announced is not None:
                        yield Batch(folder, (), cursor.about_to_store(read.announced).to_json())
                        continue
                    cursor = cursor.read_to(read.uids[-1])
                    after = partial(self._treat, session, read.uids)
                    yield Batch(folder, read.bodies, cursor.to_json(), after)
        end = cursor.read_to_its_end(selected, self._clock.now().date())
        if end != cursor:
            yield Batch(folder, (), end.to_json())

    def _where(self, folder: str, selected: Selected, known: Cursor | None) -> FolderCursor:
        if known is None:
            return beginning(selected, since=self._settings.since, now=self._clock.now())
        before = FolderCursor.of_json(known)
        cursor = going_on(before, selected)
        if cursor is not before:
            log.warning("pull.read_again", channel=self._channel, folder=folder)
        return cursor

    async def _searched(
        self, session: ImapSession, cursor: FolderCursor, selected: Selected
    ) -> AsyncIterator[Sequence[int]]:
        first = cursor.uid + 1
        if selected.next_uid is None:
            yield await session.uids(first, None, since=cursor.again_from)
            return
        while first < selected.next_uid:
            last = min(first + SEARCHED_AT_ONCE, selected.next_uid) - 1
            yield await session.uids(first, last, since=cursor.again_from)
            first = last + 1

    async def _read(
        self, session: ImapSession, folder: str, cursor: FolderCursor, uids: Sequence[int]
    ) -> AsyncIterator[_Read]:
        """In portions: few commits for many short mails, little memory for long ones."""
        read = _Read()
        for mail in await session.mails(uids):
            if not cursor.ours(mail.arrived):
                continue
            body = await self._body(session, folder, mail, whole=not cursor.gives_up(mail.uid))
            if body is None:
                continue
            if len(body) >= LARGE_BYTES:
                if read.uids:
                    yield read
                    read = _Read()
                # Who dies of it knows after the next start that it was this one.
                yield _Read(announced=mail.uid)
            read.add(mail.uid, body)
            if read.full:
                yield read
                read = _Read()
        if read.uids:
            yield read

    async def _body(
        self, session: ImapSession, folder: str, mail: Mail, *, whole: bool
    ) -> bytes | None:
        """None when it is gone meanwhile."""
        most = self._settings.largest_mib * 1_048_576
        try:
            if not whole:
                header = await session.header(mail.uid)
                return None if header is None else given_up(header, folder=folder)
            body = await session.body(mail.uid, most=most) if mail.size <= most else None
            if body is None and (header := await session.header(mail.uid)) is not None:
                body = too_large(header, size=mail.size, most=most, folder=folder)
        except PullError as error:
            if error.kind != "answer" or session.over or self._tries_again(folder, mail.uid):
                raise
            log.warning("pull.not_readable", channel=self._channel, folder=folder, uid=mail.uid)
            return unreadable(mail.uid, folder=folder, reason=error.reason)
        return body

    def _tries_again(self, folder: str, uid: int) -> bool:
        """A mail that the server does not hand out holds up the others only for a while."""
        refused = self._refused.get((folder, uid), 0) + 1
        self._refused = {(folder, uid): refused}
        return refused < TRIES

    async def _treat(self, session: ImapSession, uids: Sequence[int]) -> None:
        """What the policy wants to become of mails that are stored."""
        archive = self._settings.archive
        try:
            if archive is not None:
                await session.move(uids, archive)
            elif self._settings.then == "seen":
                await session.mark_seen(uids)
        except PullError as error:
            if error.kind != "answer" or session.over:
                raise
            # The desk has the mails; that the mailbox looks untidy holds up no other.
            log.warning("pull.not_tidied", channel=self._channel, reason=error.reason)


@dataclass(slots=True)
class _Read:
    """`announced`: a large mail, of which nothing else is in it; the next one has it."""

    announced: int | None = None
    uids: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    size: int = 0

    @property
    def full(self) -> bool:
        return len(self.uids) >= STORED_AT_ONCE or self.size >= STORED_BYTES

    def add(self, uid: int, body: bytes) -> None:
        self.uids.append(uid)
        self.bodies.append(body)
        self.size += len(body)


def batched(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[start : start + size] for start in range(0, len(items), size))
