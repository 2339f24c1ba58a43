"""Pages of a log, driven by hand: how many entries are asked for, and when it is given up."""

from __future__ import annotations

import pytest

from credits_core import AccountStateError, BackendUnavailableError
from credits_core.keys import KeySpace
from credits_core.plans.pages import LEAST, PAGE, Pages, smaller

AWAY = BackendUnavailableError("no answer in time")


class Log:
    """A log that answers what a page asks for, unless it asks for more than `most`."""

    def __init__(self, scores, most=10**9):
        self.entries = [(f"m{number}", str(score)) for number, score in enumerate(scores)]
        self.most = most
        self.asked = []

    def answer(self, command):
        _, low, _, limit = command.call.args
        self.asked.append(int(limit))
        if int(limit) > self.most:
            return AWAY
        above = [pair for pair in self.entries if float(pair[1]) >= float(low)]
        return above[: int(limit)]

    def read(self, pages, most=None):
        plan = pages.following(most)
        try:
            batch = next(plan)
            while True:
                batch = plan.send([self.answer(command) for command in batch])
        except StopIteration as end:
            return end.value

    def walk(self):
        pages = Pages(KeySpace(), "alice", "oldest", "-inf", "+inf")
        found = []
        while not pages.done:
            found += self.read(pages)
        return found


def test_pages_follow_each_other():
    log = Log(range(2 * PAGE + 7))
    assert log.walk() == log.entries
    assert log.asked == [PAGE, PAGE + 1, PAGE + 1]


def test_a_page_that_takes_too_long_is_asked_for_in_less_from_then_on():
    log = Log(range(1000), most=200)
    assert log.walk() == log.entries
    assert log.asked.count(PAGE) == 1
    assert max(log.asked[1:]) <= 200


def test_what_stays_away_is_given_up():
    log = Log(range(1000), most=0)
    with pytest.raises(BackendUnavailableError):
        log.walk()
    assert log.asked[-1] == LEAST
    assert len(log.asked) <= 3


def test_a_few_entries_are_asked_for_once():
    pages = Pages(KeySpace(), "alice", "oldest", "-inf", "+inf")
    log = Log(range(10), most=0)
    with pytest.raises(BackendUnavailableError):
        log.read(pages, most=LEAST)
    assert log.asked == [LEAST]


def test_another_error_is_raised():
    broken = AccountStateError("broken", user_id="alice", state="wrong_type")
    with pytest.raises(AccountStateError):
        smaller(PAGE, broken)


@pytest.mark.parametrize("around", [0, 3, 700])
def test_many_entries_of_one_instant_are_read_in_linear_time(around):
    log = Log([*range(around), *[1000] * 30_000, *range(2000, 2000 + around)])
    assert log.walk() == log.entries
    assert sum(log.asked) < 4 * len(log.entries) + 10 * PAGE


def test_many_entries_of_one_instant_over_a_slow_link_end():
    log = Log([1000] * 30_000, most=5000)
    with pytest.raises(BackendUnavailableError):
        log.walk()
    assert len(log.asked) < 40
