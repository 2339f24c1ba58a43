"""Commands told to the store past the client: the very same bytes again, a deadline of choice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from credits_core import CreditsError, commands
from credits_core.command import Failure
from credits_core.commands import SignUp

if TYPE_CHECKING:
    from credits_core.command import Command

FAR = 10**15
"""A deadline that no clock of a test reaches (ms)."""


async def tell(credits: Any, command: Command[Any], times: int = 1, deadline: int = FAR) -> Any:
    """Execute the same bytes so often; what each reply means, errors included."""
    client = getattr(credits, "sync", credits)
    calls = (command.bind(deadline),) * times
    if client is credits:
        replies = await client._backend.execute(calls, 10.0)
    else:
        replies = await asyncio.to_thread(client._backend.execute, calls, 10.0)
    return [_meaning(command, reply) for reply in replies]


def _meaning(command: Command[Any], reply: Any) -> Any:
    assert not isinstance(reply, Failure), reply
    if reply[0] == "late":
        return "late"
    try:
        return command.decode(reply)
    except CreditsError as error:
        return error


def keys(credits: Any) -> Any:
    """How the client names its keys."""
    return getattr(credits, "sync", credits)._keys


def addition(credits: Any, user: str, amount: int, now_ms: int, **wishes: Any) -> Command[Any]:
    """The command of an addition, to tell it more than once."""
    given = {"idempotency_key": None, "sign_up": SignUp()} | wishes
    return commands.add(keys(credits), user, amount, "x", None, now_ms=now_ms, **given)


async def tell_all(credits: Any, commands: list[Command[Any]], width: int = 100) -> list[Any]:
    """Execute many commands, so many at a time in their order."""
    client = getattr(credits, "sync", credits)
    told: list[Any] = []
    for start in range(0, len(commands), width):
        turn = commands[start : start + width]
        calls = tuple(command.bind(FAR) for command in turn)
        if client is credits:
            replies = await client._backend.execute(calls, 30.0)
        else:
            replies = await asyncio.to_thread(client._backend.execute, calls, 30.0)
        told += map(_meaning, turn, replies)
    return told
