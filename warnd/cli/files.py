"""What a command writes: to standard output, or to a file that is there whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from warnd.errors import WarndError


@contextmanager
def written(out: Path | None, *, for_spreadsheets: bool = False) -> Iterator[TextIO]:
    """
    Standard output, or the file, which nobody else may read: what is exported is full of addresses.

    ``for_spreadsheets`` begins it with a byte order mark, which tells them of UTF-8. Raises WarndError.
    """
    if out is None:
        sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
        yield sys.stdout
        return
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        unfinished.touch(mode=0o600)
        encoding = "utf-8-sig" if for_spreadsheets else "utf-8"
        with unfinished.open("w", encoding=encoding, newline="") as file:
            yield file
        unfinished.replace(out)
    except OSError as error:
        raise WarndError(f"{out}: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
