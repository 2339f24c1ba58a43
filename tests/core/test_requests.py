"""Requests as commands: the words that are sent, and how they travel."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from credits_core import InvalidRequestError, RequestRecord, commands, decoding, scripts
from credits_core.keys import KeySpace

KEYS = KeySpace()
GIVEN = ("alice", "POST /images", "k-1")
OWNER = re.compile("[0-9a-f]{32}")
NOW = "1800000000000.125"


def begin(**more):
    return commands.begin_request(
        KEYS, *GIVEN, **({"fingerprint": "f", "lease": 60.0, "owner": None} | more)
    )


ALL = {
    "begin_request": begin(),
    "finish_request": commands.finish_request(KEYS, *GIVEN, "me", "done", keep=86400.0),
    "abandon_request": commands.abandon_request(KEYS, *GIVEN, "me"),
}


@pytest.mark.parametrize("name", ALL)
def test_each_has_a_name_one_key_a_deadline_and_a_witness(name):
    command = ALL[name]
    assert (command.name, command.user_id) == (name, "alice")
    assert command.call.script is getattr(scripts, name.upper())
    assert command.call.keys == (KEYS.request(*GIVEN),)
    assert (command.timed, command.writes, command.witnessed) == (True, True, True)
    assert all(type(word) is str for word in command.bind(77).args)


def test_the_words():
    owner, fingerprint, lease, call = begin(lease=timedelta(minutes=5)).call.args
    assert OWNER.fullmatch(owner)
    assert OWNER.fullmatch(call)
    assert (fingerprint, lease) == ("f", "300000")
    assert ALL["finish_request"].call.args == ("me", "done", "86400000")
    assert ALL["abandon_request"].call.args == ("me",)


def test_each_call_is_known_by_itself_also_of_one_owner():
    one, other = begin(owner="me").call.args, begin(owner="me").call.args
    assert one[:3] == other[:3]
    assert one[3] != other[3]


def test_what_may_be_long_does_not_travel_with_charges():
    assert scripts.BEGIN_REQUEST.bulky
    assert scripts.FINISH_REQUEST.bulky
    assert not scripts.ABANDON_REQUEST.bulky


@pytest.mark.parametrize(
    ("reply", "record"),
    [
        (["ok", NOW, "t", ""], RequestRecord("begun", "me", token="t")),
        (["ok", NOW, "t", "1"], RequestRecord("begun", "me", token="t", again=True)),
        (["running", NOW, "250"], RequestRecord("running", "me", lease_left=250)),
        (["replayed", NOW, "OK"], RequestRecord("answered", "me", answer="OK")),
        (["conflict", NOW], RequestRecord("mismatch", "me")),
    ],
)
def test_what_replies_to_a_begin_mean(reply, record):
    assert decoding.begun(reply, user_id="alice", owner="me") == record


def test_what_replies_to_an_end_mean():
    assert decoding.ended(["ok", NOW], user_id="alice") is True
    assert decoding.ended(["gone", NOW], user_id="alice") is False


@pytest.mark.parametrize("what", ["owner", "lease"])
def test_what_the_ledger_calls_invalid(what):
    with pytest.raises(InvalidRequestError, match=what):
        decoding.begun(["invalid", NOW, what], user_id="alice", owner="me")
    with pytest.raises(InvalidRequestError, match=what):
        decoding.ended(["invalid", NOW, what], user_id="alice")
