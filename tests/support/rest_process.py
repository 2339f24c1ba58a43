"""The REST server in a process of its own, without faults: in a benchmark it needs its own core."""

import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.support.ports import HOST, free_port
from tests.support.processes import reap, spawn
from tests.support.rest import RestServer

if TYPE_CHECKING:
    import subprocess

_START_SECONDS = 10.0


class RestProcess:
    """Runs `RestServer` as a child for as long as the context lasts."""

    def __init__(self, url: str, token: str = "test-token") -> None:
        self.token = token
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.pid = 0
        self._folder = Path(tempfile.mkdtemp(prefix="credits-rest-"))
        self._command = [sys.executable, "-m", __name__, url, token, str(self.port)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        log = self._folder / "rest.log"
        self._process = spawn(self._command, log)
        self.pid = self._process.pid
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError("the REST server did not start")
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            reap(self._process)
        shutil.rmtree(self._folder, ignore_errors=True)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def main(url: str, token: str, port: str) -> None:
    """Serve until this process is killed."""
    with RestServer(url, token, port=int(port)):
        threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
