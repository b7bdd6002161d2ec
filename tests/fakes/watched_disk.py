"""
SQLite's own file layer with a witness in it: which file was written, which was synced, in which order.

A VFS over the platform's, made with ctypes in the very library that Python's ``sqlite3`` runs on; nothing has to be
compiled or installed for it.
"""

from __future__ import annotations

import ctypes
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, cast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)
_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)

_METHODS = 19
"""Members of ``sqlite3_io_methods`` of version 3, the version among them; ``xWrite`` and ``xSync`` are these:"""
_WRITE, _SYNC = 3, 5


class _Vfs(Structure):
    """``sqlite3_vfs``; what comes after ``xOpen`` is kept as it is."""

    _fields_ = (
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("app_data", c_void_p),
        ("open", c_void_p),
        ("others", c_void_p * 15),
    )


@dataclass(slots=True)
class Witness:
    """
    What reached the files whose names end in ``-wal``: "write" and "sync", in their order.

    ``kept`` are the C callbacks, which must live as long as a file is open.
    """

    events: list[str] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)

    def safe(self) -> bool:
        """Whether every byte that was written to the log has been synced since."""
        return not self.events or self.events[-1] == "sync"

    def drain(self) -> list[str]:
        """What happened since the last time."""
        found, self.events = self.events, []
        return found


def library() -> ctypes.CDLL | None:
    """The SQLite that Python's module is linked to; None when it shows no functions of its own."""
    mapped = {
        line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "sqlite3" in line
    }
    for path in sorted(mapped):
        found = ctypes.CDLL(path)
        if hasattr(found, "sqlite3_vfs_register"):
            found.sqlite3_libversion.restype = c_char_p
            same = found.sqlite3_libversion().decode() == sqlite3.sqlite_version
            return found if same else None
    return None


@contextmanager
def watched(sqlite: ctypes.CDLL) -> Iterator[Witness]:
    """Whatever is opened meanwhile is watched."""
    sqlite.sqlite3_vfs_find.restype = POINTER(_Vfs)
    sqlite.sqlite3_vfs_find.argtypes = (c_char_p,)
    sqlite.sqlite3_vfs_register.argtypes = (POINTER(_Vfs), c_int)
    sqlite.sqlite3_vfs_unregister.argtypes = (POINTER(_Vfs),)
    platform = sqlite.sqlite3_vfs_find(None)
    witness = Witness()
    ours = _Vfs.from_buffer_copy(platform.contents)
    ours.name, ours.next = b"watched", None
    opening = _opening(cast(platform.contents.open, _Open), witness)
    ours.open = cast(opening, c_void_p).value
    witness.kept += [ours, opening]
    assert sqlite.sqlite3_vfs_register(ctypes.byref(ours), 1) == 0
    try:
        yield witness
    finally:
        sqlite.sqlite3_vfs_register(platform, 1)
        sqlite.sqlite3_vfs_unregister(ctypes.byref(ours))


def _opening(real: Callable[..., int], witness: Witness) -> Any:
    """An ``xOpen`` that puts a witness on every write-ahead log."""

    @_Open
    def open_(vfs: int, name: int, file: int, flags: int, out: int) -> int:
        code = real(vfs, name, file, flags, out)
        path = cast(name, c_char_p).value or b"" if name else b""
        methods = cast(file, POINTER(c_void_p))
        if code == 0 and methods[0] and path.endswith(b"-wal"):
            methods[0] = cast(_witnessed(methods[0], witness), c_void_p).value
        return code

    return open_


def _witnessed(methods: int | None, witness: Witness) -> Any:
    """A copy of a file's methods in which writing and syncing are noted after they are done."""
    assert methods is not None
    copy = (c_void_p * _METHODS).from_buffer_copy((c_void_p * _METHODS).from_address(methods))
    write, sync = cast(copy[_WRITE] or 0, _Write), cast(copy[_SYNC] or 0, _Sync)

    @_Write
    def noted_write(file: int, data: int, size: int, offset: int) -> int:
        witness.events.append("write")
        return int(write(file, data, size, offset))

    @_Sync
    def noted_sync(file: int, flags: int) -> int:
        code = int(sync(file, flags))
        if code == 0:
            witness.events.append("sync")
        return code

    copy[_WRITE], copy[_SYNC] = cast(noted_write, c_void_p).value, cast(noted_sync, c_void_p).value
    witness.kept += [copy, noted_write, noted_sync]
    return copy
