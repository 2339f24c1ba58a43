"""What a proxy can do to a request."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tests.support.faults import Rules

Kind: TypeAlias = Literal[
    "drop_request", "delay_request", "lose_reply", "lose_reply_silently", "cut_reply", "delay_reply"
]


@dataclass(frozen=True)
class ProxyRule:
    """One fault and the requests that it is for."""

    kind: Kind
    matching: bytes
    seconds: float = 0.0
    after_bytes: int = 0


class ProxyFaults:
    """Arms faults for the next `times` requests that contain `matching`."""

    def __init__(self, matching: bytes) -> None:
        self.matching = matching
        self.rules: Rules[ProxyRule] = Rules()

    def drop_request(self, times: int = 1, *, matching: bytes | None = None) -> None:
        """Close the connection before the server sees the request."""
        self._arm("drop_request", times, matching)

    def delay_request(
        self, seconds: float, times: int = 1, *, matching: bytes | None = None
    ) -> None:
        """Hold the request and forward it late, even if the client has gone meanwhile."""
        self._arm("delay_request", times, matching, seconds=seconds)

    def lose_reply(self, times: int = 1, *, matching: bytes | None = None) -> None:
        """Forward the request; once the server has answered, close without a word."""
        self._arm("lose_reply", times, matching)

    def lose_reply_silently(self, times: int = 1, *, matching: bytes | None = None) -> None:
        """Forward the request, swallow the answer; from then on the connection is a black hole."""
        self._arm("lose_reply_silently", times, matching)

    def cut_reply(self, after_bytes: int, times: int = 1, *, matching: bytes | None = None) -> None:
        """Forward the request, send so many bytes of the answer, then close."""
        self._arm("cut_reply", times, matching, after_bytes=after_bytes)

    def delay_reply(self, seconds: float, times: int = 1, *, matching: bytes | None = None) -> None:
        """Forward the request at once and the answer late."""
        self._arm("delay_reply", times, matching, seconds=seconds)

    def clear(self) -> None:
        """Forget the faults that no request has met."""
        self.rules.clear()

    @property
    def armed(self) -> int:
        """How many requests will still be broken."""
        return len(self.rules)

    def _arm(
        self,
        kind: Kind,
        times: int,
        matching: bytes | None,
        *,
        seconds: float = 0.0,
        after_bytes: int = 0,
    ) -> None:
        wanted = self.matching if matching is None else matching
        self.rules.arm(ProxyRule(kind, wanted, seconds, after_bytes), times)
