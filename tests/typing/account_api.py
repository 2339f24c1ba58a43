"""The account API in an app: what users write, and what the checkers make of it."""

from typing import Annotated, assert_type

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException
from flask import Flask

from credits_core.api import AccountApi, openapi
from credits_core.http.exchange import Route
from credits_core.payments import PACKAGES, Packages
from credits_core.webhooks import ClerkWebhook, JobWebhook, StripeWebhook
from credits_fastapi import Paywall
from credits_flask import FlaskCredits


def made() -> AccountApi:
    return AccountApi(
        paths={"balance": "/me", "history": ["/log", "/history"], "usage": None},
        packages=PACKAGES,
        webhooks=[ClerkWebhook(), StripeWebhook(PACKAGES), JobWebhook(price=int)],
        max_grant=500,
        cron_secret="a secret of 24 characters",
        document="/api/credits/openapi.json",
    )


async def user(x_user: Annotated[str, Header()]) -> str:
    return x_user


async def admin(found: Annotated[str, Depends(user)]) -> str:
    if found != "root":
        raise HTTPException(403)
    return found


def mounted(api: AccountApi, packages: Packages) -> None:
    app, paywall = FastAPI(), Paywall(user, admin=admin, url="memory://")
    paywall.install(app, api=api)
    paywall.install(app)
    assert_type(paywall.api_router(api), APIRouter)
    app.include_router(paywall.api_router(AccountApi(packages=packages)), prefix="/v1")

    flask = Flask("shop")
    FlaskCredits(flask, user=lambda: "alice", admin=lambda: None, api=api)
    FlaskCredits(api=api)

    assert_type(api.routes, tuple[Route, ...])
    assert_type(openapi(api.routes)["paths"] is None, bool)
