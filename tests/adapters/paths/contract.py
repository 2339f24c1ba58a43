"""What each app under test does, route by route: the tests know this page, not the frameworks.

The header `X-User` is the app's own authentication: its value is the user who pays, and without
it the answer is 401. Users whose name begins with `staff-` are exempt where the route says so.
The store is that of the variable `PATHS_STORE`; a request with a key has the lease of
`PATHS_LEASE`, in seconds. Its workers, which may be several processes, share the folder
`PATHS_FOLDER`. Each app installs its adapter with `top_up_url=TOP_UP_URL`.

Fixed price, `PRICE` credits for the action `"fixed"`:

| route | does |
|---|---|
| `GET /ok` | answers `DONE` |
| `GET /raised-404` | raises the framework's own 404 |
| `GET /returned-404` | answers 404 with `DONE` |
| `GET /broken` | raises `KeyError` |
| `GET /returned-500` | answers 500 with `DONE` |
| `GET /no-content` | answers 204 |
| `GET /slow?seconds=` | answers `DONE` after a while |
| `GET /stream?pieces=&pause=` | streams pieces, with a pause before each |
| `GET /stream-breaks?pieces=` | streams pieces and then raises `TimeoutError` |
| `POST /echo?seconds=&size=` | answers `echoed(…)` |
| `POST /echo-stream?pieces=&pause=` | streams pieces, after the body has been read |
| `POST /fails-first?how=` | answers 503, or raises, the first time that a user comes |
| `GET /exempt` | answers `DONE`; staff is exempt |
| `GET /big` | costs `BIG` for the action `"big"` |
| `GET /free` | costs 0 |
| `GET /priced?seconds=` | costs `Priced("video_generation", seconds)` |

Held, `ESTIMATE` credits for the action `"held"`, with steps of 2:

| route | does |
|---|---|
| `GET /held` | answers `DONE` |
| `GET /held-7` | settles 6.5 and answers `DONE` |
| `GET /held-404` | settles 3 and answers 404 |
| `GET /held-broken` | raises `KeyError` |
| `GET /held-slow?seconds=` | settles 2 and answers `DONE` after a while |
| `GET /metered?pieces=&pause=` | streams pieces at 1 credit, and `credits_event` at the end |
| `GET /metered-breaks?pieces=` | the same, and raises `TimeoutError` after them |
| `GET /nested` | calls a paid function of 5 credits, twice |

Pieces are those of `piece`, as server-sent events.

Beside them it mounts `account_api()`. Who sends `X-Admin` is the admin of that name.
"""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from credits_core.api import AccountApi
from credits_core.checkout import Checkout, Order
from credits_core.payments import PACKAGES, Package
from credits_core.webhooks import ClerkWebhook, JobWebhook

if TYPE_CHECKING:
    from collections.abc import Mapping

STORE: Final = "PATHS_STORE"
LEASE: Final = "PATHS_LEASE"
FOLDER: Final = "PATHS_FOLDER"

PRICE: Final = 10
BIG: Final = 1000
ESTIMATE: Final = 4
STEP: Final = 2
TOP_UP_URL: Final = "https://shop.example/credits"

DONE: Final = {"done": True}

CRON_SECRET: Final = "a-secret-of-the-tests-and-of-nobody-else"
DOCUMENT: Final = "/api/credits/openapi.json"
WEBHOOK_SECRET: Final = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"

_answers = itertools.count(1)


class TestCheckout(Checkout):
    """A provider that starts every checkout."""

    __test__ = False
    name = "tests"
    variable = "PATHS_CHECKOUT_KEY"

    def open(self, api_key: str, options: Mapping[str, Any]) -> None:
        pass

    def needs_id(self, package: Package) -> bool:
        return False

    def start(self, order: Order) -> str:
        return f"https://pay.example/{order.package.id}?user={quote(order.user_id)}"

    async def astart(self, order: Order) -> str:
        return self.start(order)


def account_api() -> AccountApi:
    """The account API that each app mounts."""
    return AccountApi(
        cron_secret=CRON_SECRET,
        document=DOCUMENT,
        checkout=TestCheckout(PACKAGES, base_url="https://shop.example", api_key="of-the-tests"),
        packages=PACKAGES,
        webhooks=[ClerkWebhook(secret=WEBHOOK_SECRET), JobWebhook(secret=WEBHOOK_SECRET)],
    )


def piece(number: int) -> str:
    """The piece that is number so many of a stream."""
    return f"data: {number}\n\n"


def echoed(body: bytes, size: int) -> tuple[str, dict[str, str]]:
    """The answer to `POST /echo`, of at least `size` characters, and its headers.

    `X-Answer` is another each time that it is worked out, and there is a cookie.
    """
    told: dict[str, Any] = {"echo": body.decode("latin-1"), "padding": "x" * size}
    headers = {"X-Answer": f"{os.getpid()}-{next(_answers)}", "Set-Cookie": "session=secret"}
    return json.dumps(told), headers


def first_time(user: str) -> bool:
    """Whether the user has not come before, to any worker."""
    try:
        Path(os.environ[FOLDER], user).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
