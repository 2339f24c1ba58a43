"""The program itself, in this process: values, help, commands of adapters, how it ends."""

import json
from datetime import UTC, datetime
from importlib.metadata import EntryPoint

import click
import pytest
from click.testing import CliRunner, Result

from credits_core import Credits
from credits_core.cli import adapters, app
from credits_core.cli.failures import ending
from credits_core.cli.store import Store
from credits_core.cli.values import since, until


def invoke(*args: str, **env: str) -> Result:
    clean = {"CREDITS_URL": "memory://cli", "CREDITS_TOKEN": None, **env}
    return CliRunner().invoke(app.program, args, env=clean)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "text", ["١٢", "1_000", "1e3", "+5", "5.0", " 5", "0x10", "", "²", "1,000", "9" * 5000]
)
@pytest.mark.parametrize("name", ["add", "deduct"])
def test_amounts_are_written_in_ascii_digits(name: str, text: str):
    done = invoke(name, "alice", text, "x")
    assert done.exit_code == 2
    assert "in the digits 0 to 9 alone" in done.stderr
    assert Credits.from_url("memory://cli").get_balance("alice") == 0


@pytest.mark.parametrize("text", ["0", "1000000000000001"])
def test_amounts_have_a_range(text: str):
    done = invoke("add", "alice", text, "x")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "from 1 to 1000000000000000 is expected" in done.stderr


@pytest.mark.parametrize("text", ["-5", "--5"])
def test_a_negative_amount_is_no_option(text: str):
    assert invoke("add", "alice", text, "x").exit_code == 2


@pytest.mark.parametrize("text", ["{", "[1]", "5", "null", "[" * 100_000, '{"a":NaN}'])
def test_metadata_is_a_json_object(text: str):
    done = invoke("add", "alice", "5", "x", "--metadata", text)
    assert done.exit_code == 2
    assert "JSON" in done.stderr


def test_instants():
    assert since(None, None, "2026-01-31") == ms("2026-01-31")
    assert until(None, None, "2026-01-31") == ms("2026-02-01") - 1
    assert since(None, None, "2026-01-31T12:00:00+02:00") == ms("2026-01-31T10:00:00")
    assert until(None, None, "2026-01-31T12:00:00.5") == ms("2026-01-31T12:00:00") + 500
    assert since(None, None, "1767225600000") == 1_767_225_600_000


@pytest.mark.parametrize("text", ["1767225600", "20260131", "yesterday", "", "1960-01-01", "١٢"])
def test_no_instants(text: str):
    done = invoke("history", "alice", "--since", text)
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (
            ("hold", "alice", "5", "x"),
            "within 366 days, which are 31622400 seconds, not 400d, which",
        ),
        (("add", "alice", "5", "x"), "by the year 9999, not 999999999w, which"),
    ],
)
def test_a_duration_is_told_as_it_was_given(words: tuple[str, ...], part: str):
    span = "400d" if words[0] == "hold" else "999999999w"
    done = invoke(*words, "--expires-in", span)
    assert (done.exit_code, done.stdout) == (2, "")
    assert part in done.stderr


@pytest.mark.parametrize("text", ["0", "1001", "1_0", "x"])
def test_limits(text: str):
    assert invoke("history", "alice", "--limit", text).exit_code == 2


def test_help_names_every_command():
    done = invoke()
    assert (done.exit_code, done.stdout) == (0, invoke("--help").stdout)
    names = "balance history init add deduct verify reconcile users export delete doctor demo"
    listed = [line.split()[0] for line in done.stdout.partition("Commands:\n")[2].splitlines()]
    assert [name for name in listed if name in names.split()] == names.split()
    for name in names.split()[:-1]:
        usage = invoke(name, "--help").stdout
        assert "--json" in usage
        assert "--token" not in usage, "global options are shown once"


def test_every_command_takes_the_global_options():
    for command in app.program.commands.values():
        names = {option for parameter in command.params for option in parameter.opts}
        assert {"--url", "--token", "--prefix", "--timeout", "--json"} <= names, command.name


