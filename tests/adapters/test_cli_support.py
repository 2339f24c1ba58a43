"""Runs the command line as a process of its own."""

import os
import subprocess
import sys

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
    done = subprocess.run(
        [*PROGRAM, *args], input=data, capture_output=True, env=given, timeout=60, check=False
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
