"""The demo's ``warnd.toml``, written out so that a newcomer can read it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from warnd.contract.secret import Secret
from warnd.demo.gateways import ADAPTERS

SOURCE = "weather"

_HEAD = """\
# The settings of this demo. Yours will look the same: with your providers' addresses in place of the emulators',
# without `emulated`, and with the credentials in files (token_file). Every key there is: config/warnd.toml.

[server]
port = {port}

[store]
url = {store}

# Who may send warnings here, and for where. An official source releases at once at every color.
[sources.{source}]
regions = ["{prefecture}"]
official = true

[logs]
level = "error"
"""


def toml(directory: Path, *, port: int, prefecture: str, options: Mapping[str, Mapping[str, Any]]) -> str:
    """``options`` are the gateways' own, by channel; before there are any, the file has no channels."""
    store = _value(f"sqlite:///{directory / 'warnd.db'}")
    parts = [_HEAD.format(port=port, store=store, source=SOURCE, prefecture=prefecture)]
    for name, given in options.items():
        keys = {"adapter": ADAPTERS[name], "emulated": True, **given}
        lines = (f"{key} = {_value(value)}" for key, value in keys.items())
        parts.append("\n".join((f"[channels.{name}]", *lines, "")))
    return "\n".join(parts)


def _value(value: Any) -> str:
    """Text, numbers and booleans are written in JSON as in TOML."""
    return orjson.dumps(value.reveal() if isinstance(value, Secret) else value).decode()
