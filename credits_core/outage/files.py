"""The files of a journal: one a process, held by a lock as long as the process lives."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from typing import TYPE_CHECKING, Self

from credits_core import disk
from credits_core.outage import lines

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from credits_core.errors import CreditsError
    from credits_core.outage.lines import Served

_log = logging.getLogger(__name__)

NAME = "served-*.jsonl"
REFUSED = "refused.jsonl"

_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0)
_OURS_ALONE = 0o600


class JournalFile:
    """A file of work that was served, for as long as this process holds its lock."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle
        self._pid = os.getpid()
        self._lock = threading.Lock()
        data = disk.read(handle)
        self._waiting, self._size = lines.waiting(data)
        if self._size < len(data):
            _log.warning(
                "%s ends in a line that was never finished, so that nothing was served for it: "
                "it is left out",
                path,
            )

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Begin a file of this process' own; raises `OSError`."""
        while True:
            path = folder / NAME.replace("*", secrets.token_hex(8))
            os.close(os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, _OURS_ALONE))
            # Another process may have taken the empty file for that of a dead one.
            if found := cls.adopt(path):
                disk.sync_folder(folder)
                return found

    @classmethod
    def adopt(cls, path: Path) -> Self | None:
        """The file of a process that is gone; None where one holds it, or it is there no more."""
        try:
            handle = os.open(path, _FLAGS)
        except FileNotFoundError:
            return None
        try:
            if disk.lock(handle) and _same(path, handle):
                return cls(path, handle)
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        return None

    @property
    def waiting(self) -> int:
        """How many entries wait to be collected."""
        return len(self._waiting)

    def entries(self) -> list[tuple[int, Served | str]]:
        """What waits, each by its place; a line that cannot be read is a str."""
        with self._lock:
            return list(self._waiting.items())

    def append(self, entry: Served) -> None:
        """Write down what was served: it is on the disk when this returns. Raises `OSError`."""
        with self._lock:
            place = self._size
            self._size = disk.append(self._handle, lines.served(entry), place)
            self._waiting[place] = entry

    def strike(self, places: list[int]) -> None:
        """Strike out what is done with; when all of it is, the file is empty.

        That this cannot be written does no harm: what is charged again is charged once.
        """
        with self._lock:
            for place in places:
                self._waiting.pop(place, None)
            try:
                if not self._waiting:
                    os.ftruncate(self._handle, 0)
                    self._size = 0
                elif places:
                    self._size = disk.append(self._handle, lines.struck(places), self._size)
            except OSError as error:
                _log.warning("%s: what is charged could not be struck out: %s", self.path, error)

    def close(self) -> None:
        """Let go of the file; where nothing waits in it, it goes."""
        with self._lock:
            handle, self._handle = self._handle, -1
            # In the child of a fork it is the parent's, which goes on with it.
            if os.getpid() == self._pid:
                if not self._waiting:
                    self._remove()
                disk.unlock(handle)
            os.close(handle)

    def forget(self) -> None:
        """Close what a fork has handed to a child, where a thread of the parent may hold locks."""
        handle, self._handle = self._handle, -1
        os.close(handle)

    def _remove(self) -> None:
        # While it is still held: nobody else may have put anything into it.
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:  # Windows keeps what is open
            _log.debug("%s stays, with nothing in it: %s", self.path, error)


def orphans(folder: Path, own: JournalFile | None) -> Generator[JournalFile]:
    """The files of processes that are gone, one after another, each held while it is looked at."""
    for path in sorted(folder.glob(NAME)):
        if own is not None and path == own.path:
            continue
        try:
            found = JournalFile.adopt(path)
        except OSError as error:
            _log.error("%s cannot be read, what it holds is not charged: %s", path, error)
            continue
        if found is not None:
            try:
                yield found
            finally:
                found.close()


def set_aside(folder: Path, entry: Served | str, error: CreditsError) -> None:
    """Keep what is refused for good beside the journal. Raises `OSError`."""
    line = lines.refused(entry, type(error).__name__, str(error), int(time.time() * 1000))
    handle = os.open(folder / REFUSED, _FLAGS | os.O_CREAT, _OURS_ALONE)
    try:
        disk.lock(handle, wait=True)
        disk.append(handle, line, os.fstat(handle).st_size)
    finally:
        os.close(handle)
    disk.sync_folder(folder)


def _same(path: Path, handle: int) -> bool:
    """Whether what was locked is still what stands there: others may have removed it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
