"""Charges of any flavour under one async face: what the tests of charges are written in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from credits_core import Credits
from credits_core.charge import Charge, hold_credits, require_credits, resume_hold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def client_of(credits: Any) -> Any:
    """The client itself, without the face that a sync one has."""
    return getattr(credits, "sync", credits)


class Work:
    """A charge around a block: `with` of a `Credits`, `async with` of an `AsyncCredits`.

    A sync charge runs in the loop's own thread, so that context variables are as they would be
    in sync code.
    """

    def __init__(self, charge: Charge, *, sync: bool) -> None:
        self.charge: Any = charge
        self.sync = sync

    def __getattr__(self, name: str) -> Any:
        return getattr(self.charge, name)

    async def __aenter__(self) -> Self:
        if self.sync:
            self.charge.__enter__()
        else:
            await self.charge.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        if self.sync:
            self.charge.__exit__(*error)
        else:
            await self.charge.__aexit__(*error)

    async def spend(self, amount: Any) -> None:
        if self.sync:
            self.charge.spend(amount)
        else:
            await self.charge.aspend(amount)

    async def renew(self) -> None:
        if self.sync:
            self.charge.renew()
        else:
            await self.charge.arenew()

    def stream(self, pieces: Iterable[Any], *args: Any, **options: Any) -> Pieces:
        """The pieces of `Charge.stream`, out of an async source where the charge is async."""
        if self.sync:
            return Pieces(self.charge.stream(pieces, *args, **options))
        return Pieces(self.charge.stream(_async(pieces), *args, **options))


class Pieces:
    """A stream of either kind, taken as an async one."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if hasattr(self.stream, "__anext__"):
            return await anext(self.stream)
        end = object()
        if (piece := next(self.stream, end)) is end:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        if hasattr(self.stream, "aclose"):
            await self.stream.aclose()
        else:
            self.stream.close()

    async def take(self, count: int) -> list[Any]:
        """The next pieces, so many."""
        return [await anext(self) for _ in range(count)]


async def _async(pieces: Iterable[Any]) -> Any:
    for piece in pieces:
        yield piece


def _work(make: Callable[..., Charge], credits: Any, args: Any, options: Any) -> Work:
    client = client_of(credits)
    return Work(make(client, *args, **options), sync=isinstance(client, Credits))


def fixed(credits: Any, user: str, cost: Any, action: str = "work", **options: Any) -> Work:
    """`require_credits` around a block."""
    return _work(require_credits, credits, (user, cost, action), options)


def held(credits: Any, user: str, estimate: Any, action: str = "work", **options: Any) -> Work:
    """`hold_credits` around a block."""
    return _work(hold_credits, credits, (user, estimate, action), options)


def resumed(credits: Any, user: str, hold_id: str, **options: Any) -> Work:
    """`resume_hold` around a block."""
    return _work(resume_hold, credits, (user, hold_id), options)


async def amounts(credits: Any, user: str) -> list[tuple[int, str]]:
    """What the log says, oldest first, without its first entry."""
    found = await credits.get_transactions(user, limit=1000)
    return [(int(entry.amount), entry.action) for entry in reversed(found)][1:]
