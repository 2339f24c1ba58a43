"""The vocabulary between what is asked and what is sent: calls, replies, failures, commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core.scripts import Script

T_co = TypeVar("T_co", covariant=True)

Reply: TypeAlias = Any
"""What Redis answered: str, int, None, and lists of these. Bulk strings come as str."""


class Call(NamedTuple):
    """One thing to send: a script with its keys and arguments, or, without a script, a command.

    All words are str, as they go to the store. Without a script, `args` is the whole
    command (`("SCAN", "0")`) and `keys` is empty.
    """

    script: Script | None
    keys: tuple[str, ...]
    args: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that brought no reply.

    `executed` is `"no"` when the store surely did not execute it: never sent, or answered
    with an error whose code says so, such as `LOADING`, `OOM` or `NOPERM`, which stop a
    script only before its first write. It is `"unknown"` after anything else, a bare `ERR`
    included, which a proxy may send after the command ran; asking again is safe. `reason`
    is for people and holds no secret.
    """

    executed: Literal["no", "unknown"]
    reason: str


class Command(NamedTuple, Generic[T_co]):
    """One operation on one account: what to send, and what its reply means.

    `timed` puts a deadline (ms, server time) before the arguments. `witness` asks
    afterwards whether the operation happened; None for what may simply be repeated.
    """

    name: str
    user_id: str
    call: Call
    decode: Callable[[Reply], T_co]
    timed: bool = False
    writes: bool = False
    witness: Call | None = None
    tx_id: str | None = None

    def bind(self, deadline_ms: int) -> Call:
        """The call to send, with its deadline where it takes one."""
        if not self.timed:
            return self.call
        call = self.call
        return Call(call.script, call.keys, (str(deadline_ms), *call.args))
