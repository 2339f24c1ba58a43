"""A program that folds an account and is killed at a step of its own choice.

`python -m tests.faults.dying_fold <url> <archive> <user> <step> <signal>`. Steps: before an
archive is written, amid that, after it, and after the fold, chunk by chunk; at none it lives.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from credits_core import Credits
from credits_core.archives import JsonLinesArchive, SqlArchive, jsonl, sql

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class Steps:
    """How far it has come."""

    def __init__(self, fatal: int, by: signal.Signals) -> None:
        self.taken = 0
        self._fatal = fatal
        self._by = by

    def take(self) -> None:
        self.taken += 1
        if self.taken == self._fatal:
            os.kill(os.getpid(), self._by)


class Watched:
    """Writes to an archive, with a step before and after it."""

    def __init__(self, archive: Any, steps: Steps) -> None:
        self._archive = archive
        self._steps = steps

    def write(self, entries: Sequence[Any], /) -> None:
        if self._steps.taken:
            self._steps.take()  # the chunk before is folded
        self._steps.take()
        self._archive.write(entries)
        self._steps.take()


def torn(target: str, steps: Steps) -> JsonLinesArchive:
    """A file that is written by halves, with a step between them."""

    class Torn(jsonl.JsonLinesArchive):
        def _append(self, data: bytes) -> None:
            self._file.write(data[: len(data) // 2])
            steps.take()
            self._file.truncate(self._size)
            super()._append(data)

    return Torn(target)


def opened(target: str, steps: Steps) -> SqlArchive:
    """A table, with a step after its rows are inserted and before they are committed."""

    class Opened(sql.SqlArchive):
        def _check(self, connection: Any, rows: Any) -> None:
            steps.take()
            super()._check(connection, rows)

    return Opened(target)


def main(url: str, target: str, user: str, fatal: str, by: str) -> None:
    steps = Steps(int(fatal), signal.Signals[by])
    archive = opened(target, steps) if "://" in target else torn(target, steps)
    with Credits.from_url(url, timeout=10) as credits:
        print(credits.fold(user, Watched(archive, steps)).folded)


if __name__ == "__main__":
    main(*sys.argv[1:])
