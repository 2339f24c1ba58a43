"""An archive in a file: one entry a line, as JSON."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Self

from credits_core import disk
from credits_core.errors import CreditsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from io import FileIO
    from types import TracebackType

    from credits_core.archives import ArchivedEntry

TAIL_BYTES = 8 * 2**20
"""What is read of a file when it is opened: more than the largest chunk of a fold."""

HEAD = b'{"user_id":'
"""How every line begins."""

REMEMBERED = 20_000
"""Entries that are known again: several chunks. A crash leaves one that was not folded."""


class JsonLinesArchive:
    """A file that grows by one line an entry: `{"user_id": …, "score": …, "entry": {…}}`.

    `entry` is the JSON of the log as it stands there, `score` its place in it (ms). A `write`
    has been synced to the disk when it returns. A line that a crash left unfinished is cut
    off when the file is opened. Entries that come again after a crash are left out; for that
    the newest 8 MB of the file are looked at.

    One process at a time writes to a file, and folds one account after another; a second one
    is refused with `CreditsError`, and so is a file of something else, untouched. A file that
    cannot be written raises `OSError`.

    >>> import pathlib, tempfile
    >>> from credits_core.archives import ArchivedEntry
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "archive.jsonl"
    >>> with JsonLinesArchive(path) as archive:
    ...     archive.write([ArchivedEntry("alice", "1", '{"id":"tx_1_a","amount":5}')])
    >>> path.read_text().strip()
    '{"user_id":"alice","score":"1","entry":{"id":"tx_1_a","amount":5}}'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open the file, or begin it; only its owner may read it."""
        self.last_user: str | None = None
        """The user of the last entry; after a crash it is the one to be folded first."""
        self._path = Path(path)
        new = not self._path.exists()
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._file: FileIO = os.fdopen(handle, "r+b", buffering=0)
        try:
            self._lock()
            if new:
                disk.sync_folder(self._path.parent)
            self._tail: frozenset[bytes] = frozenset()
            self._recent: OrderedDict[bytes, None] = OrderedDict()
            self._size = self._look_back()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        """Use the archive in a `with` block that closes it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file and let others write to it."""
        self._file.close()

    def write(self, entries: Sequence[ArchivedEntry], /) -> None:
        """Keep entries; returns when they are on the disk."""
        lines = {line_key(line): line for line in map(_line, entries)}
        fresh = {key: line for key, line in lines.items() if not self._knows(key)}
        if fresh:
            self._append(b"".join(fresh.values()))
        elif entries:
            # They may have been written by one who did not live to see them on the disk.
            os.fsync(self._file.fileno())
        self._remember(fresh)

    def _append(self, data: bytes) -> None:
        self._size = disk.append(self._file.fileno(), data, self._size)

    def _knows(self, key: bytes) -> bool:
        return key in self._tail or key in self._recent

    def _remember(self, keys: Iterable[bytes]) -> None:
        self._recent.update(dict.fromkeys(keys))
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)

    def _lock(self) -> None:
        if not disk.lock(self._file.fileno()):
            raise CreditsError(
                f"another process writes to the archive {str(self._path)!r}: wait for its end"
            )

    def _look_back(self) -> int:
        """Cut off an unfinished line, remember the last ones; answers the size."""
        size = self._file.seek(0, os.SEEK_END)
        start = max(0, size - TAIL_BYTES)
        self._file.seek(start)
        data: bytes = self._file.readall()
        whole = data.rfind(b"\n") + 1
        lines = data[:whole].split(b"\n")[1 if start else 0 : -1]
        # Before anything is cut: the file may be another's.
        self.last_user = self._user_of(lines, data[whole:], at_start=not start)
        if whole < len(data):
            self._file.truncate(start + whole)
            os.fsync(self._file.fileno())
        self._tail = frozenset(line_key(line + b"\n") for line in lines)
        return start + whole

    def _user_of(self, lines: list[bytes], rest: bytes, *, at_start: bool) -> str | None:
        """Whose the last line is; None of a file that has none, or the beginning of one."""
        if lines:
            user = _user_in(lines[-1])
            if user is None:
                raise CreditsError(
                    f"{str(self._path)!r} is no archive: its last line is {lines[-1][:60]!r}"
                )
            return user
        if not at_start or not (rest.startswith(HEAD) or HEAD.startswith(rest)):
            raise CreditsError(f"{str(self._path)!r} is no archive: it has no lines at its end")
        return None


def line_key(line: bytes) -> bytes:
    """What an entry is known by: user, score and bytes, in a few."""
    return blake2b(line, digest_size=16).digest()


def _line(entry: ArchivedEntry) -> bytes:
    # As it stands. Between its tokens JSON of others may break lines, which are ours here.
    member = entry.member.replace("\r", " ").replace("\n", " ")
    text = f'{{"user_id":{json.dumps(entry.user_id)},"score":"{entry.score}","entry":{member}}}\n'
    return text.encode("utf-8", "surrogateescape")


def _user_in(line: bytes) -> str | None:
    """The user that a line of an archive names; None of any other line."""
    try:
        found = json.loads(line.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        return None
    match found:
        case {"user_id": str(user), "score": str(), "entry": dict()}:
            return user
    return None
