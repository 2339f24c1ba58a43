"""An example that fails is reported, and the run goes on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.docs.examples import ROOT

CONFTEST = """
from sybil import Sybil
from tests.docs.examples import PythonParser, pytest_runtest_makereport

pytest_collect_file = Sybil(parsers=[PythonParser()], patterns=["*.md"]).pytest()
"""
CAUGHT = """
try:
    1 / 0
except ZeroDivisionError:
    unknown
"""
LEFT_OPEN = "import socket; socket.socket().bind(('127.0.0.1', 0))"


@pytest.mark.parametrize(
    ("code", "said"), [(CAUGHT, "NameError"), (LEFT_OPEN, "ignored in: <socket")]
)
def test_an_error_that_follows_from_another(tmp_path, code, said):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "page.md").write_text(f"```python\n{code}\n```\n\n```python\nassert True\n```\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:asyncio", "page.md"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stdout, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
