"""What each route answers, to who may ask it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from credits_core.api import PATHS
from tests.adapters.account_api.asking import CRON, administer, call, read

if TYPE_CHECKING:
    import httpx

    from credits_core import Credits
    from tests.adapters.paths.sites import Site


def answered(response: httpx.Response, *, status: int = 200) -> Any:
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    return response.json()


def is_now(instant: int) -> bool:
    return abs(instant - time.time() * 1000) < 60_000


def test_the_balance(site: Site, payer: str) -> None:
    found = answered(read(site, "balance", payer))
    assert is_now(found.pop("timestamp"))
    assert found == {"balance": 100, "userId": payer}


def test_the_history(site: Site, credits: Credits, payer: str) -> None:
    receipt = credits.deduct(payer, 10, "chat", {"model": "small"})
    found = answered(read(site, "history", payer, limit=1))
    assert found.pop("nextCursor")
    assert found == {
        "transactions": [
            {
                "id": receipt.tx_id,
                "amount": -10,
                "action": "chat",
                "metadata": {"model": "small"},
                "timestamp": receipt.timestamp,
                "kind": "deduct",
            }
        ],
        "count": 1,
        "userId": payer,
    }


def test_the_history_goes_on_where_its_cursor_says(
    site: Site, credits: Credits, payer: str
) -> None:
    for number in range(4):
        credits.deduct(payer, 1, f"chat-{number}")
    seen, cursor = [], None
    while True:
        page = answered(
            read(site, "history", payer, limit=2, **({"cursor": cursor} if cursor else {}))
        )
        seen += [entry["action"] for entry in page["transactions"]]
        if (cursor := page["nextCursor"]) is None:
            break
    assert seen == ["chat-3", "chat-2", "chat-1", "chat-0", "user_initialized"]


def test_the_usage(site: Site, credits: Credits, payer: str) -> None:
    credits.deduct(payer, 10, "chat")
    found = answered(read(site, "usage", payer, days=2))
    assert (found["userId"], found["spent"], len(found["days"])) == (payer, 10, 2)
    assert [one["action"] for one in found["actions"] if one["spent"]] == ["chat"]


def test_the_account(site: Site, credits: Credits, payer: str) -> None:
    hold = credits.hold(payer, 30, "video")
    credits.add(payer, 50, "promotion", expires_in=3600)
    found = answered(read(site, "account", payer))
    assert is_now(found.pop("timestamp"))
    grant = found["grants"][0]
    assert found == {
        "userId": payer,
        "balance": 120,
        "available": 120,
        "held": 30,
        "floor": 0,
        "frozen": False,
        "grants": [grant],
        "holds": [{"id": hold.id, "amount": 30, "action": "video", "expiresAt": hold.expires_at}],
        "nextExpiry": grant,
    }
    assert (grant["remaining"], is_now(grant["expiresAt"] - 3_600_000)) == (50, True)


def test_an_admin_grants(site: Site, credits: Credits, payer: str) -> None:
    body = {"targetUserId": payer, "amount": 25, "reason": "an apology"}
    found = answered(administer(site, "grant", body))
    (entry,) = credits.get_transactions(payer, limit=1)
    assert found == {
        "success": True,
        "txId": entry.id,
        "newBalance": 125,
        "amount": 25,
        "targetUserId": payer,
        "replayed": False,
    }
    assert (entry.action, entry.metadata) == (
        "admin_grant",
        {"granted_by": "root", "admin_action": True, "reason": "an apology"},
    )


def test_a_grant_that_is_sent_twice_counts_once(site: Site, credits: Credits, payer: str) -> None:
    body = {"targetUserId": payer, "amount": 25, "reason": "an apology"}
    first, second = (
        answered(administer(site, "grant", body, **{"Idempotency-Key": "a-click"}))
        for _ in range(2)
    )
    assert second == {**first, "replayed": True}
    assert credits.get_balance(payer) == 125


def test_an_admin_refunds(site: Site, credits: Credits, payer: str) -> None:
    charge = credits.deduct(payer, 10, "chat")
    body = {"targetUserId": payer, "txId": charge.tx_id, "amount": 4, "reason": "it broke"}
    found = answered(administer(site, "refund", body))
    assert (found["success"], found["amount"], found["newBalance"]) == (True, 4, 94)
    (entry,) = credits.get_transactions(payer, limit=1)
    assert entry.metadata is not None
    assert (entry.metadata["refunded_by"], entry.metadata["reason"]) == ("root", "it broke")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_clock_reconciles(site: Site, payer: str, method: str) -> None:
    response = site.http.request(
        method, PATHS["reconcile"], headers=CRON, params={"cursor": "start"}
    )
    found = answered(response)
    assert found.keys() == {
        *("success", "total", "verified", "fixed", "errors", "duration_ms", "cursor", "done")
    }
    assert found["total"] >= 1
    assert found["total"] == found["verified"] + found["fixed"] + found["errors"]


def test_the_packages(site: Site) -> None:
    found = answered(site.http.get("/api/credits/packages"))["packages"]
    assert [(one["credits"], one["price"]) for one in found] == [
        (100, 9.99),
        (500, 39.99),
        (2000, 149.99),
    ]


def test_a_checkout_is_started_for_who_is_signed_in(site: Site, payer: str) -> None:
    response = site.http.post(
        "/api/credits/checkout", json={"packageId": "starter"}, headers={"X-User": payer}
    )
    assert answered(response) == {"checkoutUrl": f"https://pay.example/starter?user={payer}"}


@pytest.mark.parametrize("kind", ["success", "cancel"])
def test_the_page_after_a_checkout(site: Site, kind: str) -> None:
    response = site.http.get(f"/api/credits/checkout/{kind}")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.text.startswith("<!doctype html>")


def test_who_signs_up_at_clerk_gets_the_sign_up_credits(
    site: Site, credits: Credits, user: str
) -> None:
    event = {"type": "user.created", "data": {"id": user}}
    for _ in range(2):
        assert answered(call(site, "webhook-clerk", event))["received"] is True
    assert [entry.kind for entry in credits.get_transactions(user)] == ["sign_up"]


def test_a_job_that_ends_settles_its_hold(site: Site, credits: Credits, payer: str) -> None:
    hold = credits.hold(payer, 60, "training")
    report = {"holdId": hold.id, "userId": payer, "status": "completed", "amount": 45}
    assert answered(call(site, "webhook-jobs", report))["charged"] == 45
    assert credits.get_balance(payer) == 55


def test_head_is_what_the_framework_makes_of_it(site: Site, payer: str) -> None:
    response = site.http.head(PATHS["balance"], headers={"X-User": payer})
    assert (response.status_code, response.content) == (405 if site.name == "fastapi" else 200, b"")


def test_a_path_that_is_none_is_404(site: Site, payer: str) -> None:
    assert site.get("/api/credits/balances", payer).status_code == 404
