import pytest

from credits_core.errors import InvalidRequestError
from credits_core.tokens import TokenUsage, UsageMeter, read_usage

NO_COUNTS = [
    pytest.param(-1, id="negative"),
    pytest.param(True, id="bool"),
    pytest.param(1.0, id="float"),
    pytest.param("1", id="str"),
    pytest.param(10**15 + 1, id="too large"),
]


def chat(id_: str | None, prompt: int, completion: int, **details: int) -> dict[str, object]:
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "prompt_tokens_details": details or None,
    }
    return {"id": id_, "usage": usage}


def test_usages_add_up():
    assert TokenUsage(1, 2, 3, 4) + TokenUsage(10, 20, 30, 40) == TokenUsage(11, 22, 33, 44)
    assert sum([TokenUsage(1), TokenUsage(2)], TokenUsage()) == TokenUsage(3)


def test_a_usage_adds_to_nothing_else():
    with pytest.raises(TypeError):
        TokenUsage() + 1  # type: ignore[operator]


@pytest.mark.parametrize("count", NO_COUNTS)
@pytest.mark.parametrize(
    "name", ["input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens"]
)
def test_a_usage_refuses_what_is_no_count(name, count):
    with pytest.raises(InvalidRequestError, match=name):
        TokenUsage(**{name: count})


@pytest.mark.parametrize("count", NO_COUNTS)
def test_reading_refuses_what_is_no_count(count):
    with pytest.raises(InvalidRequestError, match="prompt_tokens"):
        read_usage({"usage": {"prompt_tokens": count}})
    with pytest.raises(InvalidRequestError, match="cached_tokens"):
        read_usage(chat("a", 10, 1, cached_tokens=count))
    with pytest.raises(InvalidRequestError, match="output_tokens"):
        read_usage({"type": "message_delta", "usage": {"output_tokens": count}})


@pytest.mark.parametrize("nothing", [None, {}, "text", 5, {"usage": None}, {"usage": {}}, object()])
def test_what_reports_no_usage(nothing):
    assert read_usage(nothing) is None


def test_embeddings_have_input_only():
    assert read_usage({"usage": {"prompt_tokens": 8, "total_tokens": 8}}) == TokenUsage(8)


def test_cached_tokens_are_counted_once():
    read = read_usage(chat("a", 100, 1, cached_tokens=60, cache_write_tokens=30))
    assert read == TokenUsage(10, 1, 60, 30)


def test_a_gateway_that_counts_the_cache_apart():
    assert read_usage(chat("a", 10, 1, cached_tokens=1000)) == TokenUsage(10, 1, 1000)


def test_a_gateway_that_names_cache_writes_as_anthropic_does():
    assert read_usage(chat("a", 100, 1, cache_creation_tokens=30)) == TokenUsage(70, 1, 0, 30)


def test_a_meter_that_was_fed_nothing_knows_nothing():
    meter = UsageMeter()
    assert (meter.usage, meter.complete) == (TokenUsage(), False)


def test_reports_of_one_answer_replace_each_other():
    # vLLM tells the usage so far in each chunk; where tokens were cached may come out later.
    meter = UsageMeter()
    meter.feed(chat("a", 100, 1))
    meter.feed(chat("a", 100, 2))
    meter.feed({"id": "a", "usage": None})
    meter.feed(chat("a", 100, 3, cached_tokens=80))
    assert (meter.usage, meter.complete) == (TokenUsage(20, 3, 80), True)


def test_answers_add_up():
    meter = UsageMeter()
    meter.feed(chat("a", 100, 10))
    meter.feed(chat("b", 50, 5))
    meter.feed(chat("a", 100, 12))
    assert meter.usage == TokenUsage(150, 17)


def test_a_meter_is_complete_when_every_answer_is():
    meter = UsageMeter()
    meter.feed(chat("a", 100, 10))
    meter.feed({"id": "b", "usage": None})
    assert not meter.complete
    meter.feed(chat("b", 50, 5))
    assert meter.complete


def test_chunks_without_an_id_belong_to_the_answer_before():
    meter = UsageMeter()
    meter.feed({"id": "", "choices": []})  # Azure's first chunk
    meter.feed({"id": "a", "choices": []})
    meter.feed(chat("", 100, 10))
    assert (meter.usage, meter.complete) == (TokenUsage(100, 10), True)


def test_answers_without_ids():
    meter = UsageMeter()
    meter.feed(chat(None, 100, 10))
    assert (meter.usage, meter.complete) == (TokenUsage(100, 10), True)


def test_what_a_later_event_does_not_state_stays():
    meter = UsageMeter()
    begun = {"input_tokens": 25, "cache_read_input_tokens": 7, "output_tokens": 1}
    meter.feed({"type": "message_start", "message": {"id": "a", "usage": begun}})
    ended = {"input_tokens": None, "cache_read_input_tokens": None, "output_tokens": 15}
    meter.feed({"type": "message_delta", "usage": ended})
    assert meter.usage == TokenUsage(25, 15, 7)


def test_an_event_that_is_about_no_answer_changes_nothing():
    meter = UsageMeter()
    meter.feed({"type": "ping"})
    meter.feed({"type": "error", "message": "overloaded"})
    assert (meter.usage, meter.complete) == (TokenUsage(), False)