def entry(value: str, name: str = "demo") -> EntryPoint:
    return EntryPoint(name, value, app.GROUP)


def test_commands_of_adapters_are_loaded_when_they_are_used(monkeypatch: pytest.MonkeyPatch):
    found = {"hello": entry(f"{__name__}:hello", "hello")}
    monkeypatch.setattr(app, "_adapters", lambda: found)
    assert invoke("hello").stdout == "hello memory://other\n"
    assert "hello" in invoke("--help").stdout


@click.command()
@click.pass_obj
def hello(store: Store) -> None:
    store.url = "memory://other"
    click.echo(f"hello {store.shown()}")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("no_such_framework.demo:demo", "needs no_such_framework: pip install 'credits-sdk[demo]'"),
        ("no_such_framework:demo [web]", "pip install 'credits-sdk[web]'"),
        ("json:no_such_name", "cannot be loaded (AttributeError: "),
        ("json:dumps", "is no click command: json:dumps"),
    ],
)
def test_a_broken_adapter_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, value: str, told: str
):
    monkeypatch.setattr(app, "_adapters", lambda: {"demo": entry(value)})
    done = invoke("demo", "--port", "1")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: `credits demo` ")
    assert told in done.stderr
    assert invoke("balance", "alice").exit_code == 0
    assert "demo" in invoke("--help").stdout
    assert json.loads(invoke("demo", "--json").stderr)["error"] == "CommandError"


def test_an_adapter_cannot_replace_a_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(app, "_adapters", lambda: {"balance": entry("json:dumps", "balance")})
    assert invoke("balance", "alice").stdout == "alice has 0 credits.\n"
    assert invoke("--help").stdout.count("\n  balance ") == 1


def test_the_real_adapters_are_found():
    assert adapters.load(app._adapters()["demo"]).name == "demo"


def test_the_environment_and_the_options_name_the_store(monkeypatch: pytest.MonkeyPatch):
    for name in ("CREDITS_URL", "UPSTASH_REDIS_REST_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CREDITS_TOKEN", "of-env")
    assert Store("https://a.upstash.io").address() == ("https://a.upstash.io", "of-env")
    assert Store("https://a.upstash.io", "given").address()[1] == "given"
    assert Store("redis://a").address() == ("redis://a", None)
    monkeypatch.setenv("CREDITS_URL", "https://b.upstash.io")
    assert Store().address() == ("https://b.upstash.io", "of-env")
    assert Store(token="given").address() == ("https://b.upstash.io", "given")


def test_what_is_shown_of_a_store_holds_no_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REDIS_URL", "redis://:of-the-env@h")
    store = Store("redis://me:pass%2Dword@host:1/2?password=query-word", "the-token")
    assert store.shown() == "redis://host:1/2"
    assert "pass" not in repr(store)
    assert "token" not in repr(store).replace("timeout", "")
    text = "pass-word pass%2Dword query-word the-token of-the-env redis://x:y@z"
    assert store.redact(text) == "*** *** *** *** *** redis://***@z"


def test_an_unexpected_error_is_shown_without_secrets(monkeypatch: pytest.MonkeyPatch):
    def broken(self: object, user: str) -> int:
        raise RuntimeError("lost redis://:sesam-open@h and sesam-open")

    monkeypatch.setattr(Credits, "get_balance", broken)
    done = invoke("balance", "alice", CREDITS_URL="memory://sesam-open@x")
    assert done.exit_code == 1
    assert "RuntimeError" in done.stderr
    assert "sesam" not in done.output
    assert json.loads(invoke("balance", "alice", "--json").stderr)["error"] == "RuntimeError"


def test_ctrl_c_before_anything_was_sent(monkeypatch: pytest.MonkeyPatch):
    def stopped(self: object, user: str) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Credits, "get_balance", stopped)
    done = invoke("balance", "alice")
    assert (done.exit_code, done.stderr) == (130, "\nError: stopped\n")


def test_errors_of_files_are_errors():
    assert ending(FileNotFoundError(2, "No such file", "x")).code == 1
