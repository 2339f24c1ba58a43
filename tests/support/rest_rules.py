"""What a REST server in tests can do to a request."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tests.support.faults import Rules

Kind: TypeAlias = Literal["drop_request", "lose_reply", "status", "garbage_json", "delay"]


@dataclass(frozen=True)
class RestRule:
    """One fault, the requests that it is for, and whether their commands run all the same."""

    kind: Kind
    matching: bytes
    execute: bool = True
    code: int = 200
    body: str = ""
    seconds: float = 0.0


class RestFaults:
    """Arms faults for the next `times` POSTs whose body contains `matching`."""

    def __init__(self) -> None:
        self.rules: Rules[RestRule] = Rules()

    def drop_request(self, times: int = 1, *, matching: bytes = b"") -> None:
        """Close the socket; nothing is executed."""
        self.rules.arm(RestRule("drop_request", matching, execute=False), times)

    def lose_reply(self, times: int = 1, *, matching: bytes = b"") -> None:
        """Execute, then close the socket without a response."""
        self.rules.arm(RestRule("lose_reply", matching), times)

    def status(
        self,
        code: int,
        body: str = "<html>Bad Gateway</html>",
        *,
        execute: bool = False,
        times: int = 1,
        matching: bytes = b"",
    ) -> None:
        """Answer with this status and body, before (or after) executing."""
        self.rules.arm(RestRule("status", matching, execute=execute, code=code, body=body), times)

    def garbage_json(self, times: int = 1, *, execute: bool = True, matching: bytes = b"") -> None:
        """Answer 200 with a body that breaks off in the middle of its JSON."""
        self.rules.arm(RestRule("garbage_json", matching, execute=execute), times)

    def delay(
        self, seconds: float, times: int = 1, *, execute: bool = False, matching: bytes = b""
    ) -> None:
        """Wait, then execute (even if the client has gone), or execute first and then wait."""
        rule = RestRule("delay", matching, execute=execute, seconds=seconds)
        self.rules.arm(rule, times)

    def clear(self) -> None:
        """Forget the faults that no request has met."""
        self.rules.clear()

    @property
    def armed(self) -> int:
        """How many requests will still be broken."""
        return len(self.rules)
