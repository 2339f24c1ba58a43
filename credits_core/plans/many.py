"""Many operations at once: each for itself, a flight at a time, or all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import commands
from credits_core.errors import CreditsError, InvalidRequestError
from credits_core.plans import Plan, one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.command import Command
    from credits_core.commands import SignUp
    from credits_core.keys import KeySpace
    from credits_core.models import Item, Receipt

FLIGHT = 200
"""Operations that travel together."""


def at_once(
    keys: KeySpace,
    name: str,
    items: Sequence[Item],
    idempotency_key: str | None,
    sign_up: SignUp,
    now_ms: int,
) -> Plan[list[Receipt | CreditsError]]:
    """All or nothing, on one account."""
    if not items:
        return []
    command = commands.batch(
        keys, name, items, idempotency_key=idempotency_key, sign_up=sign_up, now_ms=now_ms
    )
    return list((yield from one(command)))


def apart(
    keys: KeySpace,
    name: str,
    items: Sequence[Item],
    idempotency_key: str | None,
    sign_up: SignUp,
    now_ms: int,
) -> Plan[list[Receipt | CreditsError]]:
    """Each for itself; what is wrong with one is a value in its place."""
    if idempotency_key is not None:
        raise InvalidRequestError("items that are not atomic have idempotency keys of their own")
    results: list[Receipt | CreditsError] = []
    for start in range(0, len(items), FLIGHT):
        made = [
            _command(keys, name, item, sign_up, now_ms) for item in items[start : start + FLIGHT]
        ]
        sent = [command for command in made if not isinstance(command, CreditsError)]
        answers = iter((yield sent) if sent else ())
        results += [
            command if isinstance(command, CreditsError) else next(answers) for command in made
        ]
    return results


def _command(
    keys: KeySpace, name: str, item: Item, sign_up: SignUp, now_ms: int
) -> Command[Receipt] | InvalidRequestError:
    make = commands.deduct if name == "deduct" else commands.add
    try:
        return make(
            keys,
            item.user_id,
            item.amount,
            item.action,
            item.metadata,
            idempotency_key=item.idempotency_key,
            sign_up=sign_up,
            now_ms=now_ms,
        )
    except InvalidRequestError as error:
        return error
