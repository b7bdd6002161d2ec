"""The style sheet, the script and the mark, each under an address that changes with its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that may be kept by browsers for ever, for ``url`` holds a digest of ``body``."""

    url: str
    content_type: str
    body: bytes


def load() -> Mapping[str, Asset]:
    """All of them by file name."""
    return {path.name: _asset(path) for path in sorted(Path(__file__).with_name("static").iterdir())}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Asset(f"/static/{digest}/{path.name}", _TYPES[path.suffix], body)
