"""Processes of each server that share one account: the sums are exact."""

from __future__ import annotations

import collections
import threading
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.adapters.paths.books import wait_for
from tests.adapters.paths.sites import Framework, Site

if TYPE_CHECKING:
    from credits_core import Credits
    from tests.support.servers import Server

_APP = "tests.adapters.paths.app_django_{}:app"
GUNICORN = ("-m", "gunicorn", _APP.format("wsgi"), "--log-level", "warning", "--workers", "4")
UVICORN = ("-m", "uvicorn", _APP.format("asgi"), "--log-level", "warning", "--workers", "4")
SITES = [
    Framework("gunicorn", GUNICORN, ("--bind", "127.0.0.1:{port}")),
    Framework("gunicorn-preload", (*GUNICORN, "--preload"), ("--bind", "127.0.0.1:{port}")),
    Framework("uvicorn", UVICORN),
]


@pytest.mark.parametrize("framework", SITES, ids=lambda one: one.name)
def test_four_processes_charge_one_account_to_the_credit(
    server: Server, credits: Credits, user: str, framework: Framework
) -> None:
    credits.initialize_user(user, 1000)
    told: collections.Counter[tuple[str, int]] = collections.Counter()
    workers: set[str] = set()

    def ask(number: int) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(trust_env=False, timeout=30, limits=limits) as http:
            for step in range(30):
                path = ("/ok", "/returned-404", "/held")[(number + step) % 3]
                answer = http.get(f"{site.url}{path}", headers={"X-User": user})
                told[path, answer.status_code] += 1
                who = http.post(f"{site.url}/echo", headers={"X-User": f"{user}-{number}"})
                workers.add(who.headers.get("X-Answer", "-").split("-")[0])

    for number in range(8):
        credits.initialize_user(f"{user}-{number}", 1000)
    with Site(framework, server.url) as site:
        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: credits.get_account(user).held == 0)
    paid, held = told["/ok", 200], told["/held", 200]
    assert sum(told.values()) == 240
    assert credits.get_balance(user) == 1000 - 10 * paid - 4 * held
    assert paid + held > 100  # until there is no more
    assert told["/returned-404", 404] > 0
    assert len(workers) == 4
    assert credits.verify_balance(user).valid
