"""Who is admitted in an outage: up to a limit a route and a user, by whole numbers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from credits_core import InvalidRequestError
from tests.core.outage.serving import admit, files, serve, written


def test_admits_up_to_the_limit_a_route_and_a_user(journal):
    for _ in range(3):
        assert admit(journal) is not None
    assert admit(journal, amount=1) is None
    assert admit(journal, user="bob") is not None
    assert admit(journal, route="/image") is not None
    assert admit(journal, route="/image", amount=21) is None
    assert admit(journal, limit=31, amount=1) is not None


@pytest.mark.parametrize("limit", [0, 9])
def test_admits_nobody_where_the_limit_is_less_than_the_work(journal, folder, limit):
    assert admit(journal, limit=limit) is None
    assert files(folder) == []


def test_what_failed_gives_its_allowance_back_once_and_leaves_nothing(journal, folder):
    admissions = [admit(journal) for _ in range(3)]
    admissions[0].void()
    admissions[0].void()
    assert admit(journal) is not None
    assert admit(journal, amount=1) is None
    assert files(folder)[0].read_bytes() == b""
    assert journal.pending == 0


def test_what_was_served_counts_until_it_is_collected(journal, credits, user):
    for _ in range(3):
        serve(journal, user, limit=30)
    assert admit(journal, user, amount=1) is None
    assert journal.collect_sync(credits).collected == 3
    assert admit(journal, user, amount=30) is not None


def test_work_that_cost_less_gives_the_difference_back(journal, credits, user):
    admit(journal, user, amount=30).serve(4, "chat")
    assert admit(journal, user, amount=27) is None
    rest = admit(journal, user, amount=26)
    assert rest is not None
    rest.void()
    assert journal.collect_sync(credits).credits == 4
    assert admit(journal, user, amount=30) is not None
    assert admit(journal, user, amount=1) is None


def test_void_after_serve_does_nothing(journal):
    admission = admit(journal, limit=10)
    admission.serve(10, "chat")
    admission.void()
    assert admit(journal, amount=1, limit=10) is None
    assert journal.pending == 1


def test_an_admission_ends_once(journal):
    admission = admit(journal)
    admission.serve(10, "chat")
    with pytest.raises(InvalidRequestError, match="has ended"):
        admission.serve(10, "chat")
    failed = admit(journal)
    failed.void()
    with pytest.raises(InvalidRequestError, match="has ended"):
        failed.serve(10, "chat")
    assert journal.pending == 1


def test_more_than_was_admitted_is_not_served(journal):
    admission = admit(journal)
    with pytest.raises(InvalidRequestError, match="only 10"):
        admission.serve(11, "chat")
    assert journal.pending == 0
    admission.serve(10, "chat")


def test_keys_are_fresh_and_long_or_those_handed_in(journal):
    keys = {admit(journal, amount=1, limit=1000).key for _ in range(100)}
    assert len(keys) == 100
    assert all(len(key) == len("outage_") + 32 for key in keys)
    assert admit(journal, user="bob", key="request-7").key == "request-7"


def test_one_key_serves_once_until_it_is_collected(journal, credits, new_user):
    user, other = new_user(), new_user()
    first = admit(journal, user, key="k")
    assert admit(journal, user, key="k") is None
    assert admit(journal, other, key="k") is not None
    first.void()
    serve(journal, user, key="k")
    assert admit(journal, user, key="k") is None
    journal.collect_sync(credits)
    assert admit(journal, user, key="k") is not None


def test_threads_get_together_what_the_limit_allows_and_write_all_of_it(journal, folder):
    start = threading.Barrier(8)

    def work(_):
        start.wait()
        mine = [admit(journal, amount=1, limit=100) for _ in range(50)]
        for admission in filter(None, mine):
            admission.serve(1, "chat")
        return sum(admission is not None for admission in mine)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 100
    assert journal.pending == 100
    assert len({line["key"] for line in written(folder)}) == 100


BAD = [
    ({"route": ""}, "route"), ({"route": 7}, "route"), ({"route": "a\nb"}, "route"),
    ({"user": ""}, "user_id"), ({"user": None}, "user_id"),
    ({"amount": 0}, "amount"), ({"amount": True}, "amount"), ({"amount": 1.0}, "amount"),
    ({"limit": -1}, "limit"), ({"limit": 1.5}, "limit"), ({"limit": None}, "limit"),
    ({"key": ""}, "idempotency_key"), ({"key": 7}, "idempotency_key"),
]  # fmt: skip


def test_a_route_has_the_length_that_a_request_may_name(journal):
    assert admit(journal, route="r" * 512) is not None
    with pytest.raises(InvalidRequestError, match="route"):
        admit(journal, route="r" * 513)


@pytest.mark.parametrize(("bad", "told"), BAD)
def test_bad_input_is_refused_and_counts_nothing(journal, bad, told):
    with pytest.raises(InvalidRequestError, match=told):
        admit(journal, **bad)
    assert admit(journal, amount=30) is not None


@pytest.mark.parametrize("bad", [
    (0, "chat"), (True, "chat"), (5, ""), (5, "user_initialized"), (5, "chat", {1: 2}),
    (5, "chat", {"x": float("nan")}), (5, "chat", {"x": "y" * 5000}),
])  # fmt: skip
def test_what_could_not_be_charged_is_not_served(journal, bad):
    admission = admit(journal)
    with pytest.raises(InvalidRequestError):
        admission.serve(*bad)
    assert journal.pending == 0
    admission.void()
    assert admit(journal, amount=30) is not None
