"""The store frozen, then killed, under a steady load: who is served, and who pays in the end."""

import asyncio
import time
from collections import Counter
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from credits_core import Credits
from credits_core.outage import OutageJournal
from credits_fastapi import Charge, Paywall
from tests.adapters.test_fastapi_support import Served
from tests.support.servers import Server

COST, LIMIT, USERS = 10, 30, 25


async def payer(request: Request) -> str:
    return request.headers["X-User"]


def make_app(url: str, journal: OutageJournal | None) -> FastAPI:
    app, paywall = FastAPI(), Paywall(payer, url=url, outage=journal)
    paywall.install(app)
    limit = LIMIT if journal is not None else 0

    @app.get("/fixed")
    async def fixed(
        charge: Annotated[Charge, Depends(paywall.require_credits(COST, outage_limit=limit))],
    ) -> int | None:
        return charge.balance

    @app.get("/held")
    async def held(
        charge: Annotated[Charge, Depends(paywall.hold_credits(2 * COST, outage_limit=limit))],
    ) -> int | None:
        charge.settle(COST)
        return charge.balance

    return app


class Load:
    """Requests at a steady rate, and what became of them."""

    def __init__(self, url: str, path: str, rate: int) -> None:
        self.served: Counter[str] = Counter()
        self.unpaid: Counter[str] = Counter()
        self.others: Counter[int] = Counter()
        self._url, self._path, self._pause = url, path, 1 / rate
        self._end = asyncio.Event()
        self.refused = asyncio.Event()

    async def run(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
        async with httpx.AsyncClient(
            base_url=self._url, timeout=60, limits=limits, trust_env=False
        ) as http:
            asked = []
            while not self._end.is_set():
                user = f"user-{len(asked) % USERS}"
                asked.append(asyncio.create_task(self._ask(http, user)))
                await asyncio.sleep(self._pause)
            await asyncio.gather(*asked)

    def stop(self) -> None:
        self._end.set()

    async def _ask(self, http: httpx.AsyncClient, user: str) -> None:
        answer = await http.get(self._path, headers={"X-User": user})
        if answer.status_code == 200:
            self.served[user] += 1
            self.unpaid[user] += answer.json() is None
            return
        self.others[answer.status_code] += 1
        self.refused.set()
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"].startswith("urn:credits-sdk:problem:")
        assert "Retry-After" in answer.headers


def paid(credits: Credits, user: str) -> int:
    """What a user has paid in the end, by the log, which is what the balance says."""
    assert credits.verify_balance(user).valid
    entries = credits.iter_transactions(user)
    return -sum(int(entry.amount) for entry in entries if entry.kind != "sign_up")


async def ordeal(store: Server, load: Load, seconds: float) -> None:
    """Frozen for a while, then killed and away for a while, then back."""
    running = asyncio.create_task(load.run())
    await asyncio.sleep(seconds / 4)
    store.freeze()
    await asyncio.sleep(seconds)
    store.kill()
    await asyncio.sleep(seconds)
    await load.refused.wait()  # a busy machine asks less often
    await asyncio.to_thread(store.start)
    await asyncio.sleep(seconds / 4)
    load.stop()
    await running


@pytest.fixture(params=[False, True], ids=["off", "on"])
def outage(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def play(path: str, folder: str | None, *, rate: int, seconds: float) -> None:
    journal = None if folder is None else OutageJournal(folder)
    with Server(persistent=True) as store, Credits.from_url(store.url, timeout=10) as credits:
        users = [f"user-{n}" for n in range(USERS)]
        for user in users:
            credits.initialize_user(user, 10**6)
        with Served(make_app(store.url, journal)) as served:
            load = Load(served.url, path, rate)
            asyncio.run(ordeal(store, load, seconds))
            deadline = time.monotonic() + 30
            while journal is not None and journal.pending:
                assert time.monotonic() < deadline, f"{journal.pending} are not collected"
                time.sleep(0.05)
        # The app has ended: what was still given back in the background has been.
        owed = {user: COST * load.served[user] for user in users}
        assert {user: paid(credits, user) for user in users} == owed
        assert not any(credits.get_account(user).holds for user in users)
    assert set(load.others) <= {503}
    assert load.others[503]
    assert max(load.unpaid.values()) <= (LIMIT // COST if journal is not None else 0)
    if journal is not None:
        assert sum(load.unpaid.values())
        assert journal.pending == 0
        journal.close()


@pytest.mark.parametrize("path", ["/fixed", "/held"])
def test_nobody_is_served_beyond_the_allowance_and_nobody_pays_twice(tmp_path, path, outage):
    play(path, str(tmp_path) if outage else None, rate=60, seconds=1.5)


@pytest.mark.soak
@pytest.mark.parametrize("path", ["/fixed", "/held"])
def test_the_same_for_longer(tmp_path, path, outage):
    play(path, str(tmp_path) if outage else None, rate=200, seconds=10)
