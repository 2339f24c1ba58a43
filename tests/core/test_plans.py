"""Plans: generators of batches, driven here by hand."""

from __future__ import annotations

import pytest

from credits_core import BackendUnavailableError, InvalidRequestError
from credits_core.command import Call, Command
from credits_core.plans import one, together


def command(name):
    return Command(name, "alice", Call(None, (), (name,)), str)


def steps(*names):
    """A plan of one command a step, that answers what it got."""
    results = []
    for name in names:
        result = yield from one(command(name))
        results.append(result)
    return results


def names(batch):
    return [found.name for found in batch]


def drive(plan, answer):
    """Run a plan to its end; answers its batches and its result."""
    batches = []
    try:
        batch = next(plan)
        while True:
            batches.append(names(batch))
            batch = plan.send([answer(name) for name in names(batch)])
    except StopIteration as end:
        return batches, end.value


def test_one_command_answers_its_result():
    assert drive(steps("a", "b"), str.upper) == ([["a"], ["b"]], ["A", "B"])


def test_an_error_comes_back_as_a_value_and_is_raised_inside():
    error = BackendUnavailableError("away")
    with pytest.raises(BackendUnavailableError) as raised:
        drive(steps("a", "b"), lambda name: error)
    assert raised.value is error


def test_plans_in_step_travel_together_and_end_on_their_own():
    plan = together([steps("a1", "a2", "a3"), steps("b1"), steps("c1", "c2")])
    batches, results = drive(plan, str.upper)
    assert batches == [["a1", "b1", "c1"], ["a2", "c2"], ["a3"]]
    assert results == [["A1", "A2", "A3"], ["B1"], ["C1", "C2"]]


def test_a_plan_that_fails_is_a_value_and_stops_no_other():
    error = BackendUnavailableError("away")
    plan = together([steps("a1", "a2"), steps("bad", "never"), steps("c1")])
    batches, results = drive(plan, lambda name: error if name == "bad" else name)
    assert batches == [["a1", "bad", "c1"], ["a2"]]
    assert results == [["a1", "a2"], error, ["c1"]]


def test_a_plan_that_fails_before_its_first_batch():
    def refused():
        raise InvalidRequestError("no")
        yield

    batches, results = drive(together([refused(), steps("b")]), str.upper)
    assert batches == [["b"]]
    assert isinstance(results[0], InvalidRequestError)
    assert results[1] == ["B"]


def test_what_is_no_error_of_ours_comes_through():
    def broken():
        yield (command("a"),)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(together([broken(), steps("b", "c")]), str.upper)


def test_a_batch_of_several_gets_its_own_answers():
    def wide():
        first = yield (command("w1"), command("w2"))
        second = yield ()
        return first, second

    batches, results = drive(together([steps("a"), wide(), steps("c")]), str.upper)
    assert batches == [["a", "w1", "w2", "c"], []]
    assert results == [["A"], (["W1", "W2"], []), ["C"]]


def test_no_more_travel_together_than_the_width_and_all_come_to_their_end():
    plans = [steps(f"{name}1", f"{name}2") for name in "abcde"]
    batches, results = drive(together(plans, width=2), str.upper)
    assert [len(batch) for batch in batches] == [2, 2, 2, 2, 2]
    assert results == [[f"{name}1", f"{name}2"] for name in "ABCDE"]


def test_a_batch_wider_than_the_width_travels_alone():
    def wide():
        return (yield (command("w1"), command("w2"), command("w3")))

    batches, results = drive(together([steps("a"), wide(), steps("b", "c")], width=2), str.upper)
    assert batches == [["a"], ["w1", "w2", "w3"], ["b"], ["c"]]
    assert results == [["A"], ["W1", "W2", "W3"], ["B", "C"]]


def test_no_plans_at_all():
    assert drive(together([]), str.upper) == ([], [])


def test_a_result_may_be_nothing_and_keeps_its_place():
    def nothing():
        yield (command("n"),)

    assert drive(together([steps("a"), nothing(), steps("c")]), str)[1] == [["a"], None, ["c"]]
