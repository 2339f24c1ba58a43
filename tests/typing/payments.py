"""What type checkers must see of payments, webhooks and checkouts."""

from __future__ import annotations

from typing import assert_type

from credits_core import AsyncCredits, Credits, PaymentNote
from credits_core.checkout import StripeCheckout
from credits_core.http.exchange import Route
from credits_core.http.steps import arun, run
from credits_core.payments import Applied, Package, Packages, Paid, Returned, apply
from credits_core.webhooks import ClerkWebhook, JobWebhook, StripeWebhook, sign_job


def told(credits: Credits, packages: Packages) -> None:
    assert_type(run(credits, apply(Returned("pi_1", "re_1"))), Applied)
    assert_type(credits.note_payment("pi_1", "a", "b"), tuple[PaymentNote, ...])
    assert_type(packages["pro"], Package)
    assert_type(packages.sold_as("stripe", "price_1"), Package | None)
    assert_type(packages.route, Route)
    assert_type(ClerkWebhook(on_deleted="freeze").route, Route)
    assert_type(StripeCheckout(packages, base_url="https://a.example").routes, tuple[Route, ...])
    assert_type(sign_job("whsec_x", {"holdId": "h"}), tuple[bytes, dict[str, str]])
    StripeWebhook(packages, secret=["a", "b"])
    JobWebhook(price=round, shortfall="owe")
    JobWebhook(price=lambda used: used)  # type: ignore[arg-type,return-value]
    ClerkWebhook(on_deleted="forget")  # type: ignore[arg-type]
    Returned("pi_1", "re_1", reason="whim")  # type: ignore[arg-type]
    Package("a", "100", 5)  # type: ignore[arg-type]


async def told_async(credits: AsyncCredits) -> None:
    assert_type(await arun(credits, apply(Paid("pi_1", "alice", "pro", 500))), Applied)
    assert_type(await credits.note_payment("pi_1", "a", "b"), tuple[PaymentNote, ...])
