"""Files that must be right after a crash: locked, written whole, on the disk."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

if TYPE_CHECKING:
    from pathlib import Path

_LOCKED_AT = 2**31 - 2
"""Windows locks bytes, and others cannot read them: one that no file of ours has."""


def lock(handle: int, *, wait: bool = False) -> bool:
    """Lock an open file for this process, until it is closed or the process is gone."""
    try:
        if sys.platform == "win32":
            os.lseek(handle, _LOCKED_AT, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def unlock(handle: int) -> None:
    """Let others have it, though the child of a fork has it open, too."""
    if sys.platform != "win32":
        fcntl.flock(handle, fcntl.LOCK_UN)


def append(handle: int, data: bytes, size: int) -> int:
    """Write all of `data` behind the first `size` bytes, to the disk; answers the new size.

    A full disk, Ctrl-C: no half of it stays, or the next line would go on behind it.
    """
    if os.fstat(handle).st_size != size:
        os.ftruncate(handle, size)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
    except BaseException:
        os.ftruncate(handle, size)
        raise
    return size + len(data)


def read(handle: int) -> bytes:
    """All that an open file holds."""
    os.lseek(handle, 0, os.SEEK_SET)
    pieces = []
    while piece := os.read(handle, 2**20):
        pieces.append(piece)
    return b"".join(pieces)


def sync_folder(folder: Path) -> None:
    """A new file is there after a crash only if its folder is on the disk, too."""
    if sys.platform == "win32":  # which cannot open folders
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
