"""The secret part of the address to which a channel's provider sends receipts."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sqlalchemy import Connection, select

from warnd.store.statement import insert_into
from warnd.store.tables import meta

_SEED = "receipt_seed"
_LENGTH = 32


def make_seed(connection: Connection) -> None:
    """Give this store the seed of all such secrets, unless it has one."""
    fresh = insert_into(connection, meta).values(key=_SEED, value=secrets.token_hex(32))
    connection.execute(fresh.on_conflict_do_nothing())


def receipt_secret(connection: Connection, channel: str) -> str:
    """Different for every channel and every store, the same for ever; ``make_seed`` comes first."""
    seed = connection.execute(select(meta.c.value).where(meta.c.key == _SEED)).scalar_one()
    return hmac.new(seed.encode(), channel.encode(), hashlib.sha256).hexdigest()[:_LENGTH]
