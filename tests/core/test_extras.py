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


@pytest.mark.parametrize(("module", "library", "extra"), [
    ("credits_fastapi", "fastapi", "fastapi"),
    ("credits_fastapi", "starlette", "fastapi"),
    ("credits_flask", "flask", "flask"),
    ("credits_flask", "blinker", "flask"),
    ("credits_flask.signals", "flask", "flask"),
    ("credits_django", "django", "django"),
    ("credits_django.middleware", "django", "django"),
    ("credits_core.tokens.litellm", "litellm", "litellm"),
])  # fmt: skip
def test_where_the_library_of_an_adapter_is_missing_it_is_said_how_to_get_it(
    module, library, extra
):
    # Also to who asks by `except ImportError` whether it is there.
    code = (
        f"import sys\nsys.modules[{library!r}] = None\n"
        f"try:\n    import {module}\n"
        "except ModuleNotFoundError as error:\n    print(error.name, '-', error)"
    )
    said = run(code)
    assert said.startswith(f"{library} - this needs the package '{library}")
    assert said.endswith(f"pip install 'credits-sdk[{extra}]'")


@pytest.mark.parametrize("adapter", ["fastapi", "django", "flask"])
def test_a_framework_that_fails_by_itself_says_why(adapter, tmp_path):
    broken = tmp_path / adapter
    broken.mkdir()
    (broken / "__init__.py").write_text("raise ImportError('of its own')")
    code = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        f"try:\n    import credits_{adapter}\n"
        "except ImportError as error:\n    print(type(error).__name__, error)"
    )
    assert run(code) == "ImportError of its own"


@pytest.mark.parametrize("part", ["api", "webhooks", "checkout"])
def test_where_pydantic_is_missing_it_is_said_how_to_get_it(part):
    code = (
        "import sys\nsys.modules['pydantic'] = None\nimport credits_core\n"
        f"try:\n    import credits_core.{part}\n"
        "except credits_core.InvalidRequestError as error:\n    print(error)"
    )
    assert "pip install 'credits-sdk[" in run(code)


@pytest.mark.parametrize(("url", "library", "extra"), [
    ("memory://", "fakeredis", "memory"),
    ("redis://127.0.0.1:1", "redis", "redis"),
    ("rediss+cluster://127.0.0.1:1", "redis", "redis"),
    ("https://name.upstash.io", "httpx", "upstash"),
])  # fmt: skip
@pytest.mark.parametrize("client", ["Credits", "AsyncCredits"])
def test_where_the_library_of_a_store_is_missing_it_is_said_how_to_get_it(
    client, url, library, extra
):
    token = "'t'" if url.startswith("https:") else "None"
    code = (
        f"import sys\nsys.modules[{library!r}] = None\nimport credits_core\n"
        f"try:\n    credits_core.{client}.from_url({url!r}, token={token})\n"
        "except credits_core.InvalidRequestError as error:\n    print(error)"
    )
    said = run(code)
    assert said.startswith(f"this needs the package '{library}")
    assert said.endswith(f"pip install 'credits-sdk[{extra}]'")


def test_a_module_of_ours_that_is_missing_is_no_matter_of_extras():
    code = (
        "import credits_core.extras\n"
        "try:\n    credits_core.extras.load('credits_core.no_such_module', 'redis')\n"
        "except ModuleNotFoundError as error:\n    print(error.name)"
    )
    assert run(code) == "credits_core.no_such_module"
