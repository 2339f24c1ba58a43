"""What a charge adds to a Django request: sync by WSGI, one after the other, and async by ASGI.

The app is called as a server calls it; the same view without a charge, and without our
middleware's work, is measured beside it.
"""

from __future__ import annotations

import asyncio
import io
import statistics
import time
from typing import TYPE_CHECKING, Any

import django
from django.conf import settings

from tests.benchmarks.fastapi_cost import Added, per_request
from tests.benchmarks.flask_cost import per_deduct
from tests.benchmarks.harness import ROUNDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.servers import Server

SEQUENTIAL = 1000


def configure(url: str) -> None:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        CREDITS={"URL": url, "USER": "tests.benchmarks.django_views.payer"},
        INSTALLED_APPS=["credits_django"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=["credits_django.middleware.CreditsMiddleware"],
        ROOT_URLCONF="tests.benchmarks.django_views",
        SECRET_KEY="of-the-benchmark",
    )
    django.setup()


def sequential(app: Callable[..., Any], path: str) -> float:
    """Microseconds a request, one after the other."""
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "HTTP_HOST": "bench",
        "HTTP_X_USER": "alice",
        "SERVER_NAME": "bench",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }

    def start(status: str, headers: Any) -> None:
        assert status.startswith("200"), status

    started = time.perf_counter()
    for _ in range(SEQUENTIAL):
        response = app({**environ}, start)
        b"".join(response)
        response.close()
    return (time.perf_counter() - started) / SEQUENTIAL * 1e6


async def rows(server: Server) -> AsyncIterator[Added]:
    configure(server.url)
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 - of a configured project
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415

    from credits_django import client, clients  # noqa: PLC0415

    client().initialize_user("alice", 10**12)
    wsgi, asgi = get_wsgi_application(), get_asgi_application()

    async def by_wsgi(path: str) -> float:
        return await asyncio.to_thread(sequential, wsgi, path)

    async def by_asgi(path: str) -> float:
        return await per_request(asgi, f"/a{path[1:]}")

    bare = statistics.median(per_deduct(client()) for _ in range(ROUNDS))
    for what, measure in (("WSGI, sequential", by_wsgi), ("ASGI, 50 at once", by_asgi)):
        for path, name in (("/charged", "a charge"), ("/held", "a hold that is settled")):
            pairs = [(await measure(path), await measure("/plain")) for _ in range(ROUNDS + 1)]
            added = tuple(ours - theirs for ours, theirs in pairs[1:])
            plain = statistics.median(pair[1] for pair in pairs[1:])
            told = f" (a bare deduct: {bare:.0f} µs)" if measure is by_wsgi else ""
            yield Added(f"Django with {name}, {what}{told}", added, plain)
    await clients.aclose()
    clients.reset()
