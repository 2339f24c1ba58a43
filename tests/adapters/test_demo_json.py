"""`credits demo --json`: an object a line, for each step and then for the whole tour."""

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from credits_core import PricingEngine
from credits_core.cli.app import program
from credits_fastapi.demo import app as demo_app
from credits_fastapi.demo import demo
from credits_fastapi.demo import tour as demo_tour
from tests.adapters.test_demo import FIGURES, assert_tells, read_until, run, start
from tests.support.servers import Server

Objects = list[dict[str, Any]]


def parsed(output: str) -> Objects:
    """The objects of the output, each of which is one whole line."""
    assert output.endswith("\n")
    return [json.loads(line) for line in output.splitlines()]


def says(steps: Objects) -> list[str]:
    return [answer["says"] for step in steps for answer in step["answers"]]


def test_each_step_is_a_line_and_the_tour_is_the_last() -> None:
    code, output, errors = run("--once", "--json")
    assert (code, errors) == (0, "")
    *steps, whole = parsed(output)
    assert [step["step"] for step in steps] == list(range(1, 11))
    for step in steps:
        assert list(step) == ["step", "title", "requests", "right", "answers"]
        assert step["right"] is True
        assert len(step["answers"]) == len(step["requests"])
        assert all(answer["right"] is True for answer in step["answers"])
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", whole.pop("address"))
    assert whole == {"right": True, "steps": 10, "wrong": 0, "account": None}


def test_the_figures_and_the_requests_are_those_of_the_words() -> None:
    _, output, _ = run("--once", "--json")
    steps = parsed(output)[:-1]
    assert_tells("\n".join(says(steps)), FIGURES[:-1])
    assert steps[1] == {
        "step": 2,
        "title": "You send a chat message",
        "requests": ['POST /chat {"message": "Hello"}'],
        "right": True,
        "answers": [{"right": True, "says": "200: paid, it cost 10 credits and 90 are left"}],
    }
    assert steps[7]["requests"] == ['POST /video {"seconds": 20}'] * 2


def test_on_a_real_server_nothing_else_is_printed(server: Server) -> None:
    code, output, errors = run("--once", "--json", "--url", server.url)
    assert (code, errors) == (0, "")
    assert parsed(output)[-1]["right"] is True


def test_output_that_cannot_show_the_signs_is_the_same() -> None:
    code, output, errors = run("--once", "--json", PYTHONIOENCODING="ascii")
    assert (code, errors) == (0, "")
    assert len(parsed(output)) == 11


def test_a_step_that_is_wrong_is_told_and_exits_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = {"chat_message": 10, "video_generation": {"rate": 1, "unit": "second"}}
    monkeypatch.setattr(demo_app, "PricingEngine", lambda: PricingEngine(prices))
    result = CliRunner().invoke(demo, ["--once", "--json"])
    assert (result.exit_code, result.stderr) == (1, "")
    *steps, whole = parsed(result.stdout)
    wrong = [step["step"] for step in steps if not step["right"]]
    assert wrong[0] == 3
    assert says(steps)[2].endswith("it should be 402, required 300, available 90")
    assert (whole["right"], whole["steps"], whole["wrong"]) == (False, 10, len(wrong))
    for step in steps:
        assert step["right"] is all(answer["right"] for answer in step["answers"])


def test_an_answer_that_does_not_come_is_a_wrong_step(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = httpx.AsyncClient.request

    async def request(self: httpx.AsyncClient, method: str, url: str, **more: Any) -> Any:
        if url == "/verify":
            raise httpx.ReadTimeout("too slow")
        return await asked(self, method, url, **more)

    monkeypatch.setattr(demo_tour.httpx.AsyncClient, "request", request)
    result = CliRunner().invoke(demo, ["--once", "--json"])
    assert (result.exit_code, result.stderr) == (1, "")
    *steps, whole = parsed(result.stdout)
    assert steps[-1]["answers"] == [{"right": False, "says": "no answer: ReadTimeout('too slow')"}]
    assert (len(steps), whole["wrong"]) == (10, 1)


def test_errors_stay_on_stderr() -> None:
    code, output, errors = run("--once", "--json", "--url", "redis://:hunter2@127.0.0.1:1/0")
    assert (code, output) == (1, "")
    assert "this store cannot be used: " in errors
    assert "hunter2" not in errors


def test_in_the_program_an_error_is_an_object_on_stderr() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(program, ["demo", "--json", "--port", port])
    assert (result.exit_code, result.stdout) == (1, "")
    assert json.loads(result.stderr)["error"] == "CommandError"


@pytest.fixture
def serving() -> Iterator[subprocess.Popen[str]]:
    with start("--port", "0", "--json") as child:
        yield child
        child.kill()


def test_the_page_is_served_at_the_address_in_the_last_object(
    serving: subprocess.Popen[str],
) -> None:
    whole = parsed(read_until(serving, '"account"'))[-1]
    assert whole["account"] == f"{whole['address']}/account?user=alice"
    assert httpx.get(whole["account"], trust_env=False).status_code == 200
    serving.send_signal(signal.SIGINT)
    assert serving.communicate(timeout=20) == ("", "")
    assert serving.returncode == 0


def test_broken_off_in_the_middle_it_has_no_last_object() -> None:
    with start("--json", "--port", "0") as child:
        first = read_until(child, '"step":1,')
        child.send_signal(signal.SIGINT)
        rest, errors = child.communicate(timeout=20)
    assert (child.returncode, errors) == (1, "")
    assert all("step" in each for each in parsed(first + rest))
