"""The vocabulary between what is asked and what is sent: calls, replies, failures, commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core.models import Receipt
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

    `timed` puts a deadline (ms, server time) before the arguments. Of what is `witnessed`
    the script looks for an earlier execution before it looks at the deadline, so that the
    same call with a deadline in the past asks whether it happened, and does nothing.
    `receipt` is what the reply means as a receipt, where `decode` makes something else of it.
    """

    name: str
    user_id: str
    call: Call
    decode: Callable[[Reply], T_co]
    timed: bool = False
    writes: bool = False
    witnessed: bool = False
    tx_id: str | None = None
    receipt: Callable[[Reply], Receipt] | None = None

    def bind(self, deadline_ms: int) -> Call:
        """The call to send, with its deadline where it takes one."""
        if not self.timed:
            return self.call
        call = self.call
        return Call(call.script, call.keys, (str(deadline_ms), *call.args))

    def asked(self) -> Command[Receipt]:
        """The command as it is asked for later, when only its receipt is wanted."""
        command = cast("Command[Receipt]", self)
        return command if self.receipt is None else command._replace(decode=self.receipt)

    def question(self) -> Call:
        """The call that asks whether this very operation happened: `late` says that it did not."""
        return self.bind(0)
