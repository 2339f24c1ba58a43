"""Training: GPU hours on a machine elsewhere, whose worker reports by a signed webhook.

The first quarter of an hour is held when the job starts. Each report holds what the job needs until
the next one, and renews the hold; the last one settles it. When the credits run out, the job pauses
with a notice, and goes on after a top-up.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, HTTPException
from pydantic import BaseModel
from shared import PRICES, current_user, new_app

from credits_core.http.steps import Steps
from credits_core.webhooks import JobWebhook
from credits_fastapi import Charge

QUARTER = 0.25
LEASE = 1800
"""Seconds that a job may be silent before its hold is given back."""

jobs: dict[str, dict[str, Any]] = {}
"""By id, what their users see. A real app keeps them in its database."""


def price(hours: float) -> int:
    return PRICES.cost("training_job", hours)


class TrainingWebhook(JobWebhook):
    """The ready-made webhook; what it tells the worker, the user sees, too."""

    def handle(self, event: dict[str, Any]) -> Steps[Mapping[str, Any]]:
        done = yield from super().handle(event)
        if event.get("jobId") in jobs:
            jobs[event["jobId"]].update(done, status=event["status"])
        return done


app, paywall = new_app("train", TrainingWebhook(price=price, lease=LEASE))

Held = Annotated[
    Charge,
    Depends(paywall.hold_credits(PRICES.priced("training_job", QUARTER), expires_in=LEASE)),
]


class Training(BaseModel):
    dataset: str


@app.post("/api/train/start", status_code=202)
async def start(training: Training, charge: Held) -> dict[str, Any]:
    """Hold the first quarter of an hour, and hand the hold over to the worker."""
    job = {"jobId": charge.hand_over(), "userId": charge.user_id, "dataset": training.dataset}
    jobs[job["jobId"]] = {**job, "status": "started", "action": "continue"}
    # Here a real app sends `job` to its GPU provider.
    return {**job, "held": charge.amount}


@app.get("/api/train/jobs/{job_id}")
async def job(job_id: str, user: Annotated[str, Depends(current_user)]) -> dict[str, Any]:
    """How a job goes: a paused one has a `notice`."""
    if jobs.get(job_id, {}).get("userId") != user:
        raise HTTPException(404, "you have no such job")
    return jobs[job_id]
