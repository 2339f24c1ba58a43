"""Each completion that the real LiteLLM makes is charged once, on a real server."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from credits_core import AsyncCredits, Credits
from credits_core.errors import InvalidRequestError, PricingConfigError
from credits_core.tokens import RateCard
from tests.docs.examples import ROOT
from tests.support.model_answers import CHAT, CHAT_STREAM, MESSAGE, MESSAGE_STREAM
from tests.support.model_api import ModelApi
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from credits_core.models import Transaction
    from tests.support.servers import Server

# LiteLLM is heavy: `make litellm` installs it and runs these. Its warnings are its own.
pytestmark = [pytest.mark.litellm, pytest.mark.filterwarnings("default")]

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

HELLO = [{"role": "user", "content": "Hello"}]
CARD = RateCard(
    {
        "gpt-4o*": {"input": 10**6, "cached_input": 10**5, "output": 2 * 10**6},
        "claude-*": {
            "input": 10**6,
            "cached_input": 10**5,
            "cache_write": 10**7,
            "output": 2 * 10**6,
        },
    }
)
OF_MOCK = 10 + 2 * 20  # a mock_response has 10 tokens of input and 20 of output
OF_CHAT = 86 + 192 + 2 * 300
OF_MESSAGE = 25 + 180 + 2480 + 2 * 503


class Calls:
    """LiteLLM with the logger under test, and a witness behind it."""

    def __init__(self, litellm: Any, credits: Credits, user: str) -> None:
        self.litellm = litellm
        self._credits = credits
        self.user = user
        self.told: list[tuple[dict[str, Any], Any]] = []
        self._arrived = threading.Semaphore(0)
        self.logger: Any = None

    def log_to(self, logger: Any) -> None:
        witness = _witness(self)
        self.logger = logger
        self.litellm.callbacks = [logger, witness]

    def arrived(self, call: dict[str, Any], answer: Any) -> None:
        self.told.append((call, answer))
        self._arrived.release()

    def complete(self, model: str = "gpt-4o", **options: Any) -> None:
        """A sync call, read to its end; returns when the logger has been told."""
        answer = self.litellm.completion(model, HELLO, **self._options(options))
        if options.get("stream"):
            list(answer)
        assert self._arrived.acquire(timeout=10), "LiteLLM told nobody of the call"

    async def acomplete(self, model: str = "gpt-4o", **options: Any) -> None:
        """The same of an async call."""
        answer = await self.litellm.acompletion(model, HELLO, **self._options(options))
        if options.get("stream"):
            async for _ in answer:
                pass
        await asyncio.to_thread(self._arrived.acquire, timeout=10)

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        if "api_base" not in options:
            options = {"mock_response": "Hello there, my friend", **options}
        return {"metadata": {"credits_user_id": self.user}, "num_retries": 0, **options}

    def charges(self) -> list[Transaction]:
        entries = self._credits.get_transactions(self.user)
        return [entry for entry in entries if entry.kind == "deduct"]

    def charged(self) -> list[float]:
        return [-entry.amount for entry in self.charges()]


def _witness(calls: Calls) -> Any:
    from litellm.integrations.custom_logger import CustomLogger  # noqa: PLC0415

    class Witness(CustomLogger):
        def log_success_event(self, kwargs, response_obj, start_time, end_time):
            calls.arrived(kwargs, response_obj)

        async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
            calls.arrived(kwargs, response_obj)

    return Witness()


@pytest.fixture(scope="module")
def litellm() -> Any:
    import litellm  # noqa: PLC0415

    return litellm


@pytest.fixture
def make() -> Callable[..., Any]:
    from credits_core.tokens.litellm import CreditsLogger  # noqa: PLC0415

    return CreditsLogger


@pytest.fixture
def calls(litellm, make, credits: Credits, user: str) -> Iterator[Calls]:
    credits.initialize_user(user, 10_000)
    calls = Calls(litellm, credits, user)
    calls.log_to(make(credits, card=CARD))
    yield calls
    litellm.callbacks = []
    # What callbacks were before is kept in lists of LiteLLM's own.
    litellm.logging_callback_manager._reset_all_callbacks()


@pytest.fixture
def api() -> Iterator[ModelApi]:
    with ModelApi() as running:
        running.answer, running.stream = CHAT, CHAT_STREAM
        yield running


def test_a_sync_call(calls: Calls):
    calls.complete()
    (charge,) = calls.charges()
    assert (charge.amount, charge.action) == (-OF_MOCK, "completion")
    assert charge.metadata == {
        "model": "gpt-4o",
        "input_tokens": 10,
        "output_tokens": 20,
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "credits": OF_MOCK,
    }


async def test_an_async_call(calls: Calls):
    await calls.acomplete()
    assert calls.charged() == [OF_MOCK]


def test_a_sync_stream(calls: Calls):
    calls.complete(stream=True)
    (charge,) = calls.charges()
    assert charge.metadata is not None
    counted = charge.metadata["input_tokens"] + 2 * charge.metadata["output_tokens"]
    assert -charge.amount == counted > 0


async def test_an_async_stream(calls: Calls):
    await calls.acomplete(stream=True)
    (charge,) = calls.charges()
    assert charge.metadata is not None
    counted = charge.metadata["input_tokens"] + 2 * charge.metadata["output_tokens"]
    assert -charge.amount == counted > 0


async def test_calls_at_the_same_time(calls: Calls):
    await asyncio.gather(*(calls.acomplete() for _ in range(20)))
    assert calls.charged() == 20 * [OF_MOCK]


@pytest.mark.parametrize("stream", [False, True])
def test_the_usage_that_openai_reports(calls: Calls, api: ModelApi, stream: bool):
    options = {"stream_options": {"include_usage": True}} if stream else {}
    calls.complete(
        "openai/gpt-4o", api_base=f"{api.url}/v1", api_key="test", stream=stream, **options
    )
    assert calls.charged() == [OF_CHAT]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_usage_that_anthropic_reports(calls: Calls, api: ModelApi, stream: bool):
    # Of several counts of the output LiteLLM 1.110 keeps the first, so the stream has the last.
    api.answer, api.stream = MESSAGE, [*MESSAGE_STREAM[:5], *MESSAGE_STREAM[6:]]
    await calls.acomplete(
        "anthropic/claude-sonnet-4-20250514", api_base=api.url, api_key="test", stream=stream
    )
    assert calls.charged() == [OF_MESSAGE]


async def test_calls_through_a_router(calls: Calls):
    deployment = {"model": "openai/gpt-4o-2024-08-06", "mock_response": "Hello"}
    router = calls.litellm.Router([{"model_name": "chat", "litellm_params": deployment}])
    calls.log_to(calls.logger)  # a router adds callbacks of its own
    answer = await router.acompletion("chat", HELLO, metadata={"credits_user_id": calls.user})
    assert answer.usage.total_tokens == 30
    await asyncio.to_thread(calls._arrived.acquire, timeout=10)
    assert calls.charged() == [OF_MOCK]


async def test_what_is_told_twice_is_charged_once(calls: Calls):
    calls.complete()
    ((call, answer),) = calls.told
    calls.logger.log_success_event(call, answer, None, None)
    await calls.logger.async_log_success_event(call, answer, None, None)
    assert calls.charged() == [OF_MOCK]


def test_litellms_own_price(calls: Calls, make, credits: Credits):
    # 10 tokens at 2.50 and 20 at 10 dollars a million; the float of their sum is a bit above.
    calls.log_to(make(credits, credits_per_dollar="1000000"))
    calls.complete()
    assert calls.told[0][0]["response_cost"] > 0.000225
    assert calls.charged() == [225]


def test_a_model_that_litellm_knows_no_price_of(calls: Calls, make, credits: Credits, caplog):
    calls.log_to(make(credits, credits_per_dollar=1000))
    calls.complete("openai/house-model")
    assert calls.charged() == []
    assert f"was not charged to {calls.user!r}: litellm knows no price" in caplog.text


def test_a_model_without_rates(calls: Calls, caplog):
    calls.complete("gpt-4")
    assert calls.charged() == []
    assert "there are no rates for the model 'gpt-4'" in caplog.text


async def test_an_answer_out_of_the_cache_is_free(calls: Calls):
    # Told by hand: the cache of LiteLLM 1.110 loads modules that only its proxy installs.
    calls.complete()
    ((call, answer),) = calls.told
    hit = {**call, "litellm_call_id": "another", "cache_hit": True}
    calls.logger.log_success_event(hit, answer, None, None)
    await calls.logger.async_log_success_event(hit, answer, None, None)
    assert calls.charged() == [OF_MOCK]


def test_redacted_messages_keep_their_usage(calls: Calls, monkeypatch):
    monkeypatch.setattr(calls.litellm, "turn_off_message_logging", True)
    calls.complete()
    assert calls.charged() == [OF_MOCK]


def test_a_call_that_names_nobody_is_told(calls: Calls, caplog):
    calls.complete(metadata={"trace": "1"})
    assert calls.charged() == []
    assert "was charged to nobody: its metadata has no 'credits_user_id'" in caplog.text


def test_nobody_can_be_meant(calls: Calls, caplog):
    calls.complete(metadata={"credits_user_id": None})
    assert calls.charged() == []
    assert "charged" not in caplog.text


def test_the_user_may_stand_in_another_field(calls: Calls, make, credits: Credits):
    calls.log_to(make(credits, card=CARD, user_field="user_api_key_user_id", action="chat"))
    calls.complete(metadata={"user_api_key_user_id": calls.user, "credits_user_id": "mallory"})
    assert [(entry.amount, entry.action) for entry in calls.charges()] == [(-OF_MOCK, "chat")]


@pytest.mark.parametrize("left", [0, 30])
async def test_a_shortage_takes_what_there_is_and_is_told(
    calls: Calls, credits: Credits, caplog, left: int
):
    credits.deduct(calls.user, 10_000 - left, "spent")
    await calls.acomplete()
    assert credits.get_balance(calls.user) == 0
    assert [-e.amount for e in calls.charges() if e.action == "completion"] == [left] * bool(left)
    assert f"was charged {left} only" in caplog.text
    assert calls.user in caplog.text
    # The log keeps what it would have cost, so that nobody prices the tokens as if they were paid.
    kept = [e.metadata["credits"] for e in calls.charges() if e.action == "completion"]
    assert kept == [OF_MOCK] * bool(left)


@pytest.mark.parametrize("fault", ["drop_request", "lose_reply"])
def test_a_store_that_falters(calls: Calls, make, server: Server, fault: str, monkeypatch):
    monkeypatch.setattr("credits_core.tokens.litellm.PAUSES", 8 * (0.2,))
    with Proxy(server) as proxy, Credits.from_url(proxy.url, timeout=0.5) as credits:
        calls.log_to(make(credits, card=CARD))
        getattr(proxy, fault)(times=20)
        threading.Timer(0.8, proxy.clear).start()
        calls.complete()
    assert calls.charged() == [OF_MOCK]


def test_a_store_that_stays_away_is_told(calls: Calls, make, server: Server, caplog, monkeypatch):
    monkeypatch.setattr("credits_core.tokens.litellm.PAUSES", (0.01,))
    with Proxy(server) as proxy, Credits.from_url(proxy.url, timeout=0.2) as credits:
        calls.log_to(make(credits, card=CARD))
        proxy.refuse()
        calls.complete()
    assert "was not charged, or is not known to be" in caplog.text
    assert f"amount={OF_MOCK}" in caplog.text
    assert calls.charged() == []


async def test_a_charge_outlives_the_task_that_waits_for_it(calls: Calls):
    calls.complete()
    call = {**calls.told[0][0], "litellm_call_id": "another"}
    told = calls.logger.async_log_success_event(call, calls.told[0][1], None, None)
    task = asyncio.create_task(told)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    calls.logger._threads.shutdown()
    assert calls.charged() == [OF_MOCK, OF_MOCK]


async def test_threads_that_have_ended(calls: Calls):
    calls.logger._threads.shutdown()
    await calls.acomplete()
    assert calls.charged() == [OF_MOCK]


def test_the_example_of_the_page(
    calls: Calls, api: ModelApi, credits: Credits, server: Server, monkeypatch
):
    page = (ROOT / "docs" / "how-to" / "token-costs.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (example,) = [block for block in blocks if "litellm.callbacks" in block]
    monkeypatch.setenv("CREDITS_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    monkeypatch.setenv("OPENAI_API_BASE", f"{api.url}/v1")
    before = credits.add("alice", 10, "top_up").balance
    exec(example, {"card": CARD})
    deadline = time.monotonic() + 10
    while credits.get_balance("alice") == before and time.monotonic() < deadline:
        time.sleep(0.02)
    # It has 10 credits or so, and the answer costs more.
    assert credits.get_balance("alice") == 0


SCRIPT = """
import asyncio, sys
import litellm
from credits_core import Credits
from credits_core.tokens import RateCard
from credits_core.tokens.litellm import CreditsLogger

