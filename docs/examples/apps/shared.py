"""What the four apps share: who is signed in, the ledger, the prices and the account API."""

from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException

from credits_core import PriceBook
from credits_core.api import AccountApi
from credits_core.payments import PACKAGES
from credits_core.webhooks import Webhook
from credits_fastapi import Paywall

PRICES = PriceBook.from_file(Path(__file__).with_name("prices.toml"))


async def current_user(authorization: Annotated[str | None, Header()] = None) -> str:
    """Who is signed in. A real app verifies the token of its auth provider here."""
    kind, _, token = (authorization or "").partition(" ")
    if kind != "Bearer" or not token.startswith("user_"):
        raise HTTPException(401, "sign in first", {"WWW-Authenticate": "Bearer"})
    return token


def new_app(title: str, *webhooks: Webhook) -> tuple[FastAPI, Paywall]:
    """An app on the shared ledger, which `CREDITS_URL` names, with the account API in it."""
    app = FastAPI(title=title)
    paywall = Paywall(current_user, default_credits=100, top_up_url="/api/credits/packages")
    paywall.install(app, api=AccountApi(packages=PACKAGES, webhooks=webhooks))
    return app, paywall
