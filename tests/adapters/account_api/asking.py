"""Requests to the account API of a site."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from standardwebhooks import Webhook

from credits_core.api import PATHS
from credits_core.webhooks import sign_job
from tests.adapters.paths.contract import CRON_SECRET, WEBHOOK_SECRET, account_api

if TYPE_CHECKING:
    import httpx

    from tests.adapters.paths.sites import Site

ADMIN: Final = {"X-Admin": "root"}
CRON: Final = {"Authorization": f"Bearer {CRON_SECRET}"}

ROUTES: Final = {(route.name, route.method): route for route in account_api().routes}


def signed(name: str, event: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """An event as its provider sends it: the body, and its headers."""
    if name == "webhook-jobs":
        return sign_job(WEBHOOK_SECRET, event)
    body, now = json.dumps(event), datetime.now(UTC)
    signature = Webhook(WEBHOOK_SECRET).sign("msg_1", now, body)
    stamp = str(int(now.timestamp()))
    headers = {"svix-id": "msg_1", "svix-timestamp": stamp, "svix-signature": signature}
    return body.encode(), {"Content-Type": "application/json", **headers}


def call(site: Site, name: str, event: dict[str, Any]) -> httpx.Response:
    """What the site answers to a provider."""
    body, headers = signed(name, event)
    return site.http.post(ROUTES[name, "POST"].path, content=body, headers=headers)


def read(site: Site, name: str, user: str, **query: Any) -> httpx.Response:
    """What a user reads."""
    return site.get(PATHS[name], user, params=query)


def administer(site: Site, name: str, body: Any, **headers: str) -> httpx.Response:
    """What an admin does."""
    return site.http.post(PATHS[name], json=body, headers={**ADMIN, **headers})
