"""An archive in a table of SQLite or PostgreSQL."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from credits_core.errors import InvalidRequestError, TransactionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from sqlalchemy.engine import Connection, Engine

    from credits_core.archives import ArchivedEntry

TABLE = "credit_transactions"

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}

SUPPORTED = (
    "an archive is a file, or a database of SQLite or PostgreSQL, such as sqlite:///old.db or "
    "postgresql+psycopg://host/name"
)

_AT_ONCE = 500
"""Ids in one question: SQLite of old takes 999 values."""

_FILES = sa.text("pragma database_list")

_NO_TEXT = str.maketrans({"\x00": "\ufffd"} | {chr(c): "\ufffd" for c in range(0xD800, 0xE000)})
"""What PostgreSQL keeps in no text; in the JSON itself it stands escaped."""


class SqlArchive:
    """A table with a row an entry, insert-once by user and id, one transaction a `write`.

    The columns are those of many apps' `credit_transactions`: `id`, `user_id`, `amount`,
    `type` (the kind of the entry), `description` (its action), `reference_id` (the charge, the
    addition or the hold that it is about) and `created_at`; beside them `score`, the exact place
    in the log (ms), and `entry`, the JSON as it stood there. Ids are text. The table is made
    where there is none; one with other columns is refused with `InvalidRequestError`, and so
    are databases other than SQLite and PostgreSQL, and a SQLite database in memory, which would
    end with the process.

    It needs the extra `sql`. Errors of the database are raised as SQLAlchemy has them.

    >>> import pathlib, tempfile
    >>> from credits_core.archives import ArchivedEntry
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "archive.db"
    >>> with SqlArchive(f"sqlite:///{path}") as archive:
    ...     archive.write([ArchivedEntry("alice", "1", '{"id":"tx_1_a","amount":5}')])
    ...     archive.write([ArchivedEntry("alice", "1", '{"id":"tx_1_a","amount":5}')])
    """

    def __init__(self, database: str | Engine, *, table: str = TABLE) -> None:
        """Use a database by its URL, such as `postgresql+psycopg://host/db`, or by its engine."""
        self._owned = isinstance(database, str)
        self.table = table_of(table)
        # Before there is an engine: that of another database would ask for its driver.
        dialect = _dialect(database)
        self._insert = insert_once(self.table, dialect)
        self._engine = sa.create_engine(database) if isinstance(database, str) else database
        try:
            if dialect == "sqlite":
                self._check_lasting()
            self._prepare()
        except BaseException:
            self.close()
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
        """Close what this archive opened."""
        self.close()

    def close(self) -> None:
        """Close what this archive opened; an engine that was handed in stays open."""
        if self._owned:
            self._engine.dispose()

    def write(self, entries: Sequence[ArchivedEntry], /) -> None:
        """Keep entries; returns when they are committed."""
        rows = [_row(entry) for entry in entries]
        if not rows:
            return
        with self._engine.begin() as connection:
            connection.execute(self._insert, rows)
            self._check(connection, rows)

    def _check(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        """Raise where another entry has the name of one of these: nothing is lost by a name."""
        for user in {row["user_id"] for row in rows}:
            own = [row for row in rows if row["user_id"] == user]
            kept = self._kept(connection, user, [row["id"] for row in own])
            for row in own:
                if kept[row["id"]] != row["entry"]:
                    raise TransactionError(
                        f"the archive keeps another entry {row['id']!r} of {user!r} than the log",
                        tx_id=row["id"],
                    )

    def _kept(self, connection: Connection, user: str, ids: list[str]) -> dict[str, str]:
        columns = self.table.c
        kept: dict[str, str] = {}
        for start in range(0, len(ids), _AT_ONCE):
            named = columns.id.in_(ids[start : start + _AT_ONCE])
            found = sa.select(columns.id, columns.entry).where(columns.user_id == user, named)
            kept.update((row.id, row.entry) for row in connection.execute(found))
        return kept

    def _check_lasting(self) -> None:
        schema = self.table.schema or "main"
        with self._engine.connect() as connection:
            files = {row.name: row.file for row in connection.execute(_FILES)}
        # One that the table cannot be in is named by the error of its making.
        if schema in files and not Path(files[schema] or "").is_file():
            raise InvalidRequestError(
                "an archive in memory ends with the process, and the entries with it: name a "
                "file, such as sqlite:///old.db"
            )

    def _prepare(self) -> None:
        self.table.create(self._engine, checkfirst=True)
        found = sa.inspect(self._engine).get_columns(self.table.name, schema=self.table.schema)
        missing = set(self.table.c.keys()) - {column["name"] for column in found}
        if missing:
            raise InvalidRequestError(
                f"the table {self.table.fullname!r} is there with other columns (without "
                f"{', '.join(sorted(missing))}): give the archive a table of its own"
            )


def _dialect(database: str | Engine) -> str:
    if isinstance(database, str):
        return sa.make_url(database).get_backend_name()
    return database.dialect.name


def table_of(name: str) -> sa.Table:
    """The table of an archive; `name` may begin with a schema and a dot."""
    schema, _, own = name.rpartition(".")
    return sa.Table(
        own,
        sa.MetaData(),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String(50), nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("reference_id", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, index=True),
        sa.Column("score", sa.Text, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.UniqueConstraint("user_id", "id"),
        schema=schema or None,
    )


def insert_once(table: sa.Table, dialect: str) -> Any:
    """The statement that adds rows, and leaves out those that are there."""
    insert = _INSERTS.get(dialect)
    if insert is None:
        raise InvalidRequestError(f"{SUPPORTED}; not in {dialect}")
    return insert(table).on_conflict_do_nothing(index_elements=["user_id", "id"])


def _row(entry: ArchivedEntry) -> dict[str, Any]:
    transaction = entry.transaction
    reference = transaction.refers_to or transaction.hold_id
    return {
        "id": _text(transaction.id) or _unnamed(entry.member),
        "user_id": _text(entry.user_id),
        "amount": transaction.amount,
        "type": transaction.kind,
        "description": _text(transaction.action),
        "reference_id": None if reference is None else _text(reference),
        "created_at": transaction.time,
        "score": entry.score,
        "entry": _text(entry.member),
    }


def _text(text: str) -> str:
    return text.translate(_NO_TEXT)


def _unnamed(member: str) -> str:
    """An entry of others may have no id: its bytes name it."""
    return f"sha1:{sha1(member.encode('utf-8', 'replace'), usedforsecurity=False).hexdigest()}"
