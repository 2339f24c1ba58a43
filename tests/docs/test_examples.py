"""The programs in docs/examples: started for real, and the same as what the pages show."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.docs.examples import ROOT
from tests.docs.folder import Folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.servers import Server

EXAMPLES = ROOT / "docs" / "examples"
TUTORIAL = ROOT / "docs" / "tutorial" / "first-app.md"


@pytest.fixture
def chat(server: Server, user: str) -> Iterator[httpx.Client]:
    """A client of the tutorial's app behind a real uvicorn, signed in as `user`."""
    folder = Folder({"CREDITS_URL": server.url})
    try:
        folder.write("chat_app.py", (EXAMPLES / "chat_app.py").read_text())
        folder.serve(["uvicorn", "chat_app:app"])
        with httpx.Client(
            base_url=folder.address, headers={"X-User": user}, trust_env=False
        ) as http:
            yield http
    finally:
        folder.close()


def test_the_example_app_is_what_the_tutorial_builds():
    blocks = re.findall(r"```python\n# app\.py.*?\n(.*?)```", TUTORIAL.read_text(), re.DOTALL)
    written = (EXAMPLES / "chat_app.py").read_text().partition('"""\n')[2]
    shown = "\n".join(blocks)
    assert [line for line in written.splitlines() if line] == [
        line for line in shown.splitlines() if line
    ]


def test_sign_up_chat_top_up_and_history(chat: httpx.Client, user: str):
    assert chat.post("/sign-up").json() == {"new": True, "balance": 100}
    assert chat.post("/chat", json={"text": "Hello"}).json()["left"] == 90
    payment = {"id": f"pay-{user}", "user": user, "credits": 500}
    with ThreadPoolExecutor() as pool:  # a provider that announces a payment five times at once
        answers = [pool.submit(chat.post, "/payments", json=payment) for _ in range(5)]
    assert sorted(answer.result().json()["again"] for answer in answers) == [False] + 4 * [True]
    assert chat.get("/api/credits/balance").json()["balance"] == 590
    history = chat.get("/api/credits/history").json()["transactions"]
    assert [entry["amount"] for entry in history] == [500, -10, 100]


def test_nobody_is_served_without_credits(chat: httpx.Client):
    answer = chat.post("/chat", json={"text": "Hello"})
    assert answer.status_code == 402
    assert (answer.json()["required"], answer.json()["available"]) == (10, 0)
    assert chat.post("/chat", json={"text": "Hello"}, headers={"X-User": ""}).status_code == 400


def test_concurrent_messages_spend_what_there_is(chat: httpx.Client):
    chat.post("/sign-up")
    with ThreadPoolExecutor(16) as pool:
        answers = [pool.submit(chat.post, "/chat", json={"text": "Hi"}) for _ in range(16)]
    statuses = sorted(answer.result().status_code for answer in answers)
    assert statuses == 10 * [200] + 6 * [402]
    assert chat.get("/api/credits/balance").json()["balance"] == 0
