"""A real uvicorn around an app, for the tests of the adapter."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn
from fastapi import FastAPI

_START_SECONDS = 10.0


class Served:
    """An app behind a real uvicorn on a free port, in a thread of its own."""

    def __init__(self, app: Any, *, graceful_seconds: int = 5) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="info",  # of the process: another server may have lowered it
            access_log=False,
            ws="auto",
            lifespan="on",
            timeout_graceful_shutdown=graceful_seconds,
        )
        self.server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self.server.run, args=([self._socket],))
        # A connection a request: a server hangs up after some answers, at once or a little later.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=10, limits=limits)

    def stop(self) -> None:
        """Shut the server down in good order."""
        self.server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server did not end"

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self.server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.005)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()
        self.stop()
        self._socket.close()


@contextmanager
def client_of(app: Any) -> Iterator[httpx.Client]:
    """A client of the app, served for as long as the block."""
    with Served(app) as served:
        yield served.http


def test_an_app_is_served_and_ends() -> None:
    app = FastAPI()
    app.add_api_route("/", lambda: {"served": True})
    with Served(app) as served:
        assert served.http.get("/").json() == {"served": True}