url, user, call = sys.argv[1:]
card = RateCard({"gpt-4o": {"input": 1_000_000, "output": 2_000_000}})
litellm.callbacks = [CreditsLogger(Credits.from_url(url), card=card)]
options = {
    "messages": [{"role": "user", "content": "Hello"}],
    "mock_response": "Hello there",
    "metadata": {"credits_user_id": user},
}
if call == "sync":
    litellm.completion("gpt-4o", **options)
else:
    asyncio.run(litellm.acompletion("gpt-4o", **options))
"""


@pytest.mark.parametrize("call", ["sync", "async"])
def test_a_program_that_ends_right_after_the_call(calls: Calls, server: Server, call: str):
    subprocess.run([sys.executable, "-c", SCRIPT, server.url, calls.user, call], check=True)
    assert calls.charged() == [OF_MOCK]


@pytest.mark.parametrize(
    "prices", [{}, {"card": CARD, "credits_per_dollar": 1}], ids=["none", "both"]
)
def test_one_price_is_needed(make, credits: Credits, prices: dict[str, Any]):
    with pytest.raises(InvalidRequestError, match="one of the two"):
        make(credits, **prices)


@pytest.mark.parametrize("rate", [True, -1, float("nan"), "many"])
def test_credits_per_dollar_is_a_number(make, credits: Credits, rate: Any):
    with pytest.raises(PricingConfigError, match="credits_per_dollar"):
        make(credits, credits_per_dollar=rate)


async def test_the_client_is_a_sync_one(make):
    async with AsyncCredits.from_url("memory://") as client:
        with pytest.raises(InvalidRequestError, match="the sync client, not AsyncCredits"):
            make(client, credits_per_dollar=Decimal(1))
