"""Passwords, tokens and metadata stay out of whatever people and logs get to see."""

from __future__ import annotations

import logging
import pickle

import pytest

from credits_core import (
    AsyncCredits,
    BackendUnavailableError,
    Credits,
    InvalidRequestError,
    OutcomeUnknownError,
    Receipt,
)
from credits_core.config import from_environment
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import METADATA, PASSWORD, TOKEN, attempt, check_secrets, ready
from tests.support.proxy import Proxy
from tests.support.tls import make_certificates


@pytest.fixture
def open_credits(opened, sync):
    def open_one(url: str, **options):
        maker = Credits if sync else AsyncCredits
        client = maker.from_url(url, **({"timeout": 1} | options))
        return opened(AsyncFace(client) if sync else client)

    return open_one


async def test_a_wrong_or_missing_password_is_refused_and_not_shown(open_credits, store, user):
    place = f"127.0.0.1:{store.port}/0"
    for login, secret in (("", ""), (":wrong-secret@", "wrong-secret"), ("me:mine@", "mine")):
        error = await attempt(open_credits(f"redis://{login}{place}").add(user, 5, "opening"))
        assert isinstance(error, BackendUnavailableError)
        check_secrets(error, *filter(None, [secret]))
        assert any(word in str(error).lower() for word in ("password", "auth"))


async def test_a_password_set_while_we_are_connected(fragile, open_credits, user):
    fragile.call("CONFIG", "SET", "requirepass", "")
    credits = open_credits(f"redis://127.0.0.1:{fragile.port}")
    await ready(credits, user)
    fragile.call("CONFIG", "SET", "requirepass", PASSWORD)
    fragile.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await attempt(credits.get_balance(user))  # finds its connections broken
    error = await attempt(credits.deduct(user, 10, "charge", METADATA))
    assert isinstance(error, BackendUnavailableError)


async def test_a_unix_socket_with_a_password(open_credits, store, user):
    assert (await open_credits(store.unix_url).add(user, 5, "opening")).balance == 5
    url = store.unix_url.replace(PASSWORD, "wrong-secret")
    error = await attempt(open_credits(url).add(user, 5, "opening"))
    assert isinstance(error, BackendUnavailableError)
    check_secrets(error, "wrong-secret")
    error = await attempt(open_credits("unix:///nowhere/s.sock").add(user, 5, "opening"))
    assert isinstance(error, BackendUnavailableError)


async def test_tls_with_the_right_authority_only(open_credits, store, user, tmp_path):
    certificates = make_certificates(tmp_path)
    with Proxy(store, tls=certificates.server) as proxy:
        trusting = open_credits(f"{proxy.url}?ssl_ca_certs={certificates.ca_file}", timeout=5)
        assert (await trusting.add(user, 5, "opening", METADATA)).balance == 5
        proxy.lose_reply()
        assert (await trusting.add(user, 5, "more", METADATA)).balance == 10

        error = await attempt(open_credits(proxy.url).add(user, 5, "opening", METADATA))
        assert isinstance(error, BackendUnavailableError)
        assert "certificate" in str(error).lower()
        plain = proxy.url.replace("rediss://", "redis://")
        error = await attempt(open_credits(plain).add(user, 5, "opening", METADATA))
        assert isinstance(error, BackendUnavailableError)


async def test_tls_to_a_server_without_it(open_credits, store, user):
    url = store.url.replace("redis://", "rediss://")
    error = await attempt(open_credits(url).add(user, 5, "opening", METADATA))
    assert isinstance(error, BackendUnavailableError)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{PASSWORD}/half@localhost:6379/0",
        f"redis://:p@{PASSWORD}/half#rest@localhost:6379/0",
        f"redis://:{PASSWORD}#rest@localhost:6379/0",
        f"redis://:16379?{PASSWORD}@localhost",
        f"redis://:{PASSWORD}@localhost:6379/staging",
        f"redis://:{PASSWORD}@localhost:6379/1/2",
        f"redis://:{PASSWORD}@localhost:6379/-1",
        f"rediss://:{PASSWORD}@localhost:6379/0#1",
        f"redis://:{PASSWORD}@localhost:port/0",
        f"redis://:{PASSWORD}@localhost:6379:6380/0",
        f"redis://:{PASSWORD}@[::1/0",
        f"redis://:{PASSWORD}@localhost/0?socket_timeout=soon",
        f"redis://:{PASSWORD}@localhost/0?no_such_option=1",
        f"redis+sentinel://:{PASSWORD}@localhost:x/mymaster",
        f"redis+sentinel://:{PASSWORD}@localhost:26379/",
        f"redis+sentinel://:{PASSWORD}@localhost:26379/mymaster?no_such_option=1",
        f"redis+cluster://:{PASSWORD}@:6379",
        f"redis+cluster://:{PASSWORD}@localhost:6379?no_such_option=1",
        f"postgres://:{PASSWORD}@localhost/0",
        f"https://user:{PASSWORD}@x.upstash.io",
        f"http://x.upstash.io/?{PASSWORD}",
        f"redis:{PASSWORD}@localhost",
    ],
)
async def test_urls_that_are_wrong_are_refused_without_showing_them(url, user, sync):
    async def use() -> Receipt:
        maker = Credits if sync else AsyncCredits
        client = maker.from_url(url, token=TOKEN if url.startswith("http") else None)
        credits = AsyncFace(client) if sync else client
        try:
            return await credits.add(user, 1, "opening")
        finally:
            await credits.aclose()

    assert isinstance(await attempt(use()), InvalidRequestError)


def test_an_environment_without_a_store_is_named_without_values():
    with pytest.raises(InvalidRequestError, match="CREDITS_URL") as refused:
        from_environment({"CREDITS_TOKEN": TOKEN})
    check_secrets(refused.value)


async def test_an_unknown_outcome_travels_without_showing_its_metadata(wire, opened, user):
    credits = opened(wire.open(timeout=0.8))
    await ready(credits, user)
    wire.lose_reply(2)
    error = await attempt(credits.deduct(user, 10, "charge", METADATA, idempotency_key="k"))
    assert isinstance(error, OutcomeUnknownError)
    copy = pickle.loads(pickle.dumps(error))
    check_secrets(copy)
    assert (copy.tx_id, copy.user_id, str(copy)) == (error.tx_id, user, str(error))
    assert await credits.resolve(copy) == await credits.resolve(error)


async def test_clients_do_not_show_their_secrets(open_credits, store, gateway, caplog):
    with caplog.at_level(logging.DEBUG):
        tcp = open_credits(store.url)
        rest = open_credits(gateway.url, token=TOKEN)
        for credits in (tcp, rest):
            assert isinstance(await attempt(credits.add("u-seen", 1, "x", METADATA)), Receipt)
            client = getattr(credits, "sync", credits)
            for shown in (client, client._backend, client._executor):
                assert PASSWORD not in repr(shown)
                assert TOKEN not in repr(shown)
    assert PASSWORD not in caplog.text
    assert TOKEN not in caplog.text
