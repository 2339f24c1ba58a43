"""The example project, started as its readers start it: by WSGI and by ASGI, with its own users."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from credits_core import Credits
from tests.support.ports import HOST, free_port
from tests.support.processes import reap, spawn
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "django"
SERVERS = {
    "runserver": (str(EXAMPLE / "manage.py"), "runserver", "--noreload", "{address}"),
    "gunicorn": ("-m", "gunicorn", "shop.wsgi", "--bind", "{address}"),
    "uvicorn": ("-m", "uvicorn", "shop.asgi:application", "--port", "{port}"),
}

USERS = """
from django.contrib.auth.models import User
for name in ("alice", "bob"):
    User.objects.create_superuser(name, password="pass")
"""


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture
def credits(own: Server) -> Iterator[Credits]:
    with Credits.from_url(own.url, timeout=10) as client:
        yield client


@pytest.fixture(scope="module")
def environment(own: Server) -> Iterator[dict[str, str]]:
    """Where the ledger and the database are."""
    with tempfile.TemporaryDirectory() as folder:
        yield {**os.environ, "CREDITS_URL": own.url, "DATABASE": f"{folder}/db.sqlite3"}


def manage(environment: dict[str, str], *words: str, text: str | None = None) -> str:
    ended = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=EXAMPLE,
        env=environment,
        input=text,
        text=True,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module", params=SERVERS)
def site(request: pytest.FixtureRequest, environment: dict[str, str], own: Server) -> Iterator[str]:
    own.call("FLUSHALL")
    Path(environment["DATABASE"]).unlink(missing_ok=True)
    manage(environment, "migrate", "--verbosity", "0")
    manage(environment, "shell", "--verbosity", "0", text=USERS)
    port = free_port()
    address = f"{HOST}:{port}"
    command = [word.format(address=address, port=port) for word in SERVERS[request.param]]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "site.log"
        process = spawn(
            [sys.executable, *command], log, env={**environment, "PYTHONPATH": str(EXAMPLE)}
        )
        try:
            _wait(address, log)
            yield f"http://{address}"
        finally:
            reap(process)


def _wait(address: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            httpx.get(f"http://{address}/", trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def alice(site: str) -> Iterator[httpx.Client]:
    """Alice, who has signed in by the form."""
    with httpx.Client(base_url=site, trust_env=False, follow_redirects=True, timeout=10) as http:
        page = http.get("/")
        assert page.url.path == "/admin/login/"
        http.post(
            str(page.url),
            data={
                "csrfmiddlewaretoken": _token(page.text),
                "username": "alice",
                "password": "pass",
                "next": "/",
            },
        )
        yield http


def _token(text: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]


def test_a_signed_in_user_pays(alice: httpx.Client, credits: Credits) -> None:
    page = alice.get("/")
    assert "alice, you have 100 credits." in page.text
    token = {"csrfmiddlewaretoken": _token(page.text)}
    picture = alice.post("/picture/", data={**token, "what": "fox"})
    assert picture.json() == {"picture": "a fox", "left": 90}
    assert alice.post("/picture/", data={**token, "what": "crash"}).status_code == 502
    story = alice.get("/story/", params={"words": 12})
    assert story.text.endswith('event: credits\ndata: {"cost": 12, "remaining": 78}\n\n')
    assert alice.post("/picture/", data={"what": "no token"}).status_code == 403
    assert "you have 78 credits" in alice.get("/").text
    credits.deduct("1", 70, "elsewhere")
    refused = alice.post("/picture/", data={**token, "what": "owl"})
    assert (refused.status_code, refused.json()["top_up_url"]) == (402, "/buy/")
    assert "Buy credits" in alice.get("/").text
    assert credits.verify_balance("1").valid
    assert credits.get_balance("2") == 100


def test_the_command_of_the_project_shows_the_account(
    site: str, environment: dict[str, str]
) -> None:
    assert "100" in manage(environment, "credits", "balance", "2")
