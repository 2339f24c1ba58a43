"""Walking through what is too long for one reply: a log, or all accounts.

A cursor says which command comes next and turns its result into items, so that the async
and the sync iterators are the same few lines around it.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from itertools import islice
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from credits_core import decoding, validation
from credits_core.command import Call, Command, Reply
from credits_core.commands import bounds, log_page
from credits_core.entries import transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from credits_core.executor import AsyncExecutor, Executor
    from credits_core.keys import KeySpace
    from credits_core.models import Transaction

T = TypeVar("T")
P = TypeVar("P")

PAGE = 1000


class Cursor(Protocol, Generic[P, T]):
    """`following()` is the next command, or None at the end; `items` what its result holds."""

    def following(self) -> Command[P] | None: ...  # noqa: D102

    def items(self, page: P) -> list[T]: ...  # noqa: D102


def walk(executor: Executor, cursor: Cursor[P, T]) -> Iterator[T]:
    """All items of a cursor, a page in memory at a time."""
    while command := cursor.following():
        yield from cursor.items(executor.run(command))


async def walk_async(executor: AsyncExecutor, cursor: Cursor[P, T]) -> AsyncIterator[T]:
    """All items of a cursor, a page in memory at a time."""
    while command := cursor.following():
        for item in cursor.items(await executor.run(command)):
            yield item


async def in_groups(items: Iterable[T] | AsyncIterable[T], size: int) -> AsyncIterator[list[T]]:
    """Lists of up to `size` items, as they come."""
    group: list[T] = []
    if isinstance(items, AsyncIterable):
        async for item in items:
            group.append(item)
            if len(group) == size:
                yield group
                group = []
    else:
        remaining = iter(items)
        while group := list(islice(remaining, size)):
            yield group
    if group:
        yield group


class LogCursor:
    """The transactions of one account, newest or oldest first.

    Entries that others write meanwhile may or may not appear; none appears twice, and none
    that was there is left out.
    """

    def __init__(
        self,
        keys: KeySpace,
        user_id: str,
        *,
        order: str = "newest",
        start_time: object = None,
        end_time: object = None,
    ) -> None:
        """Walk between two instants (ms or aware datetimes, inclusive)."""
        self._keys = keys
        self._user_id = validation.user_id(user_id, braces=keys.braces)
        self._order = order
        self._low, self._high = bounds(
            validation.instant_ms(start_time, "start_time"),
            validation.instant_ms(end_time, "end_time"),
        )
        # Members already given at the score where the last page ended: the next page begins
        # with that score again, for several entries may share it.
        self._edge: set[str] = set()
        self._asked = 0
        self._done = False

    def following(self) -> Command[list[tuple[str, str]]] | None:
        """The next page."""
        if self._done:
            return None
        self._asked = PAGE + len(self._edge)
        return log_page(self._keys, self._user_id, self._order, self._low, self._high, self._asked)

    def items(self, page: list[tuple[str, str]]) -> list[Transaction]:
        """The transactions of a page that were not given yet."""
        fresh = [(member, score) for member, score in page if member not in self._edge]
        self._done = len(page) < self._asked
        if page:
            last = page[-1][1]
            self._edge = {member for member, score in page if score == last}
            if self._order == "newest":
                self._high = last
            else:
                self._low = last
        return [
            transaction(decoding.entry(member, self._user_id), float(score))
            for member, score in fresh
        ]


class UserCursor:
    """The ids of all users with an account, in no order, each once."""

    def __init__(self, keys: KeySpace) -> None:
        """Walk the keyspace of the store with SCAN."""
        self._keys = keys
        self._patterns = [keys.balance_pattern(), keys.log_pattern()]
        self._position = "0"
        self._seen: set[str] = set()

    def following(self) -> Command[tuple[str, list[str]]] | None:
        """The next SCAN."""
        if not self._patterns:
            return None
        words = ("SCAN", self._position, "MATCH", self._patterns[0], "COUNT", str(PAGE))
        return Command("users", "", Call(None, (), words), _decode_scan)

    def items(self, page: tuple[str, list[str]]) -> list[str]:
        """The users of a SCAN reply that were not given yet."""
        self._position, names = page
        if self._position == "0":
            self._patterns.pop(0)
        users = dict.fromkeys(user for name in names if (user := self._keys.user_of(name)))
        fresh = [user for user in users if user not in self._seen]
        self._seen.update(fresh)
        return fresh


def _decode_scan(reply: Reply) -> tuple[str, list[str]]:
    return str(reply[0]), list(reply[1])
