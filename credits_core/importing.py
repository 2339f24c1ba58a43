"""Balances of a SQL table `credits` (id, user_id, balance) become accounts of this ledger."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote
from uuid import UUID

import sqlalchemy as sa

from credits_core import validation
from credits_core.errors import IdempotencyConflictError, InvalidRequestError
from credits_core.models import MAX_AMOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core.client import Credits
    from credits_core.models import Receipt

    Sure: TypeAlias = "Callable[[Callable[[], Receipt]], Receipt]"

ACTION = "imported_balance"

IMPORT, NOTHING = "import:", "empty:"
"""How the keys of rows begin; and how those of additions that never come, for rows of nothing."""

_ADDED = re.compile(rf"add ([0-9]+) {ACTION}")

AT_ONCE = 1000
"""Rows that are fetched together."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as the table has it."""

    id: Any
    user_id: Any
    balance: Any


@dataclass(frozen=True, slots=True)
class Balance:
    """What is imported: the credits of a user, under a key that no other row has."""

    user_id: str
    credits: int
    key: str
    row: str

    def put(self, credits_: Credits, sure: Sure) -> bool:
        """Import it; False where that was done before. Again it changes nothing.

        `sure` runs a write, and finds out what became of one that is not answered.
        """
        # With nothing, but signed up: no first touch gives these users sign-up credits again.
        sure(lambda: credits_.initialize_user(self.user_id, 0))
        try:
            return not sure(lambda: self._entered(credits_)).replayed
        except IdempotencyConflictError as error:
            before = _imported(error.request)
            if before is None:
                raise
            raise IdempotencyConflictError(
                f"it was imported before with {before} credit{'' if before == 1 else 's'} and has "
                f"{self.credits} now: nothing changed. If the difference is owed, add or deduct it",
                tx_id=error.tx_id,
                request=error.request,
            ) from None

    def _entered(self, credits_: Credits) -> Receipt:
        about = {"row": self.row}
        if self.credits:
            return credits_.add(self.user_id, self.credits, ACTION, about, idempotency_key=self.key)
        # Nothing cannot be added. To revoke what never comes changes nothing either, and keeps
        # the row's key in the same place, for ever.
        never = NOTHING + self.key.removeprefix(IMPORT)
        return credits_.revoke(self.user_id, None, 1, added_with=never, idempotency_key=self.key)


@contextmanager
def rows(database: str, table: str) -> Iterator[tuple[int, Iterator[Row]]]:
    """How many rows a table has, and the rows, fetched as they are used."""
    schema, _, name = table.rpartition(".")
    names = ("id", "user_id", "balance")
    found = sa.table(name, *(sa.column(column) for column in names), schema=schema or None)
    engine = sa.create_engine(_read_only(database))
    try:
        with engine.connect().execution_options(yield_per=AT_ONCE) as connection:
            total = connection.scalar(sa.select(sa.func.count()).select_from(found))
            result = connection.execute(sa.select(*(found.c[column] for column in names)))
            yield total or 0, (Row(*row) for row in result)
    finally:
        engine.dispose()


def _read_only(database: str) -> sa.URL:
    """The same database; a file of SQLite so that it is neither written nor made."""
    url = sa.make_url(database)
    name = url.database or ":memory:"
    if url.get_backend_name() != "sqlite" or ":memory:" in name or "mode" in url.query:
        return url
    if "uri" in url.query:
        path = unquote(name).removeprefix("file:")
    else:
        path = name
        url = url.set(database=Path(name).absolute().as_uri())
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {path!r}")
    return url.update_query_dict({"mode": "ro", "uri": "true"})


def _imported(request: str) -> int | None:
    """With how much a row was imported; None where its key was used for something else."""
    if request.startswith(f"revoke {NOTHING}"):
        return 0
    found = _ADDED.fullmatch(request)
    return None if found is None else int(found[1])


def balance_of(row: Row, table: str) -> Balance:
    """What a row says; raises `InvalidRequestError` where that is no balance of anybody."""
    user_id = validation.user_id(_id(row.user_id, "user_id"))
    row_id = _id(row.id, "id")
    # Without the schema: the same table may be named with it and without.
    key = validation.idempotency_key(f"{IMPORT}{table.rpartition('.')[2]}:{row_id}")
    return Balance(user_id, _credits(row.balance), key, row_id)


def _id(value: object, what: str) -> str:
    if not isinstance(value, (str, int, UUID)) or isinstance(value, bool):
        raise InvalidRequestError(f"its {what} is no text, number or UUID: {_shown(value)}")
    return str(value)


def _credits(value: object) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRequestError(f"its balance is no whole number: {_shown(value)}")
    if value < 0:
        raise InvalidRequestError(
            f"its balance is {value}: a debt is not imported. Set a floor for the user and deduct "
            f"it, or forget it"
        )
    if value > MAX_AMOUNT:
        raise InvalidRequestError(f"its balance is {value}, more than {MAX_AMOUNT} credits")
    return value


def _shown(value: object) -> str:
    return "NULL" if value is None else repr(str(value)[:60])
