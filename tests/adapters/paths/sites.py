"""Apps under test, each behind the server that people run it with, in a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

from tests.adapters.paths.contract import FOLDER, LEASE, STORE
from tests.support.ports import HOST, free_port
from tests.support.processes import reap, spawn

if TYPE_CHECKING:
    import subprocess

_START_SECONDS = 20.0


@dataclass(frozen=True)
class Framework:
    """An app of `contract`: its name, and the command that serves it, before the address."""

    name: str
    command: tuple[str, ...]
    address: tuple[str, ...] = ("--port", "{port}")
    cancels: bool = False
    """Whether it breaks off the work of a client that has left before the answer."""


def _uvicorn(module: str) -> tuple[str, ...]:
    return ("-m", "uvicorn", f"tests.adapters.paths.{module}:app", "--log-level", "warning")


def _gunicorn(name: str, module: str, *options: str) -> Framework:
    command = ("-m", "gunicorn", f"tests.adapters.paths.{module}:app", "--log-level", "warning")
    return Framework(name, (*command, *options), ("--bind", f"{HOST}:{{port}}"))


FRAMEWORKS = (
    Framework("fastapi", _uvicorn("app_fastapi")),
    _gunicorn("flask_sync", "app_flask", "--workers", "4"),
    _gunicorn("flask_gthread", "app_flask", "--threads", "8"),
    _gunicorn("flask_gevent", "app_flask", "--worker-class", "gevent"),
    _gunicorn("django_wsgi_sync", "app_django_wsgi", "--workers", "4"),
    _gunicorn("django_wsgi_gthread", "app_django_wsgi", "--threads", "12"),
    _gunicorn("django_wsgi_gevent", "app_django_wsgi", "--worker-class", "gevent"),
    Framework("django_asgi", _uvicorn("app_django_asgi"), cancels=True),
)


class Site:
    """A server process of a framework's app; its port stays the same from start to start."""

    def __init__(self, framework: Framework, store: str, *, lease: float = 60) -> None:
        self.name = framework.name
        self.cancels = framework.cancels
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        # A connection a request: servers hang up after some answers, at once or a little later.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=15, limits=limits)
        self._folder = Path(tempfile.mkdtemp(prefix="credits-site-"))
        self._log = self._folder / "site.log"
        address = (word.format(port=self.port) for word in framework.address)
        self._command = [sys.executable, *framework.command, *address]
        self._env = {STORE: store, LEASE: str(lease), FOLDER: str(self._folder)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What the server has written."""
        return self._log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def get(self, path: str, user: str, **more: Any) -> httpx.Response:
        """GET as a user."""
        return self.http.get(path, headers={"X-User": user}, **more)

    def post(self, path: str, user: str, key: str | bytes, body: str = "hello") -> httpx.Response:
        """POST as a user, with an Idempotency-Key."""
        return self.http.post(path, headers={"X-User": user, "Idempotency-Key": key}, content=body)

    def start(self) -> Self:
        """Start the server, and return once it listens."""
        self._process = spawn(self._command, self._log, env={**os.environ, **self._env})
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log[-3000:]}")
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """End the server, and its workers, with SIGKILL."""
        if self._process is not None:
            with suppress(ProcessLookupError):  # it has ended, and so have they
                os.killpg(self.pid, signal.SIGKILL)
            reap(self._process)
            self._process = None

    def stop(self) -> None:
        """Let the server end in good order."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_START_SECONDS)
        self.kill()

    def freeze(self) -> None:
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.http.close()
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
