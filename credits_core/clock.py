"""What the server's clock says now, estimated from its replies."""

from __future__ import annotations

import time


def monotonic_ms() -> float:
    """Local time in ms; it never jumps."""
    return time.monotonic() * 1000


class ServerClock:
    """Follows the server's clock: every reply says what it was between sending and receiving.

    >>> clock = ServerClock()
    >>> clock.observe(server_ms=5_000_000, sent=100, received=140)
    >>> clock.at(140)
    5000000
    """

    __slots__ = ("_offset",)

    def __init__(self) -> None:
        self._offset: float | None = None

    @property
    def known(self) -> bool:
        """Whether the server has been heard yet."""
        return self._offset is not None

    def observe(self, server_ms: float, sent: float, received: float) -> None:
        """Take the server's time from a reply; `sent` and `received` are local (ms)."""
        lowest, highest = server_ms - received, server_ms - sent
        offset = self._offset
        # Clamped into what this reply allows: a slow reply tells little and moves little,
        # a step of the server's clock is followed at once.
        if offset is None or offset < lowest:
            self._offset = lowest
        elif offset > highest:
            self._offset = highest

    def at(self, local_ms: float) -> int:
        """The server's time (ms since the epoch) at a local time (ms)."""
        if self._offset is None:
            return int(time.time() * 1000 - monotonic_ms() + local_ms)
        return int(self._offset + local_ms)

    def now_ms(self) -> int:
        """The server's time now (ms since the epoch)."""
        return self.at(monotonic_ms())
