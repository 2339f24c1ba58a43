"""Requests with a key as the tests make them, and what is told of them."""

from __future__ import annotations

from credits_core import RequestRecord, commands
from credits_core.keys import KeySpace

ROUTE, KEY, PRINT = "POST /images", "k-1", "sha256:1"
DAY = 86_400
HOUR = 3600


def begin(credits, user, owner=None, *, lease=60.0, fingerprint=PRINT, route=ROUTE, key=KEY):
    return credits.begin_request(
        user, route, key, fingerprint=fingerprint, lease=lease, owner=owner
    )


def finish(credits, user, owner, answer="done", **more):
    return credits.finish_request(user, ROUTE, KEY, owner, answer, **more)


def abandon(credits, user, owner):
    return credits.abandon_request(user, ROUTE, KEY, owner)


def record_of(user, route=ROUTE, key=KEY):
    return KeySpace().request(user, route, key)


def begun_by(owner, token=None, *, again=False):
    return RequestRecord("begun", owner, token=token or owner, again=again)


def answered(asker, answer):
    return RequestRecord("answered", asker, answer=answer)


async def lives(store, user):
    """For how many whole seconds the record is kept, rounded."""
    return round(await store.run("PTTL", record_of(user)) / 1000)


def made(credits, user, owner, **more):
    """The three calls as commands, whose bytes can be told again."""
    keys, given = credits._keys, (user, ROUTE, KEY)
    return {
        "begin": commands.begin_request(
            keys, *given, fingerprint=PRINT, lease=more.get("lease", 60), owner=owner
        ),
        "finish": commands.finish_request(keys, *given, owner, "done", keep=60),
        "abandon": commands.abandon_request(keys, *given, owner),
    }
