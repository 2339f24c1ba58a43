"""`credits demo --once`: the tour, its figures and its exit code, in a process of its own."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence

import httpx
import pytest
import redis
from click.testing import CliRunner

from credits_core import PricingEngine
from credits_fastapi.demo import app as demo_app
from credits_fastapi.demo import demo
from tests.support.rest import RestServer
from tests.support.servers import Server

JSON = {"Content-Type": "application/json"}
PROGRAM = "from credits_fastapi.demo import demo; demo()"

FIGURES = [
    "200: 100 credits to start with",
    "200: paid, it cost 10 credits and 90 are left",
    "402: refused, nothing was charged: it costs 300 credits and there are 90",
    "200: 500 more, 590 in all",
    "200: paid, it cost 300 credits and 290 are left",
    "502: the model did not answer",
    "200: 290 credits, as before",
    "200: paid, it cost 200 credits and 90 are left",
    "402: refused, nothing was charged: it costs 200 credits and there are 90",
    "in all 90",
    "200: yes, 90 are stored and the history adds up to 90",
    "All 10 steps were as they should be.",
]


def start(*args: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **env},
    )


def run(*args: str, **env: str) -> tuple[int, str, str]:
    with start(*args, **env) as program:
        output, errors = program.communicate(timeout=60)
    return program.returncode, output, errors


def assert_tells(output: str, figures: Sequence[str]) -> None:
    """All figures stand in the output, in this order."""
    at = 0
    for figure in figures:
        found = output.find(figure, at)
        assert found >= 0, f"{figure!r} is missing or out of order in:\n{output}"
        at = found


def test_the_tour_on_the_embedded_store() -> None:
    code, output, errors = run("--once")
    assert (code, errors) == (0, "")
    assert_tells(output, FIGURES)
    assert "✗" not in output


def test_the_tour_on_a_real_server_leaves_nothing(server: Server, raw: redis.Redis) -> None:
    others = set(raw.scan_iter(count=1000))
    code, output, errors = run("--once", "--url", server.url)
    assert (code, errors) == (0, "")
    assert_tells(output, FIGURES)
    found = re.search(r"Its account on your store is (demo-[0-9a-f]{12}), deleted", output)
    assert found is not None
    left = {key for key in raw.scan_iter(count=1000) if found[1] in str(key)}
    assert left == set()
    assert others <= set(raw.scan_iter(count=1000))


def test_the_tour_on_upstash_rest(rest: RestServer) -> None:
    code, output, errors = run("--once", "--url", rest.url, CREDITS_TOKEN=rest.token)
    assert (code, errors) == (0, "")
    assert_tells(output, FIGURES)


def test_a_token_in_the_environment_is_for_rest_only() -> None:
    code, output, _ = run("--once", CREDITS_TOKEN="of-another-store")
    assert code == 0
    assert "of-another-store" not in output


@pytest.mark.parametrize(
    ("prices", "lines"),
    [
        ({"chat_message": 11}, ["200, cost 11, balance 89; it should be 200, cost 10, balance 90"]),
        (
            {"video_generation": {"rate": 1, "unit": "second"}},
            ["200, required None, available None; it should be 402, required 300, available 90"],
        ),
    ],
)
def test_a_step_that_is_wrong_is_told_and_exits_with_1(
    prices: dict[str, int], lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_app, "PricingEngine", lambda: PricingEngine(prices))
    result = CliRunner().invoke(demo, ["--once"])
    assert result.exit_code == 1
    assert_tells(result.output, lines)
    assert "✗" in result.output
    assert "steps were not as they should be" in result.output


def test_output_that_cannot_show_the_signs_gets_words() -> None:
    code, output, errors = run("--once", PYTHONIOENCODING="ascii")
    assert (code, errors) == (0, "")
    assert "ok 200: 100 credits to start with" in output


def test_a_store_that_is_not_there_is_told_in_words() -> None:
    code, output, errors = run("--once", "--url", "redis://:hunter2@127.0.0.1:1/0")
    assert (code, output) == (1, "")
    assert errors.startswith("Error: this store cannot be used: ")
    assert "hunter2" not in errors
    assert "Traceback" not in errors


def test_a_port_that_is_taken_is_told_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, errors = run("--port", str(taken.getsockname()[1]))
    assert code == 1
    assert "Address already in use" in errors
    assert "--port" in errors


@pytest.fixture
def serving() -> Iterator[subprocess.Popen[str]]:
    with start("--port", "0") as program:
        yield program
        program.kill()


def read_until(program: subprocess.Popen[str], text: str) -> str:
    output = ""
    assert program.stdout is not None
    for line in program.stdout:
        output += line
        if text in line:
            return output
    raise AssertionError(f"{text!r} never came:\n{output}")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_stopped(serving: subprocess.Popen[str], how: signal.Signals) -> None:
    output = read_until(serving, "Serving until Ctrl-C.")
    assert "/account?user=alice" in output
    told = next(line for line in output.splitlines() if line.startswith("A request:"))
    _, _, _, url, _, body, _, header = shlex.split(told)
    answer = httpx.post(url, content=body, headers={**JSON, **dict([header.split(": ")])})
    assert (answer.status_code, answer.json()["cost"]) == (200, 10)
    serving.send_signal(how)
    _, errors = serving.communicate(timeout=20)
    assert errors == ""
    assert serving.returncode == (0 if how is signal.SIGINT else -signal.SIGTERM)


def test_stopped_in_the_middle_of_the_tour_it_ends_without_a_traceback(
    serving: subprocess.Popen[str],
) -> None:
    read_until(serving, " 1. You sign up")
    serving.send_signal(signal.SIGINT)
    output, errors = serving.communicate(timeout=20)
    assert errors == ""
    assert "Serving until" not in output
    assert serving.returncode == 1


def test_help_needs_no_server_library() -> None:
    code, output, _ = run("--help")
    assert code == 0
    assert "8402" in output


def test_loading_the_command_loads_no_server() -> None:
    check = (
        "import sys, json; from credits_fastapi.demo import demo; "
        "print(json.dumps([m for m in ('uvicorn', 'httpx', 'redis') if m in sys.modules]))"
    )
    shown = subprocess.run([sys.executable, "-c", check], capture_output=True, check=True)
    assert json.loads(shown.stdout) == []
