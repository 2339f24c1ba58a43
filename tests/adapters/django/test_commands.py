"""`manage.py credits …` on the store of the project."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line

from credits_core.backends.memory import MemoryBackend

if TYPE_CHECKING:
    from collections.abc import Callable

    from credits_core import Credits


def printed(*words: str) -> str:
    out = io.StringIO()
    call_command("credits", *words, stdout=out)
    return out.getvalue()


def test_a_command_works_on_the_store_of_the_setting(credits: Credits, payer: str) -> None:
    assert "100" in printed("balance", payer)
    printed("add", payer, "50", "gift")
    assert credits.get_balance(payer) == 150


def test_the_command_line_is_the_programs_own(
    capsys: pytest.CaptureFixture[str], credits: Credits, payer: str
) -> None:
    for words, code, text in [
        (["balance", payer, "--json"], 0, '"balance":100'),
        (["--help"], 0, "manage.py credits"),
        (["deduct", payer, "101", "x"], 1, "can spend 100"),
        (["nonsense"], 2, "nonsense"),
    ]:
        with pytest.raises(SystemExit) as end:
            execute_from_command_line(["manage.py", "credits", *words])
        assert end.value.code == code
        told = capsys.readouterr()
        assert text in told.out + told.err
    assert credits.get_balance(payer) == 100


def test_a_refusal_is_an_error_of_the_command(payer: str) -> None:
    with pytest.raises(CommandError, match="can spend 100"):
        printed("deduct", payer, "101", "x")


def test_a_backend_of_ones_own_is_asked(change: Callable[..., Any]) -> None:
    with change(URL=None, BACKEND=lambda: MemoryBackend("of-the-commands")):
        printed("init", "alice")
        assert "100" in printed("balance", "alice")
        with pytest.raises(CommandError, match="--url"):
            printed("doctor")


def test_no_password_is_shown(change: Callable[..., Any]) -> None:
    with change(URL="redis://:pass-word@127.0.0.1:1/0"):
        with pytest.raises(CommandError) as told:
            printed("balance", "alice")
        assert "pass-word" not in str(told.value)
