"""Credentials: read from their files where they are kept in files, and wrapped so that they do not show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warnd.contract.secret import Secret

LONGEST = 64 * 1024
"""Characters of a secret's file that are read."""

_SUFFIX = "_file"
_CREDENTIAL = re.compile(r"(.*_)?(token|password|secret|key)(_file)?")


def holds_secret(key: str) -> bool:
    """Whether a key is named like a credential (``token``, ``corp_secret``) or like the file of one."""
    return _CREDENTIAL.fullmatch(key) is not None


def wrapped(options: Mapping[str, Any], *, section: str, faults: dict[str, str]) -> dict[str, Any]:
    """
    The same options with every credential a ``Secret``: ``token_file`` becomes ``token``, read from that file.

    What cannot be read is added to ``faults`` by its dotted key under ``section``.
    """
    out: dict[str, Any] = {}
    for key, value in options.items():
        if not holds_secret(key):
            out[key] = value
        elif not isinstance(value, str):
            faults[f"{section}.{key}"] = "must be text"
        elif not key.endswith(_SUFFIX):
            out[key] = Secret(value)
        elif (name := key.removesuffix(_SUFFIX)) in options:
            faults[f"{section}.{key}"] = f"stands beside {section}.{name}; give one of them"
        else:
            try:
                out[name] = Secret(_text(Path(value)))
            except ValueError as error:
                faults[f"{section}.{key}"] = f"{value} {error}"
    return out


def _text(path: Path) -> str:
    """The file's text without the line break at its end. Raises ValueError saying what is wrong with it."""
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST).rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError("is not UTF-8 text") from error
    if not text:
        raise ValueError("is empty")
    return text
