"""docs/examples/apps: four apps behind four servers, one balance, from sign-up to a paused job."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest

from credits_core import Credits
from credits_core.payments.binding import bind
from tests.adapters.webhooks.delivering import OTHER_SECRET, SECRET, standard, svix
from tests.docs.examples import ROOT
from tests.docs.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Server

APPS = ROOT / "docs" / "examples" / "apps"
NAMES = ("chat", "canvas", "studio", "train")


@pytest.fixture(scope="module")
def addresses(server: Server) -> Iterator[dict[str, str]]:
    """Where the apps answer, each behind a uvicorn of its own."""
    secrets = {
        "CLERK_WEBHOOK_SECRET": SECRET,
        "DODO_PAYMENTS_WEBHOOK_KEY": SECRET,
        "CREDITS_JOB_WEBHOOK_SECRET": OTHER_SECRET,
    }
    with ExitStack() as stack:
        folders = {name: Folder({"CREDITS_URL": server.url, **secrets}) for name in NAMES}
        for folder in folders.values():
            stack.callback(folder.close)
        with ThreadPoolExecutor(len(NAMES)) as pool:
            words = ["uvicorn", "--app-dir", str(APPS)]
            list(pool.map(lambda name: folders[name].serve([*words, f"{name}:app"]), NAMES))
        yield {name: folder.address for name, folder in folders.items()}


class Visitor:
    """Somebody who is signed in at every app."""

    def __init__(self, addresses: dict[str, str], user: str) -> None:
        self.user = f"user_{user}"
        self._addresses = addresses
        token = {"Authorization": f"Bearer {self.user}"}
        self._http = httpx.Client(headers=token, trust_env=False, timeout=15)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, app: str, path: str) -> Any:
        return self._http.get(self._addresses[app] + path).raise_for_status().json()

    def post(self, app: str, path: str, body: dict[str, Any]) -> httpx.Response:
        return self._http.post(self._addresses[app] + path, json=body)

    def balance(self) -> int:
        """What every app says, which is the same."""
        (told,) = {self.get(app, "/api/credits/balance")["balance"] for app in NAMES}
        return int(told)

    def comes_to(self, balance: int) -> None:
        deadline = time.monotonic() + 15
        while self.get("studio", "/api/credits/balance")["balance"] != balance:
            assert time.monotonic() < deadline
        assert self.balance() == balance

    def hook(self, path: str, event: dict[str, Any], sign: Any = standard) -> httpx.Response:
        """What a provider sends to the app that hears of it."""
        body = json.dumps(event).encode()
        url = self._addresses["chat"] + path
        return httpx.post(url, content=body, headers=sign(body), trust_env=False, timeout=15)

    def sign_up(self) -> None:
        event = {"type": "user.created", "object": "event", "data": {"id": self.user}}
        assert self.hook("/api/webhooks/clerk", event, svix).status_code == 200

    def buy(self, package: str, cents: int, payment: str) -> None:
        data = {
            "payment_id": f"{payment}-{self.user}",
            "metadata": bind(self.user, package),
            "total_amount": cents,
            "currency": "USD",
        }
        event = {"type": "payment.succeeded", "business_id": "bus_1", "data": data}
        for _ in range(2):  # it is announced twice
            assert self.hook("/api/dodopayments/webhook", event).status_code == 200


@pytest.fixture
def visitor(addresses: dict[str, str], user: str) -> Iterator[Visitor]:
    with Visitor(addresses, user) as one:
        yield one


def test_the_walk_of_the_setup_guide(visitor: Visitor) -> None:
    assert visitor.balance() == 0
    visitor.sign_up()
    visitor.sign_up()
    assert visitor.balance() == 100

    answer = visitor.post("chat", "/api/chat", {"message": "Hello"})
    assert (answer.json()["creditsRemaining"], visitor.balance()) == (90, 90)
    assert visitor.post("chat", "/api/chat", {"message": "break"}).status_code == 502

    drawn = visitor.post("canvas", "/api/generate", {"prompt": "a cat", "complexity": "low"})
    assert (drawn.json()["creditsUsed"], visitor.balance()) == (50, 40)

    refused = visitor.post("studio", "/api/video/generate", {"duration": 60})
    told = refused.json()
    assert (refused.status_code, told["required"], told["available"]) == (402, 600, 40)
    assert (told["error"], told["top_up_url"]) == ("Insufficient credits", "/api/credits/packages")
    assert visitor.balance() == 40

    packages = visitor.get("studio", told["top_up_url"])["packages"]
    assert [package["id"] for package in packages] == ["starter", "pro", "enterprise"]
    visitor.buy("pro", 3999, "pay_1")
    assert visitor.balance() == 540


def test_a_complex_canvas_costs_more_and_is_refused_to_who_has_too_little(visitor: Visitor) -> None:
    visitor.sign_up()
    complex_one = {"prompt": "a city", "complexity": "high"}
    assert visitor.post("canvas", "/api/generate", complex_one).json()["creditsUsed"] == 75
    assert visitor.post("canvas", "/api/generate", complex_one).status_code == 402
    assert visitor.balance() == 25


def test_a_video_is_priced_before_and_paid_by_what_was_made(
    visitor: Visitor, server: Server
) -> None:
    visitor.sign_up()
    told = visitor.get("studio", "/api/video/estimate?duration=30")
    assert told == {"estimated_cost": 300, "available": 100, "affordable_seconds": 10}
    made = visitor.post("studio", "/api/video/generate", {"prompt": "a short clip", "duration": 10})
    assert (made.status_code, made.json()["creditsUsed"]) == (200, 75)
    visitor.comes_to(25)  # a hold is settled when its answer has left
    with Credits.from_url(server.url, timeout=10) as credits:
        (settled,) = credits.get_transactions(visitor.user, limit=1)
    assert settled.metadata is not None
    assert settled.metadata["priced"]["quantity"] == "7.5"


class Worker:
    """The worker of the example, in a thread, which waits when it is told to pause."""

    def __init__(self, addresses: dict[str, str], job: dict[str, Any], monkeypatch: Any) -> None:
        monkeypatch.syspath_prepend(str(APPS))
        from worker import Worker  # type: ignore[import-not-found]  # noqa: PLC0415

        webhook = addresses["train"] + "/api/webhooks/jobs"
        self._worker = Worker(webhook, OTHER_SECRET, job["jobId"], job["userId"])
        self.notices: list[str] = []
        self.paused, self.go_on = threading.Event(), threading.Event()
        self.trained = 0.0

    def train(self, hours: float) -> str:
        return str(self._worker.train(hours, self._work, self._pause))

    def _work(self, hours: float) -> None:
        self.trained += hours

    def _pause(self, notice: str) -> None:
        self.notices.append(notice)
        self.paused.set()
        assert self.go_on.wait(20)


def test_a_training_is_held_renewed_paused_and_settled_by_its_worker(
    visitor: Visitor, addresses: dict[str, str], monkeypatch: Any, server: Server
) -> None:
    visitor.sign_up()
    assert visitor.post("train", "/api/train/start", {"dataset": "cats"}).status_code == 402
    visitor.buy("pro", 3999, "pay_2")
    started = visitor.post("train", "/api/train/start", {"dataset": "cats"})
    assert (started.status_code, started.json()["held"]) == (202, 250)
    assert visitor.balance() == 350

    worker = Worker(addresses, started.json(), monkeypatch)
    path = f"/api/train/jobs/{started.json()['jobId']}"
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(worker.train, 0.75)
        assert worker.paused.wait(20)
        job = visitor.get("train", path)
        assert (job["action"], job["missing"]) == ("pause", 150)
        assert job["notice"] == worker.notices[0]
        assert "needs 250 more credits" in job["notice"]
        visitor.buy("pro", 3999, "pay_3")
        worker.go_on.set()
        assert training.result(20) == "done"
    assert worker.trained == 0.75
    job = visitor.get("train", path)
    assert (job["status"], job["action"], job["charged"]) == ("completed", "done", 750)
    assert visitor.balance() == 100 + 500 + 500 - 750
    with Credits.from_url(server.url, timeout=10) as credits:
        assert credits.verify_balance(visitor.user).valid
        assert credits.get_account(visitor.user).held == 0


def test_a_training_that_fails_costs_nothing_and_is_its_users_only(
    visitor: Visitor, addresses: dict[str, str], monkeypatch: Any
) -> None:
    visitor.sign_up()
    visitor.buy("pro", 3999, "pay_4")
    started = visitor.post("train", "/api/train/start", {"dataset": "cats"}).json()
    worker = Worker(addresses, started, monkeypatch)
    monkeypatch.setattr(worker._worker, "_secret", SECRET)
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        worker.train(0.25)  # signed by somebody else
    monkeypatch.setattr(worker._worker, "_secret", OTHER_SECRET)

    def broken(_: float) -> None:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        worker._worker.train(0.5, broken, lambda _: None)
    assert visitor.balance() == 600
    with (
        Visitor(addresses, "somebody_else") as other,
        pytest.raises(httpx.HTTPStatusError, match="404"),
    ):
        other.get("train", f"/api/train/jobs/{started['jobId']}")
