"""Chat: a fixed price a message. This app also hears of new users and of payments."""

from typing import Annotated

from fastapi import Depends, HTTPException
from pydantic import BaseModel
from shared import PRICES, new_app

from credits_core.payments import PACKAGES
from credits_core.webhooks import ClerkWebhook, DodoWebhook
from credits_fastapi import Charge

app, paywall = new_app("chat", ClerkWebhook(), DodoWebhook(PACKAGES))

Paid = Annotated[Charge, Depends(paywall.require_credits(PRICES.priced("chat_message")))]


class Message(BaseModel):
    message: str


@app.post("/api/chat")
async def chat(message: Message, charge: Paid) -> dict[str, object]:
    return {"reply": await model(message.message), "creditsRemaining": charge.balance}


async def model(text: str) -> str:
    """Your language model. What it raises gives the credits back."""
    if text == "break":
        raise HTTPException(502, "the model did not answer")
    return f"You said: {text}"
