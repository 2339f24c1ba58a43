"""Child processes that never outlive the tests, not even tests that are killed.

A watchdog process holds the ids of the children and reads from a pipe; when the pipe closes, for
whatever reason, it kills them and removes the folders that they logged to.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_WATCHDOG = """
import os, shutil, sys
folders = {}
for line in sys.stdin:
    sign, pid, folder = line.rstrip("\\n").split(" ", 2)
    if sign == "+":
        folders[int(pid)] = folder
    else:
        folders.pop(int(pid), None)
for pid, folder in folders.items():
    try:
        os.kill(pid, 9)
    except OSError:
        pass
    shutil.rmtree(folder, ignore_errors=True)
"""


class _Nursery:
    """The children of this process, and the watchdog over them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._watchdog: subprocess.Popen[bytes] | None = None

    def spawn(
        self, args: Sequence[str], log: Path, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            watchdog = self._watch()
            with log.open("ab") as output:
                child = subprocess.Popen(
                    args,
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C reaches the tests, not the servers
                )
            self._children[child.pid] = child
            self._tell(watchdog, f"+ {child.pid} {log.parent}\n")
            return child

    def reap(self, child: subprocess.Popen[bytes]) -> None:
        """Kill the child if it lives, wait for its end and forget it."""
        child.kill()
        child.wait()
        with self._lock:
            self._children.pop(child.pid, None)
            if self._watchdog:
                self._tell(self._watchdog, f"- {child.pid} \n")

    def close(self) -> None:
        if os.getpid() != self._owner:  # a fork leaves its parent's children alone
            return
        for child in list(self._children.values()):
            self.reap(child)
        if self._watchdog:
            self._watchdog.communicate()
            self._watchdog = None

    def _watch(self) -> subprocess.Popen[bytes]:
        if self._watchdog is None:
            self._watchdog = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _WATCHDOG],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )
        return self._watchdog

    @staticmethod
    def _tell(watchdog: subprocess.Popen[bytes], line: str) -> None:
        assert watchdog.stdin is not None
        watchdog.stdin.write(line.encode())
        watchdog.stdin.flush()


_nursery = _Nursery()
atexit.register(_nursery.close)

spawn = _nursery.spawn
reap = _nursery.reap
