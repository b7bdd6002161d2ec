"""What a sweep's broadcasts take place on: an audience in a store of which each of them has a copy, and warnd on that."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.audience import Crowd, build
from bench.standing import Store, feed_key, receipts_path
from bench.sweep.deployment import Deployment, Embedded, Scaled, WithRedis
from bench.sweep.variants import BY_ONE, BY_SEVERAL, Shape
from servers.postgres import postgres_server
from servers.valkey import valkey_server


class Deployed(Protocol):
    """warnd in ``home`` on a fresh copy, with that channel, not begun; nothing of it runs afterwards."""

    def __call__(
        self, home: Path, channel: Mapping[str, Any], *, port: int, sends: bool, splits: bool
    ) -> AbstractContextManager[Deployment]: ...


@dataclass(frozen=True, slots=True)
class Ground:
    """``people`` posts; the key of a feed, the path that receipts are pushed to, the shapes that broadcasts may have."""

    people: int
    shapes: Sequence[Shape]
    key: str
    receipts: str
    deployed: Deployed

    @classmethod
    def on(cls, store: Store, people: int, shapes: Sequence[Shape], deployed: Deployed) -> Ground:
        build(store, [Crowd("sms", people)])
        return cls(people, shapes, feed_key(store), receipts_path(store, "sms"), deployed)


@contextmanager
def embedded(people: int) -> Iterator[Ground]:
    """One process on an SQLite file, which always sends, and shares nothing out."""
    with tempfile.TemporaryDirectory(prefix="sweep-") as directory:
        file = Path(directory, "audience.db")

        @contextmanager
        def deployed(
            home: Path, channel: Mapping[str, Any], *, port: int, sends: bool, splits: bool
        ) -> Iterator[Deployment]:
            shutil.copy(file, home / "warnd.db")
            deployment = Embedded(home, channel, port=port)
            try:
                yield deployment
            finally:
                deployment.kill()

        yield Ground.on(file, people, BY_ONE, deployed)


def scaled(people: int) -> AbstractContextManager[Ground]:
    """
    A server and two workers on PostgreSQL; whether the server ``sends`` too, and whether each ``splits`` so small a plan, is the
    broadcast's.
    """
    return _on_postgres(people, lambda *here, **where: closing(Scaled(*here, **where)))


def redis(people: int) -> AbstractContextManager[Ground]:
    """The same with a Valkey."""
    return _on_postgres(people, _with_redis)


@contextmanager
def _with_redis(home: Path, channel: Mapping[str, Any], **where: Any) -> Iterator[Deployment]:
    with valkey_server() as valkey, closing(WithRedis(home, channel, valkey=valkey, **where)) as deployment:
        yield deployment


@contextmanager
def _on_postgres(people: int, made: Callable[..., AbstractContextManager[Deployment]]) -> Iterator[Ground]:
    with postgres_server() as server:
        template = server.database()

        @contextmanager
        def deployed(
            home: Path, channel: Mapping[str, Any], *, port: int, sends: bool, splits: bool
        ) -> Iterator[Deployment]:
            name = server.database(template)
            place = server.place(name)
            with made(
                home, channel, port=port, server=server, place=place, sends=sends, splits=splits
            ) as deployment:
                yield deployment
            server.drop(name)

        yield Ground.on(server.place(template), people, BY_SEVERAL, deployed)


GROUNDS: Mapping[str, Callable[[int], AbstractContextManager[Ground]]] = {
    "embedded": embedded,
    "scaled": scaled,
    "redis": redis,
}
"""By the name of the deployment."""
