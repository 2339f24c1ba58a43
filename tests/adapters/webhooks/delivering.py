"""Webhooks as providers send them: signed by the providers' own libraries."""

from __future__ import annotations

import asyncio
import inspect
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import stripe
from standardwebhooks.webhooks import Webhook as StandardWebhook

from credits_core.http.exchange import Asked
from credits_core.http.steps import arun, run

if TYPE_CHECKING:
    from credits_core.http.exchange import Answer, Route

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"


def standard(body: bytes, secret: str = SECRET, prefix: str = "webhook") -> dict[str, str]:
    """The headers of Standard Webhooks, or of Svix."""
    now, message = datetime.now(UTC), f"msg_{uuid.uuid4().hex}"
    return {
        f"{prefix}-id": message,
        f"{prefix}-timestamp": str(int(now.timestamp())),
        f"{prefix}-signature": StandardWebhook(secret).sign(message, now, body.decode()),
    }


def svix(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return standard(body, secret, "svix")


def stripes(body: bytes, secret: str = SECRET) -> dict[str, str]:
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), secret)
    return {"stripe-signature": header}


@dataclass
class Sender:
    """Delivers what is signed to a route, by a client of either kind, and looks at accounts."""

    client: Any

    async def ask(self, route: Route, body: bytes, headers: dict[str, str]) -> Answer:
        asked = Asked(headers=headers, body=body)
        if inspect.iscoroutinefunction(self.client.add):
            return await arun(self.client, route.handler(asked))
        return await asyncio.to_thread(run, self.client, route.handler(asked))

    async def send(self, route: Route, event: Any, sign: Any = standard) -> Answer:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        return await self.ask(route, body, sign(body))

    async def do(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """A method of the client."""
        done = getattr(self.client, name)(*args, **kwargs)
        return await done if asyncio.iscoroutine(done) else done

    async def balance(self, user: str) -> int:
        """The balance, which is the sum of the log."""
        checked = await self.do("verify_balance", user)
        assert checked.valid
        return int(await self.do("get_balance", user))

    async def amounts(self, user: str, action: str | None = None) -> list[int]:
        """The log, oldest first, or what in it is of one action."""
        log = (await self.do("get_transactions", user))[::-1]
        return [entry.amount for entry in log if action in (None, entry.action)]
