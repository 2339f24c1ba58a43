"""The routes of the account page: one to look at it, one for its buttons."""

# Without `from __future__ import annotations`, for the reason that app.py gives.

import secrets
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from credits_core import (
    AccountStateError,
    AsyncCredits,
    BackendError,
    InsufficientCreditsError,
    PricingEngine,
)
from credits_fastapi import Paywall, require_credits
from credits_fastapi.answers import answer_error
from credits_fastapi.demo.page import (
    SECURITY_HEADERS,
    Account,
    Button,
    Notice,
    link,
    render,
    render_trouble,
)

__all__ = ["page_routes"]

VIDEO_SECONDS = 30
TOP_UP = 500

Deed = Literal["sign-up", "chat", "video", "top-up"]

_DONE: dict[Deed, str] = {
    "sign-up": "Welcome: your starting credits are here.",
    "chat": "One chat message, paid and answered.",
    "video": f"A video of {VIDEO_SECONDS} seconds, paid and made.",
    "top-up": f"{TOP_UP} credits added.",
}


def page_routes(paywall: Paywall, user: Callable[..., Any], pricing: PricingEngine) -> APIRouter:
    """The account page at /account?user=… and what its buttons do."""
    routes = APIRouter(include_in_schema=False)
    prices = {
        "chat": ("chat_message", pricing.calculate_cost("chat_message")),
        "video": (
            "video_generation",
            pricing.calculate_cost("video_generation", VIDEO_SECONDS),
        ),
    }

    @routes.get("/account")
    async def account(
        request: Request,
        user_id: Annotated[str, Depends(user)],
        client: Annotated[AsyncCredits, Depends(paywall.client)],
        done: Deed | None = None,
        short: Annotated[int | None, Query(ge=1, le=10**15)] = None,
    ) -> Response:
        try:
            balance = await client.get_balance(user_id)
            verification = await client.verify_balance(user_id)
            transactions = await client.get_transactions(user_id)
        except (BackendError, AccountStateError) as error:
            return await _trouble(request, error)
        buttons = _buttons(user_id, prices, new=not transactions)
        notice = _notice(done, short, balance)
        page = Account(user_id, balance, verification, transactions, buttons, notice)
        return HTMLResponse(render(page), headers=SECURITY_HEADERS)

    @routes.post("/account/{deed}")
    async def act(
        request: Request,
        deed: Deed,
        user_id: Annotated[str, Depends(user)],
        client: Annotated[AsyncCredits, Depends(paywall.client)],
        once: Annotated[str, Query(max_length=64)] = "",
    ) -> Response:
        try:
            if deed == "sign-up":
                await client.initialize_user(user_id)
            elif deed == "top-up":
                key = f"payment:{once}" if once else None
                await client.add(user_id, TOP_UP, "top_up", idempotency_key=key)
            else:
                action, cost = prices[deed]
                async with require_credits(client, user_id, cost, action):
                    pass  # here an app does the work
        except InsufficientCreditsError as error:
            return _see(link("/account", user=user_id, short=error.required))
        except (BackendError, AccountStateError) as error:
            return await _trouble(request, error)
        return _see(link("/account", user=user_id, done=deed))

    return routes


def _buttons(user_id: str, prices: dict[str, tuple[str, int]], *, new: bool) -> list[Button]:
    def to(deed: Deed, **query: str) -> str:
        return link(f"/account/{deed}", user=user_id, **query)

    if new:
        return [Button("Sign up", "100 credits to start with", to("sign-up"), main=True)]
    # A payment has an id, so that a double click pays once.
    payment = to("top-up", once=secrets.token_urlsafe(12))
    return [
        Button("Send a chat", f"{prices['chat'][1]} credits", to("chat")),
        Button(f"Make a video, {VIDEO_SECONDS} s", f"{prices['video'][1]} credits", to("video")),
        Button("Top up", f"{TOP_UP} credits", payment, main=True),
    ]


def _notice(done: Deed | None, short: int | None, balance: int) -> Notice | None:
    if short is not None and short > balance:
        return Notice(
            "bad",
            f"{short - balance:,} credits short",
            f"This costs {short:,} credits and you have {balance:,}. Nothing was charged: "
            f"top up, and try again.",
        )
    return None if done is None else Notice("good", "Done", _DONE[done])


def _see(address: str) -> Response:
    # 303: what follows a form is a page, and reloading it posts nothing.
    return RedirectResponse(address, 303)


async def _trouble(request: Request, error: BackendError | AccountStateError) -> Response:
    """The answer of the paywall, in words for a person."""
    answer, headers = await answer_error(request, error), dict(SECURITY_HEADERS)
    if wait := answer.headers.get("Retry-After"):
        headers["Retry-After"] = wait
        title = "The store is away"
        text = (
            "Credits cannot be read or charged at the moment, so nothing is served. "
            f"Try again in {wait} seconds."
        )
    else:
        title = "This account cannot be used"
        text = "What is stored of it makes no sense, so nothing is served until it is repaired."
    return HTMLResponse(render_trouble(title, text), answer.status_code, headers)
