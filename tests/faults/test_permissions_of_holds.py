"""A server whose access rules forbid a command: a hold ends whole, or stays as it is."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from credits_core import BackendError, Credits
from tests.support.servers import Server

FORBIDDEN = ("hset", "set", "zadd", "hdel", "zrem", "hmget", "hget", "zrangebyscore")


@pytest.fixture(scope="module")
def ruled():
    with Server() as server:
        yield server


def login(server, *rules):
    server.call("ACL", "SETUSER", "app", "reset", "on", ">secret", "~*", "+@all", *rules)
    return f"redis://app:secret@127.0.0.1:{server.port}/0"


@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_a_settlement_gives_back_once_whatever_is_forbidden(ruled, user, forbidden):
    with Credits.from_url(login(ruled)) as credits:
        credits.initialize_user(user, 100)
        hold = credits.hold(user, 60, "train")
    with Credits.from_url(login(ruled, f"-{forbidden}"), timeout=0.3) as credits:
        for _ in range(2):
            with suppress(BackendError):
                credits.settle(user, hold.id, 25)
    with Credits.from_url(login(ruled)) as credits:
        assert credits.verify_balance(user).valid
        assert credits.settle(user, hold.id, 25).balance == 75
        assert credits.get_account(user).holds == ()


@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_an_expiry_gives_back_once_whatever_is_forbidden(ruled, user, forbidden):
    with Credits.from_url(login(ruled)) as credits:
        credits.initialize_user(user, 100)
        credits.hold(user, 60, "train", expires_in=0.02)
    time.sleep(0.03)
    with Credits.from_url(login(ruled, f"-{forbidden}"), timeout=0.3) as credits:
        for _ in range(2):
            with suppress(BackendError):
                credits.get_balance(user)
    with Credits.from_url(login(ruled)) as credits:
        assert credits.get_balance(user) == 100
        assert credits.verify_balance(user).valid
        assert credits.get_account(user).holds == ()


@pytest.mark.parametrize("forbidden", FORBIDDEN)
def test_what_is_claimed_is_taken_once_whatever_is_forbidden(ruled, user, forbidden):
    with Credits.from_url(login(ruled)) as credits:
        added = credits.add(user, 100, "purchase")
        hold = credits.hold(user, 60, "train")
    with (
        Credits.from_url(login(ruled, f"-{forbidden}"), timeout=0.3) as credits,
        suppress(BackendError),
    ):
        credits.revoke(user, added.tx_id)
    with Credits.from_url(login(ruled)) as credits:
        assert credits.verify_balance(user).valid
        credits.revoke(user, added.tx_id)
        assert credits.get_account(user).claimed == 60
    with Credits.from_url(login(ruled, f"-{forbidden}"), timeout=0.3) as credits:
        for _ in range(2):
            with suppress(BackendError):
                credits.settle(user, hold.id, 25)
    with Credits.from_url(login(ruled)) as credits:
        assert credits.verify_balance(user).valid
        assert credits.settle(user, hold.id, 25).balance == 0
        assert credits.get_account(user).holds == ()
        assert credits.verify_balance(user).valid
