"""Requests to the account API of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from credits_core.api import PATHS
from tests.adapters.paths.contract import CRON_SECRET

if TYPE_CHECKING:
    import httpx

    from tests.adapters.paths.sites import Site

ADMIN: Final = {"X-Admin": "root"}
CRON: Final = {"Authorization": f"Bearer {CRON_SECRET}"}


def read(site: Site, name: str, user: str, **query: Any) -> httpx.Response:
    """What a user reads."""
    return site.get(PATHS[name], user, params=query)


def administer(site: Site, name: str, body: Any, **headers: str) -> httpx.Response:
    """What an admin does."""
    return site.http.post(PATHS[name], json=body, headers={**ADMIN, **headers})
