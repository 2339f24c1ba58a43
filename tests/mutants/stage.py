"""What a killer works with: one client, the store behind it, and a clock that can be moved."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from credits_core import BackendUnavailableError
from credits_core.command import Failure
from credits_core.commands import SignUp
from tests.support import moving_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

    from credits_core import Credits, CreditsError
    from credits_core.command import Call, Command
    from credits_core.keys import KeySpace

SECOND = 1_000
DAY = 86_400_000
NOBODY = SignUp()
"""The app signs users up itself."""


@dataclass(frozen=True)
class Stage:
    """An empty store at the start of every killer."""

    credits: Credits
    raw: redis.Redis
    url: str

    def clear(self) -> None:
        self.raw.flushdb()
        self.credits.get_account("nobody")

    def move(self, ms: int) -> None:
        """Let time pass on the server, and let the client hear of it."""
        self.raw.incrby(moving_clock.KEY, ms)
        self.credits.get_account("nobody")

    @property
    def keys(self) -> KeySpace:
        return self.credits._keys

    def now(self) -> int:
        return self.credits._executor.now_ms()

    def run(self, command: Command[Any]) -> Any:
        return self.credits._executor.run(command)

    def answer(self, command: Command[Any], deadline: int) -> Any:
        """The bare reply to a command that carries this deadline."""
        return self.reply(command.bind(deadline))

    def reply(self, call: Call) -> Any:
        reply = self.credits._backend.execute((call,), 5.0)[0]
        if isinstance(reply, Failure):
            raise BackendUnavailableError(reply.reason)
        return reply

    def log(self, user: str) -> list[dict[str, Any]]:
        """The entries, oldest first."""
        return [json.loads(member) for member in self.raw.zrange(f"txs:{user}", 0, -1)]

    def stored(self, user: str) -> int:
        return int(self.raw.get(f"balance:{user}") or 0)

    def sound(self, user: str) -> int:
        """The balance, which is what the log says."""
        total = sum(entry["amount"] for entry in self.log(user))
        assert self.stored(user) == total, "the balance is the sum of the log"
        return total

    def remaining(self, user: str) -> list[int]:
        """What remains of each grant, in the order in which they burn."""
        return [grant.remaining for grant in self.credits.get_account(user).grants]

    def foreign(self, user: str, amount: int, score: float | None = None, /, **more: Any) -> str:
        """The id of an entry as the TypeScript SDK writes it, or as `more` has it."""
        at = self.now() if score is None else score
        number = self.raw.incr("test:number")
        tx_id = f"tx_{int(at)}_f{number}"
        member = {"id": tx_id, "amount": amount, "action": "x", "timestamp": at, **more}
        self.raw.incrby(f"balance:{user}", amount)
        self.raw.zadd(f"txs:{user}", {json.dumps(member): at})
        return tx_id

    def grants(self, user: str) -> list[str]:
        """The names of the grants, in the order in which they burn."""
        return [str(name) for name in self.raw.zrange(f"credits:grants:{user}", 0, -1)]

    def everything(self) -> dict[str, Any]:
        """All that is stored."""
        look: dict[str, Callable[[str], Any]] = {
            "string": self.raw.get,
            "hash": self.raw.hgetall,
            "zset": lambda key: self.raw.zrange(key, 0, -1, withscores=True),
        }
        return {key: look[self.raw.type(key)](key) for key in map(str, self.raw.keys("*"))}


KILLERS: list[Callable[[Stage], None]] = []


def killer(check: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """Have this run against every mutant."""
    KILLERS.append(check)
    return check


@contextmanager
def refused(kind: type[CreditsError], **told: Any) -> Iterator[list[CreditsError]]:
    """What is done here is refused with this error, which says so much."""
    errors: list[CreditsError] = []
    try:
        yield errors
    except kind as error:
        errors.append(error)
    assert errors, f"no {kind.__name__}"
    for name, value in told.items():
        assert getattr(errors[0], name) == value, f"{name} is {getattr(errors[0], name)!r}"
