"""What a charge adds to a Flask request, one request at a time, as a sync worker serves them.

The app is called as a server calls it. A worker that serves one request waits for the round
trip of its charge; what a bare `Credits.deduct` takes in the same run stands beside it.
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from werkzeug.test import create_environ

from credits_core import Credits
from credits_flask import FlaskCredits
from tests.benchmarks.fastapi_cost import Added
from tests.benchmarks.harness import ROUNDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.servers import Server

REQUESTS = 1000
ENVIRON = create_environ("/", headers={"X-User": "alice"})


def signed_in() -> str:
    return request.headers["X-User"]


def view() -> dict[str, int]:
    return {"left": len(signed_in())}


def app_of(url: str, decorated: Callable[[FlaskCredits], Any]) -> Flask:
    app = Flask("bench")
    app.config["CREDITS_URL"] = url
    app.add_url_rule("/", view_func=decorated(FlaskCredits(app, user=signed_in)))
    return app


def per_request(app: Flask) -> float:
    """Microseconds a request."""

    def start_response(status: str, *_: object) -> None:
        assert status.startswith("200")

    started = time.perf_counter()
    for _ in range(REQUESTS):
        answer: Any = app(ENVIRON.copy(), start_response)
        b"".join(answer)
        getattr(answer, "close", int)()
    return (time.perf_counter() - started) / REQUESTS * 1e6


def per_deduct(credits: Credits) -> float:
    """Microseconds a bare charge."""
    started = time.perf_counter()
    for _ in range(REQUESTS):
        credits.deduct("alice", 1, "bench")
    return (time.perf_counter() - started) / REQUESTS * 1e6


async def rows(server: Server) -> AsyncIterator[Added]:
    plain = Flask("bench")
    plain.add_url_rule("/", view_func=view)
    apps = [
        ("Flask, an app that charges, a free view", app_of(server.url, lambda _: view)),
        ("Flask with a charge", app_of(server.url, lambda one: one.charges(1)(view))),
        ("Flask with a hold that is settled", app_of(server.url, lambda one: one.holds(1)(view))),
    ]
    with Credits.from_url(server.url) as credits:
        credits.initialize_user("alice", 10**12)
        bare = statistics.median(per_deduct(credits) for _ in range(ROUNDS))
        for what, app in apps:
            pairs = [(per_request(app), per_request(plain)) for _ in range(ROUNDS + 1)]
            added = tuple(ours - theirs for ours, theirs in pairs[1:])
            told = f"{what} (a bare deduct: {bare:.0f} µs)" if "a charge" in what else what
            yield Added(told, added, statistics.median(pair[1] for pair in pairs[1:]))
