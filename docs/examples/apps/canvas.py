"""Canvas: two fixed prices, by what the request asks for."""

from typing import Annotated, Literal

from fastapi import Depends
from pydantic import BaseModel
from shared import PRICES, new_app

from credits_core import Priced
from credits_fastapi import Charge

app, paywall = new_app("canvas")


class Drawing(BaseModel):
    prompt: str
    complexity: Literal["low", "high"] = "low"


async def price(drawing: Drawing) -> Priced:
    kind = "complex" if drawing.complexity == "high" else "simple"
    return PRICES.priced(f"canvas_generation_{kind}")


Paid = Annotated[Charge, Depends(paywall.require_credits(price))]


@app.post("/api/generate")
async def generate(drawing: Drawing, charge: Paid) -> dict[str, object]:
    return {
        "canvas": f"a canvas of {drawing.prompt}",
        "creditsUsed": charge.amount,
        "creditsRemaining": charge.balance,
    }
