"""Where a reconciliation of all accounts broke off, for the call that goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from credits_core import decoding, scripts
from credits_core.command import Call, Command

if TYPE_CHECKING:
    from credits_core.command import Reply
    from credits_core.keys import KeySpace

KEPT_SECONDS: Final = 7 * 86_400
"""For how long it is kept: who comes later begins anew."""


def sweep_place(keys: KeySpace) -> Command[str]:
    """Ask where the last reconciliation broke off; `""` is the beginning."""
    return _command(keys, ("tell",))


def keep_sweep_place(keys: KeySpace, place: str) -> Command[str]:
    """Keep where this one did."""
    return _command(keys, ("keep", place, str(KEPT_SECONDS)))


def _command(keys: KeySpace, args: tuple[str, ...]) -> Command[str]:
    return Command("reconcile", "", Call(scripts.SWEEP, (keys.sweep(),), args), _decode)


def _decode(reply: Reply) -> str:
    return str(decoding.accepted(reply, user_id="")[2])
