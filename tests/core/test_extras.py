"""What is loaded, and what is said where it is missing: in a process of its own each time."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("adapter", ["credits_fastapi", "credits_django", "credits_flask"])
def test_an_adapter_loads_no_account_api_that_nobody_mounts(adapter):
    code = (
        f"import sys, {adapter}\n"
        "print([name for name in sys.modules if name.startswith(('credits_core.api',"
        " 'credits_core.webhooks', 'credits_core.checkout'))])"
    )
    assert run(code) == "[]"


@pytest.mark.parametrize("adapter", ["credits_django", "credits_flask"])
def test_who_mounts_no_account_api_needs_no_pydantic(adapter):
    assert run(f"import sys\nsys.modules['pydantic'] = None\nimport {adapter}") == ""


@pytest.mark.parametrize("part", ["api", "webhooks", "checkout"])
def test_where_pydantic_is_missing_it_is_said_how_to_get_it(part):
    code = (
        "import sys\nsys.modules['pydantic'] = None\nimport credits_core\n"
        f"try:\n    import credits_core.{part}\n"
        "except credits_core.InvalidRequestError as error:\n    print(error)"
    )
    assert "pip install 'credits-sdk[" in run(code)
