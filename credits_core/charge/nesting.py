"""The charge that the code which runs now is paid by, so that nothing is paid twice."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Token

    from credits_core.charge.charge import Charge
    from credits_core.charge.ledger import AsyncLedger, Ledger

__all__ = ["current_charge", "enter", "inside", "leave", "payer"]

_current: ContextVar[Charge | None] = ContextVar("credits_charge", default=None)


def current_charge() -> Charge | None:
    """The charge of the work that runs now, free or not: the innermost that is open, or None.

    It travels as context variables do: into calls, tasks, and threads that copy the context.

    >>> current_charge() is None
    True
    """
    return next(_outwards(), None)


def payer(user_id: str, ledger: AsyncLedger | Ledger) -> Charge | None:
    """The innermost charge around that pays for work of this user, or None."""
    return next((one for one in _outwards() if one.pays_for(user_id, ledger)), None)


def _outwards() -> Iterator[Charge]:
    charge = _current.get()
    while charge is not None:
        if charge.open:
            yield charge
        charge = charge.around


def enter(charge: Charge) -> Token[Charge | None]:
    """Let `charge` be that of the work that runs from now on."""
    return _current.set(charge)


def leave(token: Token[Charge | None]) -> None:
    """Undo `enter`."""
    # A generator may be closed in another context than the one it ran in; that one is gone.
    with suppress(ValueError):
        _current.reset(token)


@contextmanager
def inside(charge: Charge) -> Iterator[None]:
    """Run a block that is work of `charge`."""
    token = enter(charge)
    try:
        yield
    finally:
        leave(token)
