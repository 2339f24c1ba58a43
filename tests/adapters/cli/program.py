"""Runs the command line as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.support.warm import run_warm

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.servers import Server

PROGRAM = [sys.executable, "-W", "error", "-m", "credits_core.cli"]


def environment(**extra: str) -> dict[str, str]:
    """This process's environment without a store in it."""
    ours = ("CREDITS_", "UPSTASH_", "REDIS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, **extra}


def run(
    *args: str, url: str | None = None, stdin: str | bytes = b"", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run `credits` and wait for its end; `url` goes by the environment."""
    given = environment(**({"CREDITS_URL": url} if url else {}), **env)
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = run_warm(PROGRAM[-1], args, data, given)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def run_until(
    comes_about: Callable[[], bool], *args: str, url: str
) -> subprocess.CompletedProcess[str]:
    """Run `credits` and press Ctrl-C as soon as something has come about."""
    program = subprocess.Popen(
        [*PROGRAM, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(CREDITS_URL=url),
        text=True,
    )
    deadline = time.monotonic() + 20
    while not comes_about():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.002)
    program.send_signal(signal.SIGINT)
    out, errors = program.communicate(timeout=20)
    return subprocess.CompletedProcess(program.args, program.returncode, out, errors)


def said(server: Server, *words: str) -> str:
    """What a run prints that goes well."""
    done = run(*words, url=server.url)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def document(server: Server, *words: str) -> Any:
    """The same as JSON."""
    return json.loads(said(server, *words, "--json"))


def refusal(server: Server, *words: str, code: int = 1) -> str:
    """The one line of a run that is refused."""
    done = run(*words, url=server.url)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1
    return done.stderr
