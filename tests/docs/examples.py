"""A pytest plugin that runs the examples: docstrings, and the code blocks of every page.

Python blocks of a page run in order and share names, with `server_url` as the URL of a
real server. In console blocks the lines that begin with `$ credits` run against that
server and must succeed; what follows them must be what they print. `make` and `pip` lines
are checked to name targets and extras that exist; CI runs them for real.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.evaluators.doctest import NUMBER
from sybil.parsers.doctest import DocTestParser
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from tests.support.servers import Server

if TYPE_CHECKING:
    from sybil import Example

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = set(PROJECT["project"]["optional-dependencies"])


class ConsoleParser(CodeBlockParser):
    """Runs ```console blocks."""

    language = "console"

    def evaluate(self, example: Example) -> str | None:
        for command, expected in _steps(example.parsed):
            _check(command, expected, example.namespace)
        return None


def _steps(block: str) -> list[tuple[str, str]]:
    steps: list[tuple[str, str]] = []
    for line in block.strip("\n").splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], ""))
        elif steps:
            command, output = steps[-1]
            steps[-1] = (command, output + line + "\n")
    assert steps, "a console block has no line that begins with '$ '"
    return steps


def _check(command: str, expected: str, namespace: dict[str, Any]) -> None:
    words = shlex.split(command, comments=True)
    if words[0] == "make":
        dry = [word for word in words if word != "-n"]
        subprocess.run([*dry, "-n"], cwd=ROOT, check=True, capture_output=True)
    elif words[:2] == ["pip", "install"]:
        for word in words[2:]:
            if found := re.fullmatch(r"credits-sdk\[([\w,]+)\]", word):
                assert set(found[1].split(",")) <= EXTRAS, word
    elif words[0] == "credits":
        _run_credits(command, expected, namespace)
    elif words[0] == "export":
        name, _, value = words[1].partition("=")
        namespace.setdefault("environment", {})[name] = value
    else:
        assert words[0] in {"git", "cd", "uvicorn", "curl"}, f"nobody runs {command!r}"


def _run_credits(command: str, expected: str, namespace: dict[str, Any]) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "CREDITS_URL": namespace["server_url"], "NO_COLOR": "1"}
    done = subprocess.run(
        ["/bin/sh", "-c", command], check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
    if expected.strip():
        pattern = re.escape(expected.strip()).replace(re.escape("…"), ".*")
        assert re.fullmatch(pattern, done.stdout.strip(), re.DOTALL), (
            f"{command} printed\n{done.stdout}\nnot\n{expected}"
        )


def _start(namespace: dict[str, Any]) -> None:
    server = Server().start()
    namespace["server_url"] = server.url
    namespace["_server"] = server


def _stop(namespace: dict[str, Any]) -> None:
    namespace["_server"].close()


_pages = Sybil(
    path=str(ROOT),
    parsers=[PythonCodeBlockParser(), ConsoleParser(), SkipParser()],
    patterns=["README.md", "docs/**/*.md"],
    setup=_start,
    teardown=_stop,
)
_docstrings = Sybil(
    path=str(ROOT),
    parsers=[DocTestParser(optionflags=NUMBER)],
    patterns=["credits_*/**/*.py", "credits_*/*.py"],
    document_types={".py": PythonDocStringDocument},
)

pytest_collect_file = (_pages + _docstrings).pytest()
