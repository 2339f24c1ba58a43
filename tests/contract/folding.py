"""Old logs, and the archives that they are folded into."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING, Any

from tests.contract.store import entry

if TYPE_CHECKING:
    from tests.contract.store import Look, Store

DAY = 86_400_000
OLD = int(time.time() * 1000) - 200 * DAY


class Kept:
    """An archive in memory; each `write` is a call."""

    def __init__(self) -> None:
        self.calls: list[list[Any]] = []

    def write(self, entries: Any, /) -> None:
        self.calls.append(list(entries))

    @property
    def members(self) -> list[str]:
        return list(dict.fromkeys(entry.member for call in self.calls for entry in call))


async def old_log(
    store: Store, user: str, count: int, *, step: int = 1, start: int = OLD
) -> list[str]:
    """An account with so many old entries of another app; answers its members."""
    dice = random.Random(count)
    pairs = [
        (start + n * step, entry(n, dice.randint(-4, 9), start + n * step)) for n in range(count)
    ]
    await store.append(user, pairs)
    await store.run("SET", f"balance:{user}", sum(json.loads(text)["amount"] for _, text in pairs))
    return [text for _, text in pairs]


def fields(look: Look) -> list[dict[str, Any]]:
    """The log with all its fields, oldest first."""
    return [json.loads(member) for member in look.members]
