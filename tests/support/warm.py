"""Python programs that begin with the library loaded: a fork of a process that has nothing else.

What a program does is the same; only the import, most of the time of a short one, is done once.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["credits_core.cli.app", "redis.asyncio", "sqlalchemy", __name__])


def run_warm(
    module: str,
    args: Sequence[str],
    stdin: bytes = b"",
    env: Mapping[str, str] = os.environ,
    timeout: float = 60,
) -> subprocess.CompletedProcess[bytes]:
    """What `python -W error -m module args` comes to, in this folder and with this `env`."""
    with tempfile.TemporaryDirectory(prefix="credits-warm-") as folder:
        given, out, errors = (Path(folder, name) for name in ("stdin", "stdout", "stderr"))
        given.write_bytes(stdin)
        streams = [(str(given), os.O_RDONLY), *((str(one), _WRITTEN) for one in (out, errors))]
        process = _processes.Process(
            target=_main, args=(module, list(args), streams, dict(env), str(Path.cwd()))
        )
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired([module, *args], timeout)
        code = process.exitcode
        process.close()
        return subprocess.CompletedProcess(
            [module, *args], code, out.read_bytes(), errors.read_bytes()
        )


_WRITTEN = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def _main(
    module: str,
    args: list[str],
    streams: list[tuple[str, int]],
    env: dict[str, str],
    folder: str,
) -> None:
    for number, (path, flags) in enumerate(streams):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    warnings.simplefilter("error")
    sys.argv = [module, *args]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
