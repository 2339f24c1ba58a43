"""gunicorn over `served`, in processes of its own."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

import httpx

from tests.support.ports import HOST, free_port
from tests.support.processes import reap, spawn

if TYPE_CHECKING:
    from collections.abc import Mapping


class Gunicorn:
    """The app of `served`, with these variables and options, for as long as a block."""

    def __init__(self, variables: Mapping[str, str], *options: str) -> None:
        self._url = f"http://{HOST}:{free_port()}"
        limits = httpx.Limits(max_keepalive_connections=0)  # no worker waits for more of us
        self._http = httpx.Client(base_url=self._url, trust_env=False, timeout=15, limits=limits)
        self._folder = Path(tempfile.mkdtemp(prefix="credits-gunicorn-"))
        self._log = self._folder / "gunicorn.log"
        bind = ["--bind", self._url.removeprefix("http://")]
        app = "tests.adapters.flask_apps.served:app"
        command = [sys.executable, "-m", "gunicorn", *bind, *options, app]
        self._process = spawn(command, self._log, env={**os.environ, **variables})

    def post(self, path: str, user: str) -> httpx.Response:
        """POST as a user, on a connection of its own."""
        return self._http.post(path, headers={"X-User": user})

    def __enter__(self) -> Self:
        deadline = time.monotonic() + 20
        while True:
            with suppress(httpx.TransportError):
                self._http.get("/")
                return self
            ended = self._process.poll() is not None or time.monotonic() > deadline
            assert not ended, self._log.read_text()
            time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        self._http.close()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        reap(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)
