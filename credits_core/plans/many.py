"""Many operations at once: each for itself, a flight at a time, or all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import commands, validation
from credits_core.command import Command
from credits_core.errors import InvalidRequestError
from credits_core.plans import Plan, one

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from credits_core.commands import SignUp
    from credits_core.errors import CreditsError
    from credits_core.keys import KeySpace
    from credits_core.models import Item, Receipt

FLIGHT = 200
"""Operations that travel together."""


def many(
    keys: KeySpace,
    name: str,
    items: Iterable[Item],
    *,
    atomic: bool,
    idempotency_key: str | None,
    sign_up: SignUp,
    now_ms: int,
) -> Plan[list[Receipt | CreditsError]]:
    """Charges (`deduct`) or additions (`add`): each for itself, or all or nothing."""
    items = validation.items(items)
    if not items:
        return []
    if atomic:
        command = commands.batch(
            keys, name, items, idempotency_key=idempotency_key, sign_up=sign_up, now_ms=now_ms
        )
        return list((yield from one(command)))
    if idempotency_key is not None:
        raise InvalidRequestError("items that are not atomic have idempotency keys of their own")
    results: list[Receipt | CreditsError] = []
    for start in range(0, len(items), FLIGHT):
        flight = items[start : start + FLIGHT]
        made = [_command(keys, name, item, sign_up, now_ms) for item in flight]
        results += yield from _apart(made)
    return results


def _apart(
    made: Sequence[Command[Receipt] | InvalidRequestError],
) -> Plan[list[Receipt | CreditsError]]:
    """Send what could be made; what is wrong with the others is a value in their place."""
    sent = [command for command in made if isinstance(command, Command)]
    answers = iter((yield sent) if sent else ())
    return [next(answers) if isinstance(command, Command) else command for command in made]


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
