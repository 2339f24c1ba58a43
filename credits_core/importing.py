"""Balances of a SQL table `credits` (id, user_id, balance) become accounts of this ledger."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from credits_core import validation
from credits_core.errors import InvalidRequestError
from credits_core.models import MAX_AMOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core.client import Credits
    from credits_core.models import Receipt

    Sure: TypeAlias = "Callable[[Callable[[], Receipt]], Receipt]"

ACTION = "imported_balance"

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
        first = sure(lambda: credits_.initialize_user(self.user_id, 0)).created
        if not self.credits:
            return first
        about = {"row": self.row}
        added = sure(
            lambda: credits_.add(
                self.user_id, self.credits, ACTION, about, idempotency_key=self.key
            )
        )
        return not added.replayed


@contextmanager
def rows(database: str, table: str) -> Iterator[tuple[int, Iterator[Row]]]:
    """How many rows a table has, and the rows, fetched as they are used."""
    schema, _, name = table.rpartition(".")
    names = ("id", "user_id", "balance")
    found = sa.table(name, *(sa.column(column) for column in names), schema=schema or None)
    engine = sa.create_engine(database)
    try:
        with engine.connect().execution_options(yield_per=AT_ONCE) as connection:
            total = connection.scalar(sa.select(sa.func.count()).select_from(found))
            result = connection.execute(sa.select(*(found.c[column] for column in names)))
            yield total or 0, (Row(*row) for row in result)
    finally:
        engine.dispose()


def balance_of(row: Row, table: str) -> Balance:
    """What a row says; raises `InvalidRequestError` where that is no balance of anybody."""
    user_id = validation.user_id(_id(row.user_id, "user_id"))
    row_id = _id(row.id, "id")
    # Without the schema: the same table may be named with it and without.
    key = validation.idempotency_key(f"import:{table.rpartition('.')[2]}:{row_id}")
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
