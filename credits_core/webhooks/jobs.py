"""The webhook that a worker calls about a job that is paid from a hold, such as a training.

The worker signs what it says by Standard Webhooks, with a secret that it shares with the app.
"""

from __future__ import annotations

import json
import logging
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, StrictInt

from credits_core.errors import (
    HoldClosedError,
    HoldNotFoundError,
    InsufficientCreditsError,
    InvalidRequestError,
    LimitExceededError,
)
from credits_core.webhooks.signatures import Secrets, StandardSignature
from credits_core.webhooks.webhook import Webhook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta

    from credits_core.http.steps import Steps
    from credits_core.models import Hold, Receipt

__all__ = ["VARIABLE", "JobWebhook", "sign_job"]

log: Final = logging.getLogger("credits_core.webhooks")

VARIABLE: Final = "CREDITS_JOB_WEBHOOK_SECRET"
"""The environment variable of the secret."""

Shortfall = Literal["refuse", "take", "owe"]


class _Report(BaseModel):
    hold_id: str = Field(alias="holdId")
    user_id: str = Field(alias="userId")
    job_id: str | None = Field(None, alias="jobId")
    status: Literal["progress", "completed", "failed"]
    amount: Annotated[StrictInt, Field(ge=0)] | None = None
    used: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


class JobWebhook(Webhook):
    """Settles the hold of a job when it ends, and keeps the hold alive while it runs.

    A report is JSON: `holdId`, `userId`, `status`, and how much: `amount` in credits, or `used` in
    whatever `price` makes credits of. Each is answered by what the job is to do, its `action`:

    - `"progress"`: the job needs so many credits in all by its next report. The hold lives for
      `lease` (seconds or a timedelta) from now on, and grows to that amount: `"continue"`. When
      the credits do not suffice: `"pause"`, with a `notice` for people; the hold stays, and the
      same report once more after a top-up lets it go on.
    - `"completed"`: it cost so many in the end. They are kept, the rest goes back: `"done"`. What
      the balance does not have is forgiven, owed or refused as `shortfall` says in `settle`;
      `"refuse"` pauses.
    - `"failed"`: all goes back, or all but `amount` or `used`: `"done"`.

    When the hold has ended in another way, or there is none: `"stop"`. Reports may come twice.

    `secret` is shared with the worker, `whsec_` and 24 or more bytes in base64; or several;
    CREDITS_JOB_WEBHOOK_SECRET unless given. Raises `InvalidRequestError` without one.
    """

    name = "jobs"
    path = "/api/webhooks/jobs"
    variable = VARIABLE

    def __init__(
        self,
        *,
        secret: str | Iterable[str] | None = None,
        price: Callable[[float], int] | None = None,
        lease: float | timedelta = 1800,
        shortfall: Shortfall = "take",
        path: str | None = None,
    ) -> None:
        """Read the secret, and say what work costs and how long a silent job keeps its hold."""
        super().__init__(secret=secret, path=path)
        self._price = price
        self._lease = lease
        if shortfall not in ("refuse", "take", "owe"):
            raise InvalidRequestError('shortfall is "refuse", "take" or "owe"')
        self._shortfall = shortfall

    def handle(self, event: dict[str, Any]) -> Steps[Mapping[str, Any]]:
        """Do what a report asks for, and answer what the job is to do."""
        report = _Report.model_validate(event)
        told = {} if report.job_id is None else {"jobId": report.job_id}
        try:
            if report.status == "progress":
                done = yield from self._renewed(report)
            else:
                done = yield from self._ended(report)
        except InsufficientCreditsError as error:
            done = _pause(report, error)
        except HoldClosedError as error:
            done = _stop(report, error.state, charged=error.kept)
        except HoldNotFoundError:
            done = _stop(report, "unknown")
        return {**told, **done}

    def _renewed(self, report: _Report) -> Steps[dict[str, Any]]:
        needed = self._amount(report)
        hold: Hold = yield lambda credits: credits.extend(
            report.user_id, report.hold_id, expires_in=self._lease
        )
        before = hold.amount
        if needed > before:
            # Of two of the same report one takes the credits.
            key = f"job:{report.hold_id}:{before}:{needed}"
            try:
                hold = yield lambda credits: credits.extend(
                    report.user_id, report.hold_id, needed - before, idempotency_key=key
                )
            except LimitExceededError as error:
                if error.rule != "frozen":
                    raise
                return _paused(report, "The account is frozen.", rule="frozen")
        return {
            "action": "continue",
            "held": hold.amount,
            "balance": hold.balance,
            "expiresAt": hold.expires_at,
        }

    def _ended(self, report: _Report) -> Steps[dict[str, Any]]:
        nothing = report.amount is None and report.used is None
        amount = 0 if report.status == "failed" and nothing else self._amount(report)
        # A job that took longer than its hold lived has worked for it all the same.
        receipt: Receipt = yield lambda credits: credits.settle(
            report.user_id,
            report.hold_id,
            amount,
            shortfall=self._shortfall,
            if_expired="charge" if amount else "refuse",
        )
        if receipt.amount < amount:
            log.warning(
                "job %s of %r cost %d credits and was charged %d: there were no more",
                *(report.job_id or report.hold_id, report.user_id, amount, receipt.amount),
            )
        return {"action": "done", "charged": receipt.amount, "balance": receipt.balance}

    def _amount(self, report: _Report) -> int:
        if report.amount is not None:
            return report.amount
        if report.used is None or self._price is None:
            raise ValueError("a report says amount, or used where the webhook has a price")
        return self._price(report.used)


def _pause(report: _Report, error: InsufficientCreditsError) -> dict[str, Any]:
    notice = (
        f"The job needs {error.required} more credits and the account can spend "
        f"{error.available}. It goes on after a top-up."
    )
    told = {"required": error.required, "available": error.available, "missing": error.missing}
    return _paused(report, notice, rule="balance", **told)


def _paused(report: _Report, notice: str, **told: Any) -> dict[str, Any]:
    log.warning("job %s of %r pauses: %s", report.job_id or report.hold_id, report.user_id, notice)
    return {"action": "pause", "notice": notice, **told}


def _stop(report: _Report, state: str, **told: Any) -> dict[str, Any]:
    log.warning(
        "job %s of %r reports %s and its hold is %s",
        *(report.job_id or report.hold_id, report.user_id, report.status, state),
    )
    return {"action": "stop", "state": state, **told}


def sign_job(
    secret: str, report: Mapping[str, Any], *, message_id: str | None = None
) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a report, for the worker to post as they are.

    The signature is good for five minutes; sign again what is posted later, under the same
    `message_id` if it is the same report.

    >>> secret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
    >>> report = {"holdId": "hold_1", "userId": "alice", "status": "completed", "amount": 25}
    >>> body, headers = sign_job(secret, report, message_id="msg_1")
    >>> body
    b'{"holdId": "hold_1", "userId": "alice", "status": "completed", "amount": 25}'
    >>> sorted(headers)
    ['content-type', 'webhook-id', 'webhook-signature', 'webhook-timestamp']
    """
    signature = StandardSignature(Secrets(secret, VARIABLE))
    body = json.dumps(dict(report)).encode()
    return body, {
        "content-type": "application/json",
        **signature.sign(message_id or f"msg_{uuid.uuid4().hex}", body, datetime.now(UTC)),
    }
