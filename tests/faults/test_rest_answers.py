"""What a REST gateway can answer instead of a result: one effect, and the truth told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import upstash_redis
import upstash_redis.asyncio

from credits_core import (
    AsyncCredits,
    BackendUnavailableError,
    Credits,
    CreditsError,
    InvalidRequestError,
    OutcomeUnknownError,
    Receipt,
)
from credits_core.backends.upstash import AsyncUpstashClientBackend, UpstashClientBackend
from tests.contract.flavours import AsyncFace
from tests.faults.helpers import (
    METADATA,
    SCRIPTS,
    TOKEN,
    attempt,
    bounded,
    check_secrets,
    read_ledger,
    ready,
)

PAGE = "<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True)
class Answer:
    """One answer of a gateway, given before or after the command ran, and what callers learn."""

    name: str
    code: int
    body: str
    given: str
    told: type[CreditsError]

    @property
    def execute(self) -> bool:
        return self.given == "after"


ANSWERS = [
    Answer("html-before", 502, PAGE, "before", OutcomeUnknownError),
    Answer("html-after", 502, PAGE, "after", OutcomeUnknownError),
    Answer("json-before", 503, '{"error":"upstream went away"}', "before", OutcomeUnknownError),
    Answer("json-after", 503, '{"error":"upstream went away"}', "after", OutcomeUnknownError),
    Answer("timeout-after", 504, '{"error":"upstream timed out"}', "after", OutcomeUnknownError),
    Answer("too-many", 429, '{"error":"Too Many Requests"}', "before", BackendUnavailableError),
    Answer("quota", 400, '{"error":"ERR max requests limit"}', "before", BackendUnavailableError),
    Answer("unauthorized", 401, '{"error":"Unauthorized"}', "before", BackendUnavailableError),
    Answer("empty-list", 200, "[]", "after", OutcomeUnknownError),
    Answer("null", 200, "null", "after", OutcomeUnknownError),
    Answer("number", 200, "1", "after", OutcomeUnknownError),
    Answer("no-result", 200, '[{"answer":1}]', "after", OutcomeUnknownError),
    Answer("not-base64", 200, '[{"result":["*"]}]', "after", OutcomeUnknownError),
    Answer("html-200", 200, PAGE, "after", OutcomeUnknownError),
    Answer("redirect", 307, "", "before", OutcomeUnknownError),
]


@pytest.fixture(params=["rest", "upstash-redis"])
async def credits(request, gateway, sync, user):
    http: Any = None
    options = {"timeout": 0.5}
    if request.param == "rest":
        maker = Credits if sync else AsyncCredits
        client = maker.from_url(gateway.url, token=TOKEN, **options)
    elif sync:
        http = upstash_redis.Redis(gateway.url, TOKEN, rest_retries=0)
        client = Credits(UpstashClientBackend(http), **options)
    else:
        http = upstash_redis.asyncio.Redis(gateway.url, TOKEN, rest_retries=0)
        client = AsyncCredits(AsyncUpstashClientBackend(http), **options)
    credits = AsyncFace(client) if sync else client
    await ready(credits, user)
    yield credits
    await credits.aclose()
    if http is not None:
        http.close() if sync else await http.close()


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
async def test_one_bad_answer_charges_once_and_succeeds(credits, gateway, store, user, answer):
    gateway.status(answer.code, answer.body, execute=answer.execute, matching=SCRIPTS)
    receipt = await attempt(credits.deduct(user, 10, "charge", METADATA))
    assert isinstance(receipt, Receipt)
    assert read_ledger(store, user).of("charge") == [(receipt.tx_id, -10)]


@pytest.mark.parametrize(
    "answer", [ANSWERS[n] for n in (1, 3, 5, 9)], ids=lambda answer: answer.name
)
async def test_bad_answers_only_never_hide_a_charge(credits, gateway, store, user, answer):
    gateway.status(answer.code, answer.body, execute=answer.execute, times=2, matching=SCRIPTS)
    with bounded():
        error = await attempt(credits.deduct(user, 10, "charge", METADATA))
    entries = read_ledger(store, user).of("charge")
    assert len(entries) == answer.execute
    if answer.execute:
        assert isinstance(error, OutcomeUnknownError)
        assert entries == [(error.tx_id, -10)]
        assert (await credits.resolve(error)).tx_id == error.tx_id
    else:
        assert isinstance(error, (answer.told, BackendUnavailableError))


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("fault", ["drop_request", "lose_reply", "garbage_json"])
async def test_broken_connections_through_every_client(credits, gateway, store, user, fault, times):
    getattr(gateway, fault)(times, matching=SCRIPTS)
    outcome = await attempt(credits.add(user, 10, "charge", METADATA, idempotency_key="k"))
    entries = read_ledger(store, user).of("charge")
    if times == 1:
        assert entries == [(outcome.tx_id, 10)]
    else:
        assert isinstance(outcome, OutcomeUnknownError)
        assert entries == ([] if fault == "drop_request" else [(outcome.tx_id, 10)])


async def test_a_wrong_token_is_refused_and_not_shown(gateway, sync, user):
    maker = Credits if sync else AsyncCredits
    client = maker.from_url(gateway.url, token="wrong-" + TOKEN, timeout=1)
    credits = AsyncFace(client) if sync else client
    error = await attempt(credits.add(user, 10, "charge"))
    await credits.aclose()
    assert isinstance(error, BackendUnavailableError)
    assert "Unauthorized" in str(error)


async def test_a_client_with_a_broken_token_does_not_show_it(gateway, user):
    for token in (f"{TOKEN}\n", f"{TOKEN}ü"):
        with upstash_redis.Redis(gateway.url, token, rest_retries=0) as client:
            credits = AsyncFace(Credits(UpstashClientBackend(client)))
            assert isinstance(await attempt(credits.get_balance(user)), BackendUnavailableError)
        async with upstash_redis.asyncio.Redis(gateway.url, token, rest_retries=0) as client:
            credits = AsyncCredits(AsyncUpstashClientBackend(client))
            assert isinstance(await attempt(credits.get_balance(user)), BackendUnavailableError)


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f" {TOKEN}", f"{TOKEN}\0", f"{TOKEN}ü", "  "])
def test_a_token_that_no_header_can_carry_is_refused_and_not_shown(token):
    for maker in (Credits, AsyncCredits):
        with pytest.raises(InvalidRequestError, match="token") as refused:
            maker.from_url("https://x.upstash.io", token=token)
        check_secrets(refused.value)
