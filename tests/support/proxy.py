"""A TCP proxy in front of a server that breaks chosen requests at the level of bytes."""

import asyncio
import ssl
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from tests.support.link import Link
from tests.support.ports import HOST, bound_socket
from tests.support.proxy_rules import ProxyFaults, ProxyRule
from tests.support.servers import Server
from tests.support.threads import LoopThread

if TYPE_CHECKING:
    import socket


class Proxy(ProxyFaults):
    """Forwards between clients and `upstream`, breaks what it is told to, and counts.

    A request is what a client writes in one go (a pipeline is one) and contains `matching`, the
    proxy's own or the fault's. All else passes untouched: HELLO, AUTH, SELECT, PING.
    """

    def __init__(
        self,
        upstream: Server | tuple[str, int],
        *,
        matching: bytes = b"EVAL",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(matching)
        self.upstream = (HOST, upstream.port) if isinstance(upstream, Server) else upstream
        self.port = 0
        self.connections = 0  # accepted so far
        self.requests = 0  # with the proxy's own `matching`, so far
        password = upstream.password if isinstance(upstream, Server) else None
        self._userinfo = f":{password}@" if password else ""
        self._tls = tls
        self._thread: LoopThread | None = None
        self._listener: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._links: set[Link] = set()
        self._busy = 0
        self._idle = threading.Event()
        self._idle.set()

    @property
    def url(self) -> str:
        return f"{'rediss' if self._tls else 'redis'}://{self._userinfo}{HOST}:{self.port}/0"

    @property
    def open_connections(self) -> int:
        return len(self._links)

    def refuse(self) -> None:
        """Refuse new connections, as a port does on which nobody listens."""
        self._loop.run(self._refuse())

    def accept(self) -> None:
        """Accept connections (again), on the same port."""
        self._loop.run(self._listen())

    def disconnect(self) -> None:
        """Break every connection that is open."""
        self._loop.run(self._abort_links())

    def wait_idle(self, seconds: float = 5.0) -> None:
        """Block until no request is held back, under way or unanswered by the server."""
        if not self._idle.wait(seconds):
            raise TimeoutError(f"requests are still under way after {seconds} s")

    def start(self) -> Self:
        self._thread = LoopThread("proxy")
        self._reserve_port()
        self.accept()
        return self

    def stop(self) -> None:
        if self._thread is None:
            return
        self._loop.run(self._close_listener())
        self._loop.run(self._abort_links())
        self._thread.close()
        self._thread = None
        if self._reserved:
            self._reserved.close()
            self._reserved = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def rule_for(self, request: bytes) -> ProxyRule | None:
        """Count the request; say what is to happen to it."""
        self.requests += self.matching in request
        return self.rules.take(request)

    def busy(self, by: int) -> None:
        """Keep count of what is under way."""
        self._busy += by
        if self._busy:
            self._idle.clear()
        else:
            self._idle.set()

    @property
    def _loop(self) -> LoopThread:
        assert self._thread is not None, "the proxy is not running"
        return self._thread

    def _reserve_port(self) -> None:
        # Bound and not listening: connections are refused, and nobody else gets the port.
        if self._reserved is None:
            self._reserved = bound_socket(self.port)
            self.port = self._reserved.getsockname()[1]

    async def _refuse(self) -> None:
        # In the loop: of several threads that refuse at once, one reserves.
        await self._close_listener()
        self._reserve_port()

    async def _listen(self) -> None:
        if self._reserved is not None:
            sock, self._reserved = self._reserved, None
            self._listener = await asyncio.start_server(self._serve, sock=sock, ssl=self._tls)

    async def _close_listener(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            await asyncio.sleep(0)

    async def _abort_links(self) -> None:
        for link in list(self._links):
            link.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            server = await asyncio.open_connection(*self.upstream)
        except OSError:
            writer.transport.abort()
            return
        link = Link(self, (reader, writer), server)
        self._links.add(link)
        try:
            await link.run()
        except asyncio.CancelledError:
            pass  # the proxy stops
        finally:
            self._links.discard(link)
