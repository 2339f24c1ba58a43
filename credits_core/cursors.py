"""Walking through what is too long for one reply: a log, or all accounts.

A cursor says how its next page is read, as a plan, so that the async and the sync
iterators are the same few lines around it.
"""

from __future__ import annotations

from collections.abc import AsyncIterable
from itertools import islice
from typing import TYPE_CHECKING, Protocol, TypeVar

from credits_core import decoding, validation
from credits_core.command import Call, Command, Reply
from credits_core.commands import bounds
from credits_core.plans import Plan, one
from credits_core.plans.pages import Pages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from credits_core.executor import AsyncExecutor, Executor
    from credits_core.keys import KeySpace
    from credits_core.models import Transaction

T = TypeVar("T")

SCAN_COUNT = 1000
"""Keys that the store looks at for a page of users."""


class Cursor(Protocol[T]):
    """`page()` reads the next items, until it is `done`."""

    @property
    def done(self) -> bool: ...  # noqa: D102

    def page(self) -> Plan[list[T]]: ...  # noqa: D102


def walk(executor: Executor, cursor: Cursor[T]) -> Iterator[T]:
    """All items of a cursor, a page in memory at a time."""
    while not cursor.done:
        yield from executor.run_plan(cursor.page())


async def walk_async(executor: AsyncExecutor, cursor: Cursor[T]) -> AsyncIterator[T]:
    """All items of a cursor, a page in memory at a time."""
    while not cursor.done:
        for item in await executor.run_plan(cursor.page()):
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
    """The transactions of one account, newest or oldest first."""

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
        self._user_id = validation.user_id(user_id, braces=keys.braces)
        low, high = bounds(
            validation.bound_ms(start_time, "start_time"),
            validation.bound_ms(end_time, "end_time"),
        )
        self._pages = Pages(keys, self._user_id, order, low, high)

    @property
    def done(self) -> bool:
        """Whether the log has come to its end."""
        return self._pages.done

    def page(self, most: int | None = None) -> Plan[list[Transaction]]:
        """The next transactions, `most` of them at most."""
        pairs = yield from self._pages.following(most)
        return [decoding.transaction(member, score, self._user_id) for member, score in pairs]


def newest(
    keys: KeySpace, user_id: str, *, limit: int, start_time: object, end_time: object
) -> Plan[list[Transaction]]:
    """The newest transactions between two instants."""
    limit = validation.limit(limit)
    cursor = LogCursor(keys, user_id, start_time=start_time, end_time=end_time)
    found: list[Transaction] = []
    while len(found) < limit and not cursor.done:
        found += yield from cursor.page(limit - len(found))
    return found[:limit]


class UserCursor:
    """The ids of all users with an account, in no order, each once."""

    def __init__(self, keys: KeySpace) -> None:
        """Walk the keyspace of the store with SCAN."""
        self._keys = keys
        self._patterns = [keys.balance_pattern(), keys.log_pattern()]
        self._position = "0"
        self._seen: set[str] = set()

    @property
    def done(self) -> bool:
        """Whether all keys have been looked at."""
        return not self._patterns

    def page(self) -> Plan[list[str]]:
        """The users of the next SCAN that were not given yet."""
        self._position, names = yield from scan(self._position, self._patterns[0], SCAN_COUNT)
        if self._position == "0":
            self._patterns.pop(0)
        users = dict.fromkeys(user for name in names if (user := self._keys.user_of(name)))
        fresh = [user for user in users if user not in self._seen]
        self._seen.update(fresh)
        return fresh


def scan(position: str, pattern: str, count: int) -> Plan[tuple[str, list[str]]]:
    """Some keys of a pattern, and the position of those that follow; `"0"` after the last."""
    words = ("SCAN", position, "MATCH", pattern, "COUNT", str(count))
    return one(Command("users", "", Call(None, (), words), _decode_scan))


def _decode_scan(reply: Reply) -> tuple[str, list[str]]:
    return str(reply[0]), list(reply[1])
