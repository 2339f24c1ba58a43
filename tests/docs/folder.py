"""Where a page is followed to the letter: a folder, a program that serves, and curl."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import httpx

from tests.support.ports import HOST, free_port
from tests.support.processes import reap, spawn

_START_SECONDS = 20.0

# What pages show; here every program gets a free port of its own.
_SHOWN_ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):(?:5000|8000)\b")


class Folder:
    """The folder of a page's reader. Each page has its own; one program runs at a time."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="credits-page-"))
        here = str(Path(sys.executable).parent)
        self.environment = {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}", **environment}
        self._program: subprocess.Popen[bytes] | None = None
        self.address = ""

    def write(self, name: str, text: str, *, append: bool = False) -> None:
        """A file as the page shows it."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.read_text() + "\n" if append else ""
        target.write_text(before + text)

    def run(self, command: str) -> str:
        """Run a command that ends; answer what it printed on stdout."""
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            check=False,
            capture_output=True,
            text=True,
            cwd=self.path,
            env={**self.environment, "NO_COLOR": "1"},
        )
        assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
        return done.stdout

    def serve(self, words: list[str]) -> None:
        """Start uvicorn, gunicorn, `flask run` or runserver in place of what ran before."""
        self.end_program()
        port = free_port()
        self.address = f"http://{HOST}:{port}"
        where = ["--port", str(port)]
        if words[0] == "python":
            where = ["--noreload", str(port)]
        elif words[0] == "gunicorn":
            where = ["--bind", f"{HOST}:{port}"]
        settings = [f"{name}={value}" for name, value in self.environment.items()]
        # `spawn` makes sure of its end; `env` gives it the folder and the environment.
        line = f"cd {shlex.quote(str(self.path))} && exec {shlex.join([*words, *where])}"
        log = self.path / "program.log"
        self._program = spawn(["/usr/bin/env", *settings, "/bin/sh", "-c", line], log)
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(port):
            ended = self._program.poll() is not None
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{shlex.join(words)} did not start:\n{log.read_text()}")
            time.sleep(0.02)

    def curl(self, words: list[str]) -> str:
        """What curl would print, of the few options that pages use."""
        parser = argparse.ArgumentParser("curl")
        parser.add_argument("url")
        parser.add_argument("-i", action="store_true")
        parser.add_argument("-X", dest="method")
        parser.add_argument("-H", dest="headers", action="append", default=[])
        parser.add_argument("--json", dest="body")
        asked = parser.parse_args(words)
        headers = dict(re.split(r":\s*", header, maxsplit=1) for header in asked.headers)
        if asked.body is not None:
            headers["Content-Type"] = "application/json"
        url, shown = _SHOWN_ADDRESS.subn(self.address, asked.url)
        assert shown == 1, f"pages show programs on port 8000 or 5000: {asked.url}"
        answer = httpx.request(
            asked.method or ("GET" if asked.body is None else "POST"),
            url,
            headers=headers,
            content=asked.body,
            trust_env=False,
            timeout=10,
        )
        if not asked.i:
            return answer.text
        told = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        return f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}\n{told}\n{answer.text}"

    def end_program(self) -> None:
        """End what serves, if anything does."""
        if self._program is not None:
            with suppress(ProcessLookupError):  # its workers with it
                os.killpg(self._program.pid, signal.SIGKILL)
            reap(self._program)
            self._program = None

    def close(self) -> None:
        """End what serves, and remove the folder."""
        self.end_program()
        shutil.rmtree(self.path, ignore_errors=True)


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
