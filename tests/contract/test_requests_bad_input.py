"""What begins no request: told by Python by its name, and by the scripts again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from credits_core import InvalidRequestError
from tests.contract.keyed_requests import DAY, KEY, PRINT, ROUTE, finish, made, record_of
from tests.contract.told import FAR, tell
from tests.core.bad_arguments import LINES, LONE

BAD_SPANS = ["nan", "inf", "0x10", "1e3", "-1", "0", "1.5", " 5", "", "9" * 400]


async def test_the_scripts_check_for_themselves(credits, store, user):
    client = getattr(credits, "sync", credits)

    async def invalid(command, position, text):
        call = command.bind(FAR)
        args = [*call.args]
        args[position - 1] = text
        found = await store.run("EVAL", call.script.text, 1, *call.keys, *args)
        return (found[0], found[2]) if len(found) > 2 else found[0]

    told = made(client, user, "me")
    for text in [*BAD_SPANS, "3600001"]:
        assert await invalid(told["begin"], 4, text) == ("invalid", "lease"), text
    assert await store.run("EXISTS", record_of(user)) == 0
    await tell(credits, told["begin"])
    for text in [*BAD_SPANS, "2592000001"]:
        assert await invalid(told["finish"], 4, text) == ("invalid", "keep"), text
    assert await invalid(told["finish"], 3, "x" * (2**20 + 1)) == ("invalid", "answer")
    assert await finish(credits, user, "me") is True


NO_LINES = LINES | {"none": None}
SPANS = {
    "zero": 0,
    "negative": -1,
    "below a ms": 0.0005,
    "true": True,
    "nan": float("nan"),
    "inf": float("inf"),
    "str": "60",
    "none": None,
    "huge": 10**5000,
    "negative delta": timedelta(seconds=-1),
    "longest delta": timedelta.max,
}
GIVEN = {"user_id": "u", "route": ROUTE, "key": KEY}
BEGIN = GIVEN | {"fingerprint": PRINT, "lease": 60, "owner": "me"}
FINISH = GIVEN | {"owner": "me", "answer": "done", "keep": 60}
BAD = {
    "user_id": NO_LINES | {"over-long": "x" * 257},
    "route": NO_LINES | {"over-long": "r" * 513},
    "key": NO_LINES | {"over-long": "k" * 256},
    "fingerprint": NO_LINES | {"over-long": "f" * 129},
    "owner": NO_LINES | {"over-long": "o" * 256},
    "lease": SPANS | {"over an hour": 3600.001, "long delta": timedelta(hours=1, seconds=1)},
    "answer": {"none": None, "int": 5, "bytes": b"x", "dict": {}, "lone surrogate": LONE,
               "over-long": "x" * (2**20 + 1), "over-long in bytes": "ü" * (2**19 + 1)},
    "keep": SPANS | {"over 30 days": 30 * DAY + 1, "long delta": timedelta(days=31)},
}  # fmt: skip
CALLS = {"begin_request": BEGIN, "finish_request": FINISH, "abandon_request": GIVEN | {"owner": ""}}
HOSTILE = [(name, argument) for name, given in CALLS.items() for argument in given]


@pytest.mark.parametrize(("name", "argument"), HOSTILE)
async def test_bad_arguments_are_refused_by_their_name(credits, store, user, name, argument):
    size = await store.run("DBSIZE")
    for told, value in BAD[argument].items():
        if (name, argument, told) == ("begin_request", "owner", "none"):
            continue  # one is made
        with pytest.raises(InvalidRequestError) as refusal:
            await getattr(credits, name)(**(CALLS[name] | {"user_id": user, argument: value}))
        assert argument in str(refusal.value), told
        assert len(str(refusal.value)) < 300
    assert await store.run("DBSIZE") <= size  # what other tests left may end meanwhile
