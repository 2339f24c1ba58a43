"""How a run of the command line ends when it does not go well, and what is never shown."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from credits_core import Credits
from tests.adapters.cli.program import PROGRAM, environment, run, run_until
from tests.support.proxy import Proxy
from tests.support.servers import Server


@pytest.fixture
def ledger(ledger: Credits) -> Credits:
    ledger.deduct("alice", 50, "first")  # now the server knows the script
    return ledger


def test_a_reader_that_has_seen_enough(server: Server, ledger: Credits):
    run("init", "--file", "-", url=server.url, stdin="".join(f"u{n:0200}\n" for n in range(2000)))
    program = subprocess.Popen(
        [*PROGRAM, "users"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(CREDITS_URL=server.url),
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.readline()
    program.stdout.close()
    assert program.stderr.read() == b""
    program.stderr.close()
    assert program.wait(30) == 141


def test_a_lost_answer_is_asked_for_again(server: Server, ledger: Credits):
    with Proxy(server, matching=b"chat") as proxy:
        proxy.lose_reply(times=2)
        done = run("deduct", "alice", "10", "chat", "--timeout", "1", url=proxy.url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Took 10 credits from alice")
    assert done.stderr == "No answer came; asked again, the ledger says that it was done.\n"
    assert ledger.get_balance("alice") == 40


def test_a_lost_request_is_reported_as_not_done(server: Server, ledger: Credits):
    with Proxy(server, matching=b"chat") as proxy:
        proxy.drop_request(times=2)
        words = ("deduct", "alice", "10", "chat", "--timeout", "1")
        done = run(*words, "--json", url=proxy.url)
    assert (done.returncode, done.stdout) == (3, "")
    error = json.loads(done.stderr)
    assert error["error"] == "BackendUnavailableError"
    assert "it was not done and never will be" in error["message"]
    assert ledger.get_balance("alice") == 50


def test_a_store_that_stays_silent_leaves_the_outcome_open(server: Server, ledger: Credits):
    with Proxy(server, matching=b"EVAL") as proxy:
        proxy.lose_reply(times=2, matching=b"chat")
        proxy.drop_request(times=50)  # the questions that follow
        done = run("deduct", "alice", "10", "chat", "--timeout", "1", url=proxy.url)
    assert (done.returncode, done.stdout) == (3, "")
    tx_id = ledger.get_transactions("alice", limit=1)[0].id
    assert f"if it was done, `credits history` shows {tx_id}" in done.stderr


def test_a_store_that_is_away_is_exit_code_3():
    away = run("balance", "alice", "--json", url="redis://127.0.0.1:1/0")
    assert (away.returncode, away.stdout) == (3, "")
    assert json.loads(away.stderr)["error"] == "BackendUnavailableError"


def test_ctrl_c_ends_a_write_with_a_sentence(server: Server, ledger: Credits):
    with Proxy(server, matching=b"chat") as proxy:
        proxy.lose_reply_silently(times=5)
        words = ("deduct", "alice", "10", "chat", "--timeout", "60")
        done = run_until(lambda: proxy.requests > 0, *words, url=proxy.url)
    assert (done.returncode, done.stdout) == (130, "")
    assert "`credits history` of 'alice' tells whether this deduct was done" in done.stderr
    assert "Traceback" not in done.stderr


def test_progress_is_drawn_on_a_terminal_alone(server: Server, ledger: Credits):
    ours, theirs = pty.openpty()
    users = "".join(f"user{n}\n" for n in range(300)).encode()
    try:
        for words in (("init", "--file", "-"), ("reconcile",)):
            done = subprocess.run(
                [*PROGRAM, *words],
                input=users,
                stdout=subprocess.PIPE,
                stderr=theirs,
                env=environment(CREDITS_URL=server.url, TERM="xterm"),
                timeout=60,
                check=False,
            )
            assert done.returncode == 0
            drawn = b""
            while b"100%" not in drawn:
                drawn += os.read(ours, 1 << 16)
    finally:
        os.close(ours)
        os.close(theirs)
    assert run("reconcile", url=server.url).stderr == ""


@pytest.mark.parametrize(
    "words",
    [("balance", "alice"), ("doctor",), ("init", "alice"), ("users",), ("deduct", "a", "1", "x")],
)
@pytest.mark.parametrize(
    "url",
    [
        "redis://:sesam-open@127.0.0.1:1/0",
        "redis://me:sesam%2Dopen@127.0.0.1:1/0",
        "redis://:x/sesam-open@127.0.0.1:1/0",
        "redis://:sesam-open@127.0.0.1:99999/0",
        "redis://:sesam-open@[127.0.0.1/0",
        "redis+sentinel://:sesam-open@127.0.0.1:1/main?sentinel_password=sesam-open",
        "gopher://:sesam-open@127.0.0.1/",
        "https://:sesam-open@127.0.0.1:1",
        "http://127.0.0.1:1",
    ],
)
def test_no_secret_is_ever_shown(words: tuple[str, ...], url: str):
    for json_ in ((), ("--json",)):
        token = ("--token", "sesam-open") if url.startswith("http") else ()
        done = run("--url", url, *token, "--timeout", "0.5", *words, *json_)
        assert done.returncode in (2, 3)
        assert "sesam" not in done.stdout + done.stderr


def test_a_wrong_password_is_not_shown():
    with Server("--requirepass", "right-password") as server:
        assert run("init", "alice", url=server.url).returncode == 0
        wrong = server.url.replace("right-password", "wrong-password")
        done = run("balance", "alice", url=wrong)
        assert done.returncode == 3
        assert "wrong-password" not in done.stdout + done.stderr


def test_without_click_it_says_what_to_install(tmp_path: Path):
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError(\"no click\", name='click')")
    done = subprocess.run(
        [sys.executable, "-c", "from credits_core.cli import main; main()"],
        capture_output=True,
        env=environment(PYTHONPATH=str(tmp_path)),
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "Error: the command line needs click: pip install 'credits-sdk[cli]'\n"
