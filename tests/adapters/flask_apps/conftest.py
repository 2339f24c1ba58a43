"""A Flask app on the real server, and its client, signed in as a user with 100 credits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Flask, abort, request

from credits_flask import FlaskCredits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from tests.support.servers import Server


def signed_in() -> str:
    return request.headers.get("X-User") or abort(401)


@pytest.fixture
def app(server: Server) -> Iterator[Flask]:
    app = Flask("shop")
    app.config.update(CREDITS_URL=server.url, CREDITS_TOP_UP_URL="/plans", CREDITS_LOW_BALANCE=85)
    yield app
    if "credits" in app.extensions:
        FlaskCredits().close(app)


@pytest.fixture
def paywall(app: Flask) -> FlaskCredits:
    return FlaskCredits(app, user=signed_in)


@pytest.fixture
def http(app: Flask, payer: str) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_X_USER"] = payer
    return client
