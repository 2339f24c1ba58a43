"""The example app: a chat at a fixed price and a video generator priced by the second."""

# Without `from __future__ import annotations`: the endpoints are made in a function, where
# FastAPI could not look up annotations that are strings.

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, Unpack

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request
from fastapi.requests import HTTPConnection
from pydantic import BaseModel, Field

from credits_core import AsyncCredits, CreditsError, PricingEngine
from credits_fastapi import Charge, Paywall, require_credits
from credits_fastapi.demo.page_routes import page_routes
from credits_fastapi.paywall import ClientOptions

__all__ = ["create_app"]

_log = logging.getLogger(__name__)


class DemoUser:
    """Who is signed in: FOR THE DEMO ONLY, whoever the request says it is.

    The header X-Demo-User or, for the page, `?user=` in the address. Anybody can write
    anything there; an app of yours asks its session or token here. With `only`, no other
    account is served.
    """

    def __init__(self, only: str | None = None) -> None:
        """Serve every account, or only one."""
        self._only = only

    async def __call__(self, connection: HTTPConnection) -> str:
        """The user's id; 401 without one, 403 for an account that is not served."""
        user_id = connection.headers.get("X-Demo-User") or connection.query_params.get("user")
        if not user_id:
            raise HTTPException(401, "say who you are: X-Demo-User: alice")
        if self._only is not None and user_id != self._only:
            raise HTTPException(403, f"on this store the demo serves one account: {self._only}")
        return user_id


async def same_origin(request: Request) -> None:
    """Refuse what another site has a browser send here in the name of who is signed in."""
    if request.method in ("GET", "HEAD"):
        return
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    same = origin is None or origin.partition("://")[2] == request.headers.get("Host")
    if site not in (None, "same-origin", "none") or not same:
        raise HTTPException(403, "this request was sent by another site")


class ChatIn(BaseModel):
    """A message; the broken model takes the money and does not answer."""

    message: str = "Hello"
    model: Literal["steady", "broken"] = "steady"


class VideoIn(BaseModel):
    """How long the video is to be, in seconds."""

    seconds: int = Field(ge=1, le=600)


class TopUpIn(BaseModel):
    """A payment: its id, and the credits that it bought."""

    payment: str = Field(min_length=1, max_length=200)
    credits: int = Field(ge=1, le=100_000)


def create_app(
    *,
    only: str | None = None,
    pricing: PricingEngine | None = None,
    **options: Unpack[ClientOptions],
) -> FastAPI:
    """The example app on the store that `options` name, as `AsyncCredits.from_url` takes them.

    With `only`, a store that others use too, no other account is served, and that one is
    deleted when the app ends.
    """
    user = DemoUser(only)
    paywall = Paywall(user=user, **options)

    @asynccontextmanager
    async def tidy_up(_: FastAPI) -> AsyncIterator[None]:
        yield
        if only is not None:
            try:
                await (await paywall.client()).delete_account(only)
            except CreditsError as error:
                _log.warning("the demo account %s is left behind: %s", only, error)

    app = FastAPI(title="Credits SDK demo", lifespan=tidy_up, dependencies=[Depends(same_origin)])
    paywall.install(app)
    prices = pricing or PricingEngine()
    app.include_router(account_routes(paywall, user))
    app.include_router(paid_routes(paywall, user, prices))
    app.include_router(page_routes(paywall, user, prices))
    return app


def account_routes(paywall: Paywall, user: DemoUser) -> APIRouter:
    """Sign up, top up, and look at the account."""
    routes = APIRouter()
    client_of_app, signed_in = Depends(paywall.client), Depends(user)

    @routes.post("/sign-up")
    async def sign_up(
        user_id: Annotated[str, signed_in], client: Annotated[AsyncCredits, client_of_app]
    ) -> dict[str, Any]:
        receipt = await client.initialize_user(user_id)
        return {"created": receipt.created, "balance": receipt.balance}

    @routes.post("/top-up")
    async def top_up(
        paid: TopUpIn,
        user_id: Annotated[str, signed_in],
        client: Annotated[AsyncCredits, client_of_app],
    ) -> dict[str, Any]:
        # The payment's id is the key: announced twice, it is credited once.
        receipt = await client.add(
            user_id, paid.credits, "top_up", idempotency_key=f"payment:{paid.payment}"
        )
        return {"credits": receipt.amount, "balance": receipt.balance}

    @routes.get("/balance")
    async def balance(
        user_id: Annotated[str, signed_in], client: Annotated[AsyncCredits, client_of_app]
    ) -> dict[str, Any]:
        return {"balance": await client.get_balance(user_id)}

    @routes.get("/history")
    async def history(
        user_id: Annotated[str, signed_in], client: Annotated[AsyncCredits, client_of_app]
    ) -> dict[str, Any]:
        return {"transactions": await client.get_transactions(user_id)}

    @routes.get("/verify")
    async def verify(
        user_id: Annotated[str, signed_in], client: Annotated[AsyncCredits, client_of_app]
    ) -> dict[str, Any]:
        found = await client.verify_balance(user_id)
        return {"valid": found.valid, "stored": found.cached, "log": found.calculated}

    return routes


def paid_routes(paywall: Paywall, user: DemoUser, pricing: PricingEngine) -> APIRouter:
    """What costs credits."""
    routes = APIRouter()
    chat_cost = pricing.calculate_cost("chat_message")
    pay_for_chat = Depends(paywall.require_credits(chat_cost, "chat_message"))

    @routes.post("/chat")
    async def chat(chat: ChatIn, charge: Annotated[Charge, pay_for_chat]) -> dict[str, Any]:
        if chat.model == "broken":
            raise HTTPException(502, "the model did not answer")
        answer = f"You said: {chat.message}"
        return {"answer": answer, "cost": charge.amount, "balance": charge.balance}

    @routes.post("/video")
    async def video(
        video: VideoIn,
        user_id: Annotated[str, Depends(user)],
        client: Annotated[AsyncCredits, Depends(paywall.client)],
    ) -> dict[str, Any]:
        # What depends on the request is priced in the endpoint.
        cost = pricing.calculate_cost("video_generation", video.seconds)
        details = {"seconds": video.seconds}
        async with require_credits(client, user_id, cost, "video_generation", details) as charge:
            return {"video": "video.mp4", "cost": charge.amount, "balance": charge.balance}

    return routes
