"""The app of the tutorial: sign-up, paid chat, top-up, history."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, Field

from credits_core import AsyncCredits
from credits_core.api import AccountApi
from credits_fastapi import Charge, Paywall


async def current_user(x_user: Annotated[str | None, Header()] = None) -> str:
    """Who is signed in. A real app looks at its session or token here."""
    if x_user is None:
        raise HTTPException(401, "say who you are: X-User: alice")
    return x_user


app = FastAPI()
paywall = Paywall(current_user, default_credits=100)
paywall.install(app, api=AccountApi())

User = Annotated[str, Depends(current_user)]
Credits = Annotated[AsyncCredits, Depends(paywall.client)]


@app.post("/sign-up")
async def sign_up(user: User, credits: Credits) -> dict[str, Any]:
    receipt = await credits.initialize_user(user)
    return {"new": receipt.created, "balance": receipt.balance}


class Message(BaseModel):
    text: str


@app.post("/chat")
async def chat(
    message: Message,
    charge: Annotated[Charge, Depends(paywall.require_credits(10, "chat_message"))],
) -> dict[str, Any]:
    if message.text == "crash":
        raise HTTPException(502, "the model did not answer")
    return {"answer": f"You said: {message.text}", "left": charge.balance}


class Payment(BaseModel):
    id: str = Field(max_length=200)
    user: str
    credits: int


@app.post("/payments")
async def payment_made(payment: Payment, credits: Credits) -> dict[str, Any]:
    # A real app checks the provider's signature first; without, anybody mints credits.
    receipt = await credits.add(
        payment.user, payment.credits, "purchase", idempotency_key=f"payment:{payment.id}"
    )
    return {"again": receipt.replayed, "balance": receipt.balance}
