"""An Upstash-compatible REST server for tests, in front of a real Redis or Valkey."""

import asyncio
import socket
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.support.ports import HOST, bound_socket
from tests.support.rest_app import RestApp
from tests.support.threads import LoopThread

if TYPE_CHECKING:
    from concurrent.futures import Future

_START_SECONDS = 10.0
MAX_REQUEST_BYTES = 10_000_000


class _Protocol(H11Protocol):
    """Lets the application reach its transport, so that it can hang up; keeps no log."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False  # whatever other servers of this process have set up

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Uvicorn(uvicorn.Server):
    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        await self._serve(sockets)  # without its signal handlers: this is a guest's thread


class RestServer(RestApp):
    """Runs in a thread of its own; keeps its port when it is stopped and started again."""

    def __init__(
        self,
        url: str,
        token: str = "test-token",
        *,
        port: int = 0,
        max_request_bytes: int = MAX_REQUEST_BYTES,
    ) -> None:
        super().__init__(url, token, max_request_bytes)
        self.token = token
        self.port = port
        self._thread: LoopThread | None = None
        self._uvicorn: _Uvicorn | None = None
        self._serving: Future[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> Self:
        listening = bound_socket(self.port)
        self.port = listening.getsockname()[1]
        self._uvicorn = _Uvicorn(
            uvicorn.Config(
                self,
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                date_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=0,
            )
        )
        self._thread = LoopThread("rest")
        self._serving = self._thread.begin(self._uvicorn.serve([listening]))
        deadline = time.monotonic() + _START_SECONDS
        while not self._uvicorn.started:
            if self._serving.done() or time.monotonic() > deadline:
                raise RuntimeError("the REST server did not start") from self._serving.exception()
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """Close the port and every connection."""
        if self._thread is None or self._uvicorn is None or self._serving is None:
            return
        self._uvicorn.should_exit = True
        self._serving.result(_START_SECONDS)
        self._thread.run(self._close_upstream())
        self._thread.close()
        self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def _close_upstream(self) -> None:
        self.close_connections()
