"""SQLite's own connections, closed."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A database, committed and closed in the end.

    A connection's own `with` commits only, and since Python 3.13 one that is left open warns.
    """
    with closing(sqlite3.connect(path)) as database, database:
        yield database
