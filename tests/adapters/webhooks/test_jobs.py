"""Jobs: held at the start, renewed while they run, settled by a signed report."""

from __future__ import annotations

import pytest

from credits_core import InvalidRequestError, PricingEngine
from credits_core.webhooks import JobWebhook, sign_job
from tests.adapters.webhooks.delivering import OTHER_SECRET, SECRET
from tests.contract.passing import all_at_once


@pytest.fixture
async def hold(sender, user):
    await sender.do("initialize_user", user, 100)
    return await sender.do("hold", user, 60, "training", expires_in=600)


@pytest.fixture
def report(sender, user, hold):
    async def report(status, hook=None, **told):
        told = {"holdId": hold.id, "userId": user, "jobId": "job-1", "status": status, **told}
        body, headers = sign_job(SECRET, told)
        return await sender.ask((hook or JobWebhook(secret=SECRET)).route, body, headers)

    return report


async def test_a_job_that_ends_is_settled_once(sender, report, user):
    for _ in range(2):
        answer = await report("completed", amount=25)
        assert (answer.status, answer.body["action"]) == (200, "done")
        assert (answer.body["charged"], answer.body["jobId"]) == (25, "job-1")
    assert await sender.balance(user) == 75


async def test_a_job_that_fails_costs_nothing_or_what_it_says(sender, report, user, hold):
    answers = [await report("failed") for _ in range(2)]
    assert [answer.body["charged"] for answer in answers] == [0, 0]
    assert await sender.balance(user) == 100
    other = await sender.do("hold", user, 60, "training")
    answer = await report("failed", holdId=other.id, amount=10)
    assert answer.body["charged"] == 10
    assert await sender.balance(user) == 90


async def test_what_was_used_is_priced_by_the_app(sender, report, user):
    pricing = PricingEngine({"gpu": {"rate": 10, "unit": "hour"}})
    hook = JobWebhook(secret=SECRET, price=lambda used: pricing.calculate_cost("gpu", used))
    assert (await report("completed", hook, used=4.03)).body["charged"] == 41
    assert await sender.balance(user) == 59


async def test_progress_renews_the_hold_and_lets_it_grow(sender, report, user, hold):
    hook = JobWebhook(secret=SECRET, lease=7200)
    answer = await report("progress", hook, amount=60)
    assert (answer.body["action"], answer.body["held"]) == ("continue", 60)
    assert answer.body["expiresAt"] > hold.expires_at + 6_000_000
    for _ in range(3):
        answer = await report("progress", hook, amount=80)
        assert (answer.body["held"], answer.body["balance"]) == (80, 20)
    assert (await report("progress", hook, amount=70)).body["held"] == 80


async def test_the_same_report_many_times_at_once(sender, report, user):
    answers = await all_at_once(*(report("progress", amount=90) for _ in range(20)))
    assert {(answer.status, answer.body["action"]) for answer in answers} == {(200, "continue")}
    (open_hold,) = (await sender.do("get_account", user)).holds
    assert open_hold.amount == 90
    assert await sender.balance(user) == 10
    done = await all_at_once(*(report("completed", amount=85) for _ in range(20)))
    assert {answer.body["charged"] for answer in done} == {85}
    assert await sender.balance(user) == 15


async def test_different_reports_at_once_hold_what_the_greatest_needs(sender, report, user):
    answers = await all_at_once(*(report("progress", amount=61 + n) for n in range(20)))
    assert {(answer.status, answer.body["action"]) for answer in answers} == {(200, "continue")}
    assert (await sender.do("get_account", user)).held == 80


async def test_a_job_pauses_when_credits_run_out_and_goes_on_after_a_top_up(sender, report, user):
    answer = await report("progress", amount=150)
    assert (answer.status, answer.body["action"]) == (200, "pause")
    assert (answer.body["required"], answer.body["available"]) == (90, 40)
    assert answer.body["missing"] == 50
    assert "top-up" in answer.body["notice"]
    assert (await sender.do("get_account", user)).held == 60
    await sender.do("add", user, 50, "purchase")
    assert (await report("progress", amount=150)).body["action"] == "continue"
    assert (await report("completed", amount=150)).body["charged"] == 150
    assert await sender.balance(user) == 0


async def test_a_frozen_account_pauses_its_jobs(sender, report, user):
    await sender.do("freeze", user, "dispute")
    answer = await report("progress", amount=70)
    assert (answer.body["action"], answer.body["rule"]) == ("pause", "frozen")
    assert "dispute" not in str(answer.body)
    assert (await report("completed", amount=60)).body["charged"] == 60


@pytest.mark.parametrize(
    ("shortfall", "action", "balance"), [("take", "done", 0), ("owe", "done", -20)]
)
async def test_a_job_that_cost_more_than_there_is(sender, report, user, shortfall, action, balance):
    hook = JobWebhook(secret=SECRET, shortfall=shortfall)
    assert (await report("completed", hook, amount=120)).body["action"] == action
    assert await sender.balance(user) == balance


async def test_a_job_that_may_cost_no_more_than_there_is_pauses_at_its_end(sender, report, user):
    hook = JobWebhook(secret=SECRET, shortfall="refuse")
    answer = await report("completed", hook, amount=120)
    assert (answer.body["action"], answer.body["missing"]) == ("pause", 20)


async def test_a_job_whose_hold_ended_otherwise_stops(sender, report, user, hold):
    await sender.do("settle", user, hold.id, 10)
    for status in ("progress", "completed", "failed"):
        answer = await report(status, amount=25)
        assert (answer.status, answer.body["action"]) == (200, "stop")
        assert (answer.body["state"], answer.body["charged"]) == ("settled", 10)
    answer = await report("progress", holdId="tx_1_no", amount=1)
    assert (answer.body["action"], answer.body["state"]) == ("stop", "unknown")
    assert await sender.balance(user) == 90


@pytest.mark.parametrize(
    "told",
    [
        {"status": "begun"},
        {"status": "completed"},
        {"status": "completed", "amount": -1},
        {"status": "completed", "amount": 1.5},
        {"status": "completed", "amount": "5"},
        {"status": "completed", "amount": True},
        {"status": "completed", "used": 2},
        {"status": "progress", "amount": 10**16},
        {"status": "completed", "amount": 5, "userId": ""},
        {"status": "completed", "amount": 5, "userId": None},
        {"status": "completed", "amount": 5, "holdId": "a\nb"},
    ],
    ids=str,
)
async def test_a_report_that_is_none(sender, report, user, told):
    assert (await report(**told)).status == 400
    assert await sender.balance(user) == 40


def test_who_signs_with_another_secret(monkeypatch):
    body, headers = sign_job(OTHER_SECRET, {"status": "failed"}, message_id="msg_7")
    assert headers["webhook-id"] == "msg_7"
    hook = JobWebhook(secret=SECRET)
    with pytest.raises(Exception, match="signature"):
        hook._signature.verify(body, headers)
    monkeypatch.delenv("CREDITS_JOB_WEBHOOK_SECRET", raising=False)
    with pytest.raises(InvalidRequestError, match="CREDITS_JOB_WEBHOOK_SECRET"):
        JobWebhook()
    with pytest.raises(InvalidRequestError, match="shortfall"):
        JobWebhook(secret=SECRET, shortfall="forget")
