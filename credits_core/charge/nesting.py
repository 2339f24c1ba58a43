"""The charge that the code which runs now is paid by, so that nothing is paid twice."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextvars import Token

    from credits_core.charge.charge import Charge

__all__ = ["current_charge", "enter", "inside", "leave"]

_current: ContextVar[Charge | None] = ContextVar("credits_charge", default=None)


def current_charge() -> Charge | None:
    """The charge that pays for what runs now, or None.

    It travels as context variables do: into calls, tasks, and threads that copy the context.

    >>> current_charge() is None
    True
    """
    charge = _current.get()
    return charge if charge is not None and charge.open else None


def enter(charge: Charge) -> Token[Charge | None]:
    """Let what runs from now on be paid by `charge`."""
    return _current.set(charge)


def leave(token: Token[Charge | None]) -> None:
    """Undo `enter`."""
    # A generator may be closed in another context than the one it ran in; that one is gone.
    with suppress(ValueError):
        _current.reset(token)


@contextmanager
def inside(charge: Charge) -> Iterator[None]:
    """Run a block that `charge` pays for."""
    token = enter(charge)
    try:
        yield
    finally:
        leave(token)
