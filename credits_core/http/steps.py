"""What asks a client several times and decides in between, written once for async and sync.

A step is a function of a client; what it answers, awaited where it is awaitable, comes back into
the generator, and what it raises is raised there.

>>> from credits_core import Credits
>>> def twice(user_id: str) -> Steps[int]:
...     first = yield lambda credits: credits.get_balance(user_id)
...     second = yield lambda credits: credits.deduct(user_id, 10, "chat")
...     return first - second.balance
>>> run(Credits.from_url("memory://", auto_initialize=True), twice("alice"))
10
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from credits_core.async_client import AsyncCredits
    from credits_core.client import Credits

__all__ = ["Step", "Steps", "arun", "run"]

T = TypeVar("T")

Step: TypeAlias = Callable[[Any], Any]
"""Is given a `Credits` or an `AsyncCredits`, and answers a value or what to await for it."""

Steps: TypeAlias = Generator[Step, Any, T]


def run(client: Credits, steps: Steps[T]) -> T:
    """Take the steps with a sync client."""
    try:
        step = next(steps)
        while True:
            try:
                answer = step(client)
            except Exception as error:  # noqa: BLE001 - the steps' own to handle
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result


async def arun(client: AsyncCredits | Credits, steps: Steps[T]) -> T:
    """Take the steps with an async client; a step need not be async, nor the client."""
    try:
        step = next(steps)
        while True:
            try:
                answer = step(client)
                if inspect.isawaitable(answer):
                    answer = await answer
            except Exception as error:  # noqa: BLE001 - the steps' own to handle
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        result: T = end.value
        return result
