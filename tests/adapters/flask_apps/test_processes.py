"""Processes that share an account, behind gunicorn with each kind of worker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.adapters.flask_apps.gunicorn import Gunicorn
from tests.adapters.paths.books import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from credits_core import Credits
    from tests.support.servers import Server

WORKERS = [
    pytest.param(["--preload"], id="sync"),
    pytest.param(["--preload", "--threads", "4"], id="gthread"),
    pytest.param(["--worker-class", "gevent"], id="gevent"),
]


@pytest.mark.parametrize("options", WORKERS)
def test_four_processes_that_share_an_account_charge_it_to_the_credit(
    server: Server, credits: Credits, user: str, options: list[str]
) -> None:
    credits.initialize_user(user, 300)

    def ask(number: int) -> tuple[int, int]:
        path = ("/draw", "/draw?fails=1", "/write")[number % 3]
        answer = site.post(path, user)
        return answer.status_code, answer.json()["pid"] if answer.status_code == 200 else 0

    store = {"SERVED_STORE": server.url, "SERVED_WARM": "1"}
    with Gunicorn(store, "--workers", "4", *options) as site, ThreadPoolExecutor(16) as pool:
        # 80 draws of 3 and 80 writes of 2; another 80 fail and are given back.
        first = list(pool.map(ask, range(240)))
        # What they hold for a moment may refuse one, but the last credit is spent by nobody twice.
        wait_for(lambda: credits.get_account(user).held == 0)
        served = [number for number, (status, _) in enumerate(first) if status == 200]
        spent = sum(3 if number % 3 == 0 else 2 for number in served)
        assert {status for status, _ in first} <= {200, 402, 502}
        assert credits.get_balance(user) == 300 - spent
        while site.post("/draw", user).status_code == 200:
            spent += 3
        assert credits.get_balance(user) == 300 - spent < 3
    # How many of the four get something to do is the system's choice.
    assert len({pid for _, pid in first} - {0}) > 1
    assert credits.verify_balance(user).valid


def test_what_an_outage_left_is_charged_by_the_workers_of_a_preloaded_app(
    server: Server, credits: Credits, payer: str, tmp_path: Path
) -> None:
    from credits_core.outage import OutageJournal  # noqa: PLC0415 - of a process that is gone

    with OutageJournal(tmp_path) as dead:
        for _ in range(3):
            admission = dead.admit("POST /draw", payer, 7, 100)
            assert admission is not None
            admission.serve(7, "draw")
    store = {"SERVED_STORE": server.url, "SERVED_FOLDER": str(tmp_path)}
    with Gunicorn(store, "--workers", "2", "--preload") as site:
        assert site.post("/draw", payer).status_code == 200
        wait_for(lambda: credits.get_balance(payer) == 100 - 3 - 21)
