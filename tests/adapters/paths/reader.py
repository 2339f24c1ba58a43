"""A client on a bare socket, which can leave when it likes."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tests.adapters.paths.sites import Site


class Reader:
    """Sends one request, reads as much of the answer as it wants, and hangs up."""

    def __init__(
        self, site: Site, path: str, user: str, *, method: str = "GET", key: str | None = None
    ) -> None:
        where = urlsplit(site.url)
        assert where.hostname is not None
        assert where.port is not None
        self._socket = socket.create_connection((where.hostname, where.port), 10)
        lines = [f"{method} {path} HTTP/1.1", "Host: site", f"X-User: {user}"]
        if key is not None:
            lines.append(f"Idempotency-Key: {key}")
        if method == "POST":
            lines.append("Content-Length: 0")
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
        self.seen = b""

    def read_until(self, text: str) -> bytes:
        """Read until the answer has this in it."""
        while text.encode() not in self.seen:
            more = self._socket.recv(65536)
            assert more, f"the answer ended without {text!r}: {self.seen!r}"
            self.seen += more
        return self.seen

    def read_all(self) -> bytes:
        """Read until the server hangs up."""
        while more := self._socket.recv(65536):
            self.seen += more
        return self.seen

    def leave(self) -> None:
        """Hang up at once, as a process that dies does."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
