"""Requests that come again with their bodies, and views that serve on in an outage."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.test.client import AsyncClient, Client

from credits_core import Credits
from credits_django import client, clients
from credits_django.conf import conf
from tests.adapters.django.asking import amounts
from tests.adapters.paths.books import wait_for
from tests.support.servers import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEY = {"Idempotency-Key": "k"}


def upload(http: Client, size: int, note: str = "x") -> Any:
    picture = io.BytesIO(b"p" * size)
    picture.name = "picture.bin"
    return http.post("/upload", {"picture": picture, "note": note}, headers=KEY)


def test_a_large_upload_that_comes_again_is_paid_once(
    http: Client, credits: Credits, payer: str
) -> None:
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=1000, FILE_UPLOAD_MAX_MEMORY_SIZE=1000):
        first, again = upload(http, 200_000), upload(http, 200_000)
        other = upload(http, 200_001)
    assert first.json()["picture"] == 200_000
    assert first.json()["note"] == "x"
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert other.status_code == 422
    assert amounts(credits, payer) == [-10]


def test_a_form_that_was_read_before_the_charge_is_told_from_another(
    payer: str, credits: Credits
) -> None:
    # The check of its token reads the form before the view is asked.
    http = Client(headers={"X-User": payer}, enforce_csrf_checks=True)
    http.cookies["csrftoken"] = token = "a" * 32
    for note, status in (("x", 200), ("x", 200), ("y", 422)):
        fields = {"note": note, "csrfmiddlewaretoken": token}
        assert http.post("/upload", fields, headers=KEY).status_code == status
    assert amounts(credits, payer) == [-10]


async def test_an_async_view_reads_its_body_after_the_key(
    ahttp: AsyncClient, credits: Credits, payer: str
) -> None:
    answers = []
    for note in ("x", "x", "y"):
        body = SimpleUploadedFile("f", b"p" * 5000)
        answers.append(await ahttp.post("/aupload", {"note": note, "file": body}, headers=KEY))
    assert [one.status_code for one in answers] == [200, 200, 422]
    assert answers[0].json()["note"] == "x"
    assert answers[0].json()["length"] > 5000
    assert answers[1]["Idempotency-Replayed"] == "true"
    assert amounts(credits, payer) == [-10]


async def test_an_outage_is_served_up_to_its_limit_and_charged_afterwards(
    change: Callable[..., Any], tmp_path: Path, user: str
) -> None:
    with Server(persistent=True) as own, Credits.from_url(own.url, timeout=10) as ledger:
        ledger.initialize_user(user, 100)
        sync = Client(headers={"X-User": user})
        asynchronous = AsyncClient()
        with change(URL=own.url, OUTAGE=tmp_path):
            own.kill()

            async def served() -> list[int]:
                found = []
                for _ in range(2):
                    answer = await asyncio.to_thread(sync.get, "/outage")
                    found.append(answer.status_code)
                    answer = await asynchronous.get("/aoutage", headers={"X-User": user})
                    found.append(answer.status_code)
                return found

            # A limit is that of a route.
            assert await served() == [200, 200, 503, 503]
            assert conf().outage is not None
            own.start()
            client()
            await asyncio.to_thread(wait_for, lambda: ledger.get_balance(user) == 80)

            await clients.aclose()


async def test_a_key_that_an_outage_served_is_not_served_and_charged_anew(
    change: Callable[..., Any], tmp_path: Path, user: str
) -> None:
    headers = {"X-User": user, "Idempotency-Key": "k"}
    sync, asynchronous = Client(headers=headers), AsyncClient()

    async def asked() -> list[int]:
        first = await asyncio.to_thread(sync.get, "/outage")
        return [
            first.status_code,
            (await asynchronous.get("/aoutage", headers=headers)).status_code,
        ]

    with Server(persistent=True) as own, Credits.from_url(own.url, timeout=10) as ledger:
        ledger.initialize_user(user, 100)
        with change(URL=own.url, OUTAGE=tmp_path):
            own.kill()
            assert await asked() == [200, 200]
            assert await asked() == [409, 409]
            own.start()
            client()
            journal = conf().outage
            assert journal is not None
            await asyncio.to_thread(
                wait_for, lambda: ledger.get_balance(user) == 80 and not journal.pending
            )
            assert await asked() == [409, 409]
            assert ledger.get_balance(user) == 80
            await clients.aclose()
