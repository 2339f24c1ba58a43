"""Studio: a video by the second. Who cannot pay the length that is asked for is told before."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field
from shared import PRICES, current_user, new_app

from credits_core import AsyncCredits, Priced
from credits_fastapi import Charge

app, paywall = new_app("studio")

Seconds = Annotated[int, Field(gt=0, le=600)]


class Video(BaseModel):
    prompt: str = ""
    duration: Seconds


@app.get("/api/video/estimate")
async def estimate(
    duration: Seconds,
    user: Annotated[str, Depends(current_user)],
    credits: Annotated[AsyncCredits, Depends(paywall.client)],
) -> dict[str, object]:
    """What a video would cost, and how long a one the user can pay. Nothing is held."""
    available = await credits.get_balance(user)
    most = PRICES.max_affordable("video_generation", available)
    return {
        "estimated_cost": PRICES.cost("video_generation", duration),
        "available": available,
        "affordable_seconds": None if most is None else int(most),
    }


async def price(video: Video) -> Priced:
    return PRICES.priced("video_generation", video.duration)


Paid = Annotated[Charge, Depends(paywall.hold_credits(price))]


@app.post("/api/video/generate")
async def generate(video: Video, charge: Paid) -> dict[str, object]:
    """The price of what was asked for is held; what was made is paid."""
    made = await render(video)
    charge.settle(PRICES.priced("video_generation", made))
    return {"video": f"{made} seconds of {video.prompt!r}", "creditsUsed": charge.cost}


async def render(video: Video) -> float:
    """Your video model: how many seconds it made. A prompt that is short makes a short video."""
    return min(video.duration, 2.5 * len(video.prompt.split()))
