"""Requests with a key of their client that an outage served."""

from __future__ import annotations

import json

import pytest

from credits_core import BackendUnavailableError
from credits_core.outage import OutageJournal, RequestKey
from tests.core.outage.serving import admit


def test_the_store_learns_of_a_request_from_whoever_charges_it(folder, credits, user):
    request = RequestKey("k", "of-the-body")
    with OutageJournal(folder) as first:
        admit(first, user, request=request).serve(10, "chat")
        assert first.serves("/chat", user, "k")
        assert not first.serves("/image", user, "k")
    with OutageJournal(folder) as second:
        assert not second.serves("/chat", user, "k")
        assert second.collect_sync(credits).collected == 1
    told = credits.begin_request(user, "/chat", "k", fingerprint="of-the-body")
    assert (told.state, json.loads(told.answer)["body"]) == ("answered", None)
    assert credits.begin_request(user, "/chat", "k", fingerprint="x").state == "mismatch"


@pytest.mark.parametrize("ends", ["void", "collect"])
def test_a_request_counts_until_all_of_it_is_done_with(journal, credits, user, ends):
    request = RequestKey("k", "f")
    one, two = (admit(journal, user, request=request) for _ in range(2))
    one.void()
    assert journal.serves("/chat", user, "k")
    if ends == "void":
        two.void()
    else:
        two.serve(4, "chat")
        assert journal.serves("/chat", user, "k")
        journal.collect_sync(credits)
    assert not journal.serves("/chat", user, "k")


def test_a_request_that_is_worked_on_is_left_alone_and_what_it_had_is_charged(
    journal, credits, user
):
    running = credits.begin_request(user, "/chat", "k", fingerprint="f")
    admit(journal, user, request=RequestKey("k", "f")).serve(10, "chat")
    assert journal.collect_sync(credits).credits == 10
    again = credits.begin_request(user, "/chat", "k", fingerprint="f", owner=running.owner)
    assert again.state == "begun"


def test_what_broke_off_before_the_store_learnt_of_the_request_is_told_it_by_the_next_run(
    journal, credits, user, monkeypatch
):
    admit(journal, user, request=RequestKey("k", "f")).serve(10, "chat")
    finish, broken = credits.finish_request, []

    def breaks_once(*args, **more):
        if not broken:
            broken.append(True)
            raise BackendUnavailableError("away")
        return finish(*args, **more)

    monkeypatch.setattr(credits, "finish_request", breaks_once)
    assert journal.collect_sync(credits).collected == 0
    assert journal.collect_sync(credits).collected == 1
    assert credits.begin_request(user, "/chat", "k", fingerprint="f").state == "answered"


def test_a_request_that_the_store_refuses_to_know_is_charged_with_a_warning(
    journal, credits, user, caplog
):
    admit(journal, user, request=RequestKey("k", "f" * 200)).serve(10, "chat")
    assert journal.collect_sync(credits).credits == 10
    assert "'k'" in caplog.text
