"""A pytest plugin that runs the examples: docstrings, and the code blocks of every page.

A page is followed from top to bottom, in a folder of its own and with `CREDITS_URL` as the
URL of a real server:

- Python blocks run in order and share names (`server_url` is there, too). One whose first
  line is a comment with a file name, such as `# app.py`, is written to that file instead;
  `# app.py, continued` goes on with it.
- In console blocks every line that begins with `$ ` runs and must succeed; what follows it
  must be what it prints, where `…` stands for anything. `uvicorn`, `flask` and `python`
  (runserver) go on serving; `curl` asks them; other commands of `manage.py` end. Of `make` and
  `pip` lines the targets and the extras must exist; CI runs the targets themselves.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tomllib
from doctest import ELLIPSIS
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.evaluators.doctest import NUMBER
from sybil.integration.pytest import SybilItem
from sybil.parsers.doctest import DocTestParser
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser

from credits_core.config import ENVIRONMENT
from tests.docs.folder import Folder
from tests.support.servers import Server

if TYPE_CHECKING:
    from sybil import Document, Example, Region

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = set(PROJECT["project"]["optional-dependencies"])

_FILE = re.compile(r"# ([\w/]+\.\w+)(, continued)?\n+")


class PythonParser:
    """Runs ```python blocks, or writes them to the file that they name."""

    def __init__(self) -> None:
        self._blocks = PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)

    def __call__(self, document: Document) -> Any:
        for region in self._blocks(document):
            yield self._written(region)

    @staticmethod
    def _written(region: Region) -> Region:
        if isinstance(region.parsed, str) and (named := _FILE.match(region.parsed)):
            text = region.parsed[named.end() :]
            region.evaluator = partial(_write, named[1], text, append=bool(named[2]))
        return region


def _write(name: str, text: str, example: Example, *, append: bool) -> None:
    compile(text, name, "exec")
    example.namespace["folder"].write(name, text, append=append)


class ConsoleParser(CodeBlockParser):
    """Runs ```console blocks."""

    language = "console"

    def evaluate(self, example: Example) -> str | None:
        for command, expected in _steps(example.parsed):
            _check(command, expected, example.namespace["folder"])
        return None


def _steps(block: str) -> list[tuple[str, str]]:
    steps: list[tuple[str, str]] = []
    for line in block.strip("\n").replace(" \\\n", " ").splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], ""))
        elif steps:
            command, output = steps[-1]
            steps[-1] = (command, output + line + "\n")
    assert steps, "a console block has no line that begins with '$ '"
    return steps


def _check(command: str, expected: str, folder: Folder) -> None:
    words = shlex.split(command, comments=True)
    if words[0] == "make":
        subprocess.run([*words, "-n"], cwd=ROOT, check=True, capture_output=True)
    elif words[:2] == ["pip", "install"]:
        _check_extras(words[2:])
    elif words[0] == "credits":
        _compare(command, expected, folder.run(command))
    elif words[0] == "curl":
        _compare(command, expected, folder.curl(words[1:]))
    elif words[0] in {"uvicorn", "flask"} or "runserver" in words:
        folder.serve(words)
    elif words[:2] == ["python", "manage.py"]:
        _compare(command, expected, folder.run(command))
    elif words[0] == "export":
        # The page's own server stands in for the one that it names.
        known = {name for pair in ENVIRONMENT for name in pair}
        assert words[1].partition("=")[0] in known, f"nothing reads {words[1]!r}"
    else:
        assert words[0] in {"git", "cd", "mkdir"}, f"nobody runs {command!r}"


def _check_extras(requirements: list[str]) -> None:
    for requirement in requirements:
        if found := re.fullmatch(r"(?:credits-sdk|\.)(?:\[([\w,]+)\])?", requirement):
            assert set((found[1] or "all").split(",")) <= EXTRAS, requirement


def _compare(command: str, expected: str, printed: str) -> None:
    if expected.strip():
        pattern = re.escape(expected.strip()).replace(re.escape("…"), ".*")
        assert re.fullmatch(pattern, printed.strip(), re.DOTALL), (
            f"{command} printed\n{printed}\nnot\n{expected}"
        )


def _start(namespace: dict[str, Any]) -> None:
    names = {name for pair in ENVIRONMENT for name in pair}
    namespace["_environment"] = {name: os.environ.pop(name, None) for name in names}
    namespace["_server"] = server = Server().start()
    namespace["server_url"] = os.environ["CREDITS_URL"] = server.url
    namespace["folder"] = Folder({"CREDITS_URL": server.url})


def _stop(namespace: dict[str, Any]) -> None:
    for name, value in namespace["_environment"].items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    namespace["folder"].close()
    namespace["_server"].close()


_pages = Sybil(
    path=str(ROOT),
    parsers=[PythonParser(), ConsoleParser(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
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


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Sybil's reports fail on chains of exceptions, and the run with them."""
    if isinstance(item, SybilItem) and call.excinfo is not None:
        call.excinfo.value.__cause__ = None
        call.excinfo.value.__suppress_context__ = True
