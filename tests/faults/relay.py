"""A proxy that answers scripts in the server's place, after it forwarded them or instead."""

from __future__ import annotations

import re
import socket
import threading
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.faults.helpers import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Server

_SCRIPT = re.compile(rb"\r\nEVAL(?:SHA)?\r\n")


class Relay:
    """Passes bytes on, but answers requests that run scripts as it is told."""

    def __init__(self, server: Server, port: int) -> None:
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        self._server = server
        self._answers: deque[tuple[bytes, bool]] = deque()

    def answer(self, line: bytes, *, execute: bool, times: int = 1) -> None:
        """Answer each script of the next requests with `line`, executed or not."""
        self._answers.extend([(line + b"\r\n", execute)] * times)

    def clear(self) -> None:
        self._answers.clear()

    def chat(self, client: socket.socket) -> None:
        upstream = socket.create_connection(("127.0.0.1", self._server.port))
        with suppress(OSError), client, upstream:
            while request := client.recv(1 << 20):
                scripts = len(_SCRIPT.findall(request))
                line, execute = b"", True
                if scripts and self._answers:
                    line, execute = self._answers.popleft()
                reply = b""
                if execute:
                    upstream.sendall(request)
                    reply = upstream.recv(1 << 20)
                client.sendall(line * scripts or reply)


@contextmanager
def relayed(server: Server) -> Iterator[Relay]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        relay = Relay(server, listener.getsockname()[1])

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=relay.chat, args=(client,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield relay
        listener.shutdown(socket.SHUT_RDWR)
