"""The application: opened for a command, started for the daemon."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from warnd.app.parts import Parts
from warnd.app.timers import Schedule, Timers
from warnd.contract.channel import CallbackRequest, ReceivesReceipts
from warnd.errors import Fault, Invalid, NotFound
from warnd.pipeline.lease import lent_for
from warnd.store.journal import Entry
from warnd.store.standing import audience_changed
from warnd.store.touched import groups_of
from warnd.store.workers import Joining

T = TypeVar("T")


class App(Parts):
    """
    Everything of one store and one configuration.

    ``open`` is enough for commands that read and write the store; ``start`` makes it one of the processes that work.
    """

    started = False

    # --- life -------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Open the store. Raises StoreError."""
        await self.store.open()
        await self.alarms.remember()
        self.store.on_failure = self.machine.store_failed
        self.store.on_gather = self.clerk.gather_soon

    async def close(self) -> None:
        """Close the store; safe to call twice."""
        await self.alarms.settle()
        await self.store.close()

    async def start(
        self,
        group: asyncio.TaskGroup,
        *,
        role: str = "serve",
        name: str = "",
        sends: bool = True,
        schedule: Schedule = nullcontext,
    ) -> None:
        """
        Be one of the processes that work on the store, under this ``name``; the tasks belong to ``group``.

        One that ``sends`` opens the channels and begins to send what is due. ``schedule`` runs while this process keeps
        the timers. Raises ConfigError and StoreError.
        """
        await self.machine.start()
        await self.bygone.end(self.store, self.alarms)
        await self.places.load()
        if sends:
            await self.sending.open()
        group.create_task(self.audience.index())  # ahead: the first warning need not wait for it
        timers = Timers(self.clerk, self.planning, schedule, group)
        joining = self._joining(role, name, sends=sends)
        if self.commons is not None:
            await self.commons.enter(joining.name, group)
        await self.company.enter(joining, timers, group)
        if sends:
            await self.targets.recall()
            self.sending.start(group)
        self.started = True

    async def stop(self) -> None:
        """Take no new lease, let sends finish within the grace period, return the rest. Loses nothing."""
        self.company.resign()
        await self.sending.stop(self.settings.server.grace)
        if self.commons is not None:
            await self.commons.leave()
        await self.company.leave()

    # --- broadcasts, receipts and the audience ------------------------------------------------------

    async def receive_receipts(self, channel: str, request: CallbackRequest) -> int:
        """
        Keep and apply what a provider pushed; how many it were. Raises NotFound and Invalid.
        """
        line = self.lines.get(channel)
        if line is None or not isinstance(line.channel, ReceivesReceipts):
            raise NotFound("channel that takes receipts", channel)
        try:
            receipts = line.channel.parse(request)
        except ValueError as error:
            raise Invalid([Fault("", "unreadable_receipts", str(error))]) from error
        await self._receive_from(channel, receipts)
        return len(receipts)

    async def change_audience(
        self, actor: str, kind: str, function: Callable[..., T], *args: Any, **kwargs: Any
    ) -> T:
        """Run an editing function on groups, subscriptions or subscribers, with its journal entry."""
        now = self.clock()

        def edit(connection: Connection) -> tuple[T, list[Entry]]:
            result = function(connection, *args, **kwargs)
            audience_changed(connection, groups_of(result))
            subject = getattr(result, "id", None) or getattr(getattr(result, "after", None), "id", "")
            return result, [Entry(now, kind, str(subject), result, actor)]

        return await self.store.record(edit)

    # --- inside -----------------------------------------------------------------------------------

    def _joining(self, role: str, name: str, *, sends: bool) -> Joining:
        host = socket.gethostname()
        lent = [lent_for(line.channel.capabilities.timeout) for line in self.lines.values()]
        return Joining(
            name=name or f"{host}-{os.getpid()}",
            host=host,
            role=role,
            channels=tuple(self.lines) if sends else (),
            patience=timedelta(microseconds=max(lent, default=0)),
        )
