"""The setting: what is read, what is refused, and what the system checks say of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import redis
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from credits_core import AsyncCredits, Credits
from credits_core.backends.memory import AsyncMemoryBackend, MemoryBackend
from credits_core.backends.redis import RedisBackend
from credits_core.config import ENVIRONMENT
from credits_django import aclient, client, clients
from credits_django.conf import conf
from tests.adapters.django.project import MIDDLEWARE
from tests.adapters.paths.books import wait_for

if TYPE_CHECKING:
    from pathlib import Path

HERE = "tests.adapters.django.test_settings"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for url, token in ENVIRONMENT:
        monkeypatch.delenv(url, raising=False)
        monkeypatch.delenv(token or "CREDITS_TOKEN", raising=False)


def told(setting: Any, **more: Any) -> list[tuple[str, str]]:
    if isinstance(setting, dict):
        setting = {"PRICES": {"drawing": 5}, **setting}  # which a view of the project names
    with override_settings(CREDITS=setting, **more):
        found = run_checks(tags=["credits"])
    return [(str(one.id), f"{one.msg} {one.hint or ''}") for one in found]


def retrying() -> RedisBackend:
    return RedisBackend(redis.Redis(host="nowhere.invalid"))


def broken() -> Any:
    raise OSError("the vault is shut")


def memory() -> MemoryBackend:
    return MemoryBackend("of-a-backend")


def async_memory() -> AsyncMemoryBackend:
    return AsyncMemoryBackend("of-a-backend")


REDIS = {"URL": "redis://nowhere.invalid:6379/0"}
WRONG: list[tuple[Any, str, str]] = [
    ({}, "E001", "CREDITS_URL"),
    ([], "E002", "dict"),
    ({**REDIS, "UTL": 1}, "E002", "Did you mean 'URL'"),
    ({**REDIS, "url": "redis://x"}, "E002", "Did you mean 'URL'"),
    ({**REDIS, 7: 1}, "E002", "It knows"),
    ({"URL": 7}, "E003", "'URL'"),
    ({"URL": ""}, "E003", "empty"),
    ({**REDIS, "DEFAULT_CREDITS": -1}, "E003", "DEFAULT_CREDITS"),
    ({**REDIS, "DEFAULT_CREDITS": True}, "E003", "DEFAULT_CREDITS"),
    ({**REDIS, "TIMEOUT": 61}, "E003", "60"),
    ({**REDIS, "AUTO_INITIALIZE": 1}, "E003", "True or False"),
    ({**REDIS, "USER": "no.such.function"}, "E003", "USER"),
    ({**REDIS, "USER": "json.no_such_function"}, "E003", "USER"),
    ({**REDIS, "ADMIN": True}, "E003", "function"),
    ({**REDIS, "API": object()}, "E003", "AccountApi"),
    ({**REDIS, "API": "credits_core.api.AccountApi"}, "E003", "AccountApi"),
    ({**REDIS, "FAILS_ON": 400}, "E003", "function"),
    ({**REDIS, "PRICES": {"chat": -1}}, "E003", "chat"),
    ({**REDIS, "PRICES": 7}, "E003", "dict of prices"),
    ({**REDIS, "LEASE": 0}, "E003", "LEASE"),
    ({**REDIS, "LOW_BALANCE": 1.5}, "E003", "LOW_BALANCE"),
    ({**REDIS, "OUTAGE": "/proc/no/such"}, "E003", "OUTAGE"),
    ({**REDIS, "OUTAGE": 7}, "E003", "folder"),
    ({**REDIS, "BACKEND": memory}, "E004", "which"),
    ({"TOKEN": "t", "BACKEND": memory}, "E004", "TOKEN"),
    ({"URL": "ftp://somewhere"}, "E005", "ftp"),
    ({"URL": "https://name.upstash.io"}, "E005", "token"),
    ({"URL": "redis://host:no-port"}, "E005", "not understood"),
    ({**REDIS, "PREFIX": "balance:"}, "E005", "prefix"),
    ({"BACKEND": f"{HERE}.retrying"}, "E006", "repeats commands"),
    ({"BACKEND": broken}, "E005", "vault"),
    ({"BACKEND": object}, "E006", "backend"),
]


@pytest.mark.parametrize(("setting", "number", "words"), WRONG, ids=range(len(WRONG)))
def test_what_is_wrong_is_told_before_a_user_pays_for_it(
    setting: Any, number: str, words: str
) -> None:
    found = told(setting)
    assert [name for name, _ in found] == [f"credits.{number}"]
    assert words in found[0][1]


def test_a_setting_that_is_right_is_not_mentioned() -> None:
    assert told(REDIS) == []
    assert told({"BACKEND": memory, "ASYNC_BACKEND": f"{HERE}.async_memory"}) == []


def test_no_check_shows_a_secret() -> None:
    for url in (
        "redis://:pass-word@host:no-port",
        "ftp://user:pass-word@host",
        "https://user:pass-word@x.upstash.io",
        "redis://:pass-word",
        "rediss://:pass-word@[half",
    ):
        for _, text in told({"URL": url, "TOKEN": None}):
            assert "pass-word" not in text
    with override_settings(CREDITS={"URL": "https://x.upstash.io", "TOKEN": "to-ken"}):
        assert "to-ken" not in repr(conf())


def test_the_middleware_must_be_there() -> None:
    assert told(REDIS, MIDDLEWARE=MIDDLEWARE[1:])[0][0] == "credits.E007"


def test_memory_is_for_debugging() -> None:
    assert told({"URL": "memory://"})[0][0] == "credits.W001"
    assert told({"URL": "memory://"}, DEBUG=True) == []


def test_an_async_project_with_a_backend_needs_an_async_one() -> None:
    found = told({"BACKEND": memory}, ASGI_APPLICATION="project.asgi.application")
    assert [name for name, _ in found] == ["credits.W002"]


def test_a_wrong_setting_fails_where_it_is_used() -> None:
    with override_settings(CREDITS={"UTL": "redis://x"}), pytest.raises(ImproperlyConfigured):
        client()


def test_the_environment_names_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITS_URL", "memory://")
    assert told({"DEFAULT_CREDITS": 7}, DEBUG=True) == []
    with override_settings(CREDITS={"DEFAULT_CREDITS": 7, "AUTO_INITIALIZE": True}):
        assert client().get_balance("alice") == 7


async def test_a_backend_of_ones_own_serves_both() -> None:
    setting = {"BACKEND": memory, "ASYNC_BACKEND": async_memory, "AUTO_INITIALIZE": True}
    with override_settings(CREDITS=setting):
        assert isinstance(client(), Credits)
        assert client().deduct("alice", 3, "x").balance == 97
        assert isinstance(aclient(), AsyncCredits)
        assert await aclient().get_balance("alice") == 97
        await clients.aclose()


def test_nothing_is_opened_before_it_is_needed() -> None:
    with override_settings(CREDITS=REDIS):
        assert client() is client()  # of a host that is not there
        first = client()
    with override_settings(CREDITS=REDIS):
        assert client() is not first


def test_a_child_that_is_forked_charges_by_itself(server: Any, credits: Credits, user: str) -> None:
    credits.initialize_user(user, 100)
    with override_settings(CREDITS={"URL": server.url}):
        client().deduct(user, 1, "parent")
        if not (pid := os.fork()):
            code = 1
            try:
                client().deduct(user, 2, "child")
                code = 0
            finally:
                os._exit(code)
        client().deduct(user, 4, "parent")
        assert os.waitpid(pid, 0)[1] == 0
    assert credits.get_balance(user) == 93


def test_an_outage_is_collected_by_a_process(
    server: Any, credits: Credits, user: str, tmp_path: Path
) -> None:
    credits.initialize_user(user, 100)
    with override_settings(CREDITS={"URL": server.url, "OUTAGE": tmp_path}):
        journal = conf().outage
        assert journal is not None
        admission = journal.admit("GET /x", user, 10, limit=10)
        assert admission is not None
        admission.serve(10, "served")
        client()
        wait_for(lambda: credits.get_balance(user) == 90)
