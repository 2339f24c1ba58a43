"""Usage out of what the real clients of OpenAI and Anthropic return, whole and streamed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

from credits_core.tokens import TokenUsage, UsageMeter, read_usage
from tests.support.model_answers import (
    CHAT,
    CHAT_STREAM,
    MESSAGE,
    MESSAGE_STREAM,
    RESPONSE,
    RESPONSE_STREAM,
)
from tests.support.model_api import ModelApi

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_CHAT = TokenUsage(input_tokens=86, cached_input_tokens=1920, output_tokens=300)
OF_RESPONSE = TokenUsage(
    input_tokens=2076, cached_input_tokens=1024, cache_write_tokens=500, output_tokens=87
)
OF_MESSAGE = TokenUsage(
    input_tokens=25, cached_input_tokens=1800, cache_write_tokens=248, output_tokens=503
)

MESSAGES = [{"role": "user", "content": "Hello"}]
CHAT_CALL = {"model": "gpt-4o", "messages": MESSAGES}
RESPONSE_CALL = {"model": "gpt-4.1", "input": "Hello"}
MESSAGE_CALL = {"model": "claude-sonnet-4-20250514", "max_tokens": 1024, "messages": MESSAGES}
WITH_USAGE = {"stream_options": {"include_usage": True}}


@pytest.fixture
def api() -> Iterator[ModelApi]:
    with ModelApi() as running:
        yield running


@pytest.fixture(scope="module")
def openai() -> Any:
    """Loaded by the process that tests it: two seconds, for both."""
    return importlib.import_module("openai")


@pytest.fixture(scope="module")
def anthropic() -> Any:
    return importlib.import_module("anthropic")


@pytest.fixture
def gpt(openai: Any, api: ModelApi) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{api.url}/v1", api_key="test", max_retries=0) as client:
        yield client


@pytest.fixture
def claude(anthropic: Any, api: ModelApi) -> Iterator[Any]:
    with anthropic.Anthropic(base_url=api.url, api_key="test", max_retries=0) as client:
        yield client


def metered(chunks, meter: UsageMeter | None = None) -> UsageMeter:
    meter = meter or UsageMeter()
    for chunk in chunks:
        meter.feed(chunk)
    return meter


def test_a_chat_completion(api, gpt):
    api.answer = CHAT
    assert read_usage(gpt.chat.completions.create(**CHAT_CALL)) == OF_CHAT


def test_a_streamed_chat_completion(api, gpt):
    api.stream = CHAT_STREAM
    meter = metered(gpt.chat.completions.create(**CHAT_CALL, **WITH_USAGE, stream=True))
    assert (meter.usage, meter.complete) == (OF_CHAT, True)


def test_a_chat_completion_through_the_stream_helper(api, gpt):
    api.stream = CHAT_STREAM
    meter = UsageMeter()
    with gpt.chat.completions.stream(**CHAT_CALL, **WITH_USAGE) as stream:
        for event in stream:
            meter.feed(event)
        meter.feed(stream.get_final_completion())
    assert (meter.usage, meter.complete) == (OF_CHAT, True)


def test_a_chat_completion_that_was_not_asked_for_its_usage(api, gpt):
    api.stream = CHAT_STREAM[:-1]
    meter = metered(gpt.chat.completions.create(**CHAT_CALL, stream=True))
    assert (meter.usage, meter.complete) == (TokenUsage(), False)


def test_a_response(api, gpt):
    api.answer = RESPONSE
    assert read_usage(gpt.responses.create(**RESPONSE_CALL)) == OF_RESPONSE


@pytest.mark.parametrize("end", ["completed", "incomplete", "failed"])
def test_a_streamed_response(api, gpt, end):
    last = {**RESPONSE_STREAM[-1], "type": f"response.{end}"}
    api.stream = [*RESPONSE_STREAM[:-1], last]
    meter = metered(gpt.responses.create(**RESPONSE_CALL, stream=True))
    assert (meter.usage, meter.complete) == (OF_RESPONSE, True)


def test_a_response_through_the_stream_helper(api, gpt):
    api.stream = RESPONSE_STREAM
    meter = UsageMeter()
    with gpt.responses.stream(**RESPONSE_CALL) as stream:
        for event in stream:
            meter.feed(event)
        meter.feed(stream.get_final_response())
    assert (meter.usage, meter.complete) == (OF_RESPONSE, True)


def test_a_message(api, claude):
    api.answer = MESSAGE
    assert read_usage(claude.messages.create(**MESSAGE_CALL)) == OF_MESSAGE


def test_a_streamed_message(api, claude):
    api.stream = MESSAGE_STREAM
    meter = metered(claude.messages.create(**MESSAGE_CALL, stream=True))
    assert (meter.usage, meter.complete) == (OF_MESSAGE, True)


def test_a_message_through_the_stream_helper(api, claude):
    api.stream = MESSAGE_STREAM
    meter = UsageMeter()
    with claude.messages.stream(**MESSAGE_CALL) as stream:
        for event in stream:
            meter.feed(event)
        meter.feed(stream.get_final_message())
    assert (meter.usage, meter.complete) == (OF_MESSAGE, True)


async def test_async_clients(openai, anthropic, api):
    api.stream = CHAT_STREAM
    meter = UsageMeter()
    async with openai.AsyncOpenAI(base_url=f"{api.url}/v1", api_key="test") as gpt:
        async for chunk in await gpt.chat.completions.create(
            **CHAT_CALL, **WITH_USAGE, stream=True
        ):
            meter.feed(chunk)
    api.stream = MESSAGE_STREAM
    async with anthropic.AsyncAnthropic(base_url=api.url, api_key="test") as claude:
        async for event in await claude.messages.create(**MESSAGE_CALL, stream=True):
            meter.feed(event)
    assert (meter.usage, meter.complete) == (OF_CHAT + OF_MESSAGE, True)


def broken_off(stream) -> UsageMeter:
    """What a meter knows of a stream whose connection broke."""
    meter = UsageMeter()
    # Each client has errors of its own for it, some of them of the HTTP library below.
    with pytest.raises(Exception, match=r"peer closed connection|Connection error"):
        metered(stream, meter)
    return meter


def test_a_message_that_breaks_off_still_tells_its_input(api, claude):
    api.stream, api.break_after = MESSAGE_STREAM, 4
    meter = broken_off(claude.messages.create(**MESSAGE_CALL, stream=True))
    assert meter.usage == TokenUsage(
        input_tokens=25, cached_input_tokens=1800, cache_write_tokens=248, output_tokens=1
    )
    assert not meter.complete


def test_a_message_that_breaks_off_after_its_first_count_tells_that(api, claude):
    api.stream, api.break_after = MESSAGE_STREAM, 6
    meter = broken_off(claude.messages.create(**MESSAGE_CALL, stream=True))
    assert (meter.usage.output_tokens, meter.usage.input_tokens) == (200, 25)


def test_what_openai_streams_tells_nothing_before_its_end(api, gpt):
    api.stream, api.break_after = CHAT_STREAM, 3
    meter = broken_off(gpt.chat.completions.create(**CHAT_CALL, **WITH_USAGE, stream=True))
    assert (meter.usage, meter.complete) == (TokenUsage(), False)
    api.stream, api.break_after = RESPONSE_STREAM, 5
    meter = broken_off(gpt.responses.create(**RESPONSE_CALL, stream=True))
    assert (meter.usage, meter.complete) == (TokenUsage(), False)


@pytest.mark.parametrize(
    ("answer", "usage"), [(CHAT, OF_CHAT), (RESPONSE, OF_RESPONSE), (MESSAGE, OF_MESSAGE)]
)
def test_a_dict_reads_the_same(answer, usage):
    assert read_usage(answer) == usage
    assert read_usage(answer["usage"]) == usage


@pytest.mark.parametrize(
    ("stream", "usage"),
    [(CHAT_STREAM, OF_CHAT), (RESPONSE_STREAM, OF_RESPONSE), (MESSAGE_STREAM, OF_MESSAGE)],
)
def test_streamed_dicts_read_the_same(stream, usage):
    meter = metered(stream)
    assert (meter.usage, meter.complete) == (usage, True)
