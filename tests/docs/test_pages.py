"""What the pages say of the code, held against the code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import pytest

from credits_core import _client, errors, flights, models, validation
from credits_core.cli.app import program
from credits_core.config import ENVIRONMENT
from credits_core.http.problems import problem
from credits_core.keys import KeySpace
from credits_core.plans.reconcile import MAX_PROBLEMS
from credits_core.pricing import book_tables, price_tables
from tests.docs.examples import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DAY_MS = 24 * 3600 * 1000

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*/*.md")), DOCS / "index.md"]

# Blocks that are run, and those that hold nothing to run.
LANGUAGES = {"python", "console", "text", "json", "lua", "{toctree}", "{eval-rst}"}


def page(name: str) -> str:
    return (DOCS / name).read_text()


def row(text: str, first: str) -> str:
    """The row of a table that begins with `first`."""
    found = re.search(rf"^\| {re.escape(first)} \|.*$", text, re.MULTILINE)
    assert found, f"no row begins with {first}"
    return found[0]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_block_is_run_or_holds_nothing_to_run(path: Path):
    opened = re.findall(
        r"^ *```(\S*)[^\n]*\n.*?^ *```$", path.read_text(), re.DOTALL | re.MULTILINE
    )
    assert set(opened) <= LANGUAGES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def commands() -> list[click.Command]:
    context = click.Context(program, info_name="credits")
    found = [program.get_command(context, name) for name in program.list_commands(context)]
    return [command for command in found if command is not None]


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_the_command_line_page_has_each_command_with_its_options(command: click.Command):
    sections = re.split(r"^## ", page("reference/cli.md"), flags=re.MULTILINE)
    (section,) = [text for text in sections if text.startswith(f"`credits {command.name}")]
    context = click.Context(command, info_name=f"credits {command.name}")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)[1:]])
    assert section.startswith(f"`{usage}`")
    options = {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
        for name in parameter.opts
    }
    documented = set(re.findall(r"^\| `(--[\w-]+)` \|", section, re.MULTILINE))
    assert documented == options - {"--json"}


def test_the_command_line_page_has_the_options_of_the_program():
    head = page("reference/cli.md").partition("\n## ")[0]
    options = [parameter for parameter in program.params if isinstance(parameter, click.Option)]
    for name in ["--help", *(name for option in options for name in option.opts)]:
        assert f"`{name}`" in head


def an_error(kind: type[errors.CreditsError]) -> errors.CreditsError:
    """An error of a kind, whatever it is built from."""
    error = kind.__new__(kind)
    for name in ("required", "available", "missing"):
        setattr(error, name, 0)
    error.rule = "max_balance"  # type: ignore[attr-defined]
    error.state = "running" if kind is errors.RepeatedRequestError else "settled"  # type: ignore[attr-defined]
    error.retry_after = error.action = None  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("name", sorted(set(errors.__all__) - {"CreditsError"}))
def test_the_errors_page_has_each_error_with_its_status(name: str):
    kind = getattr(errors, name)
    entry = row(page("reference/errors.md"), f"`{name}`")
    assert f"| {problem(an_error(kind)).status} |" in entry


def test_the_environment_page_has_each_variable_in_order():
    named = re.findall(
        r"^\| `([A-Z_]+)` \| (?:`([A-Z_]+)`|\u2013) \|$",
        page("reference/urls-and-environment.md"),
        re.MULTILINE,
    )
    assert tuple(named) == ENVIRONMENT


@pytest.mark.parametrize(
    ("what", "bounds"),
    [
        ("User id", [validation.MAX_USER_ID_BYTES]),
        ("Amount of an operation", [models.MAX_AMOUNT]),
        ("Sign-up credits", [models.MAX_AMOUNT]),
        ("Balance", [models.MAX_BALANCE]),
        ("Action", [validation.MAX_ACTION_CHARS]),
        ("Idempotency key", [validation.MAX_KEY_CHARS]),
        ("Route of a request", [validation.MAX_ROUTE_CHARS]),
        ("Fingerprint of a request", [validation.MAX_FINGERPRINT_CHARS]),
        ("Lease of a request", [validation.MAX_LEASE_MS // 1000]),
        ("Answer to a request", [validation.MAX_ANSWER_BYTES]),
        ("Time that an answer is kept", [validation.MAX_KEEP_MS // DAY_MS]),
        ("Metadata", [validation.MAX_METADATA_BYTES, validation.MAX_METADATA_DEPTH]),
        ("Transactions a `get_transactions`, a `get_history`", [validation.MAX_LIMIT]),
        ("Items at once (`atomic=True`)", [validation.MAX_BATCH]),
        ("Time of a hold", [validation.MAX_HOLD_MS // DAY_MS]),
        ("Priority of a grant", [models.MAX_PRIORITY]),
        ("Floor", [models.MAX_AMOUNT]),
        ("Age of entries that are folded", [validation.MIN_FOLD_AGE_MS // DAY_MS]),
        ("Timeout", [int(_client.MAX_TIMEOUT)]),
        ("Calls that travel together", [flights.MAX_FLIGHT]),
        ("Accounts named in a report", [MAX_PROBLEMS]),
    ],
)
def test_the_table_of_limits_has_the_bounds_of_the_code(what: str, bounds: list[int]):
    entry = row(page("reference/key-layout.md"), what)
    for bound in bounds:
        assert re.search(rf"\b{bound}\b", entry)


def test_the_page_of_the_layout_has_each_key_and_each_script():
    text = page("reference/key-layout.md")
    for key in KeySpace().account("<user>"):
        assert f"`{key}`" in text
    assert "`credits:request:<32 hexadecimal digits>:<user>`" in text
    assert "`credits:payment:<payment>`" in text
    assert f"`{KeySpace().sweep()}`" in text
    linked = set(re.findall(r"\]\([./]+/credits_core/scripts/(\w+)\.lua\)", text))
    assert linked == {path.stem for path in (ROOT / "credits_core" / "scripts").glob("*.lua")}


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ("The book", book_tables.BOOK_KEYS),
        ("A price", {key for keys in price_tables.PRICE_KEYS.values() for key in keys}),
        ("A tier", price_tables.TIER_KEYS),
        ("A package", price_tables.PACKAGE_KEYS),
        ("A version", book_tables.VERSION_KEYS),
    ],
)
def test_the_price_book_page_has_each_key(section: str, keys: set[str]):
    (text,) = re.findall(
        rf"^## {section}\n(.*?)(?=^## |\Z)",
        page("reference/price-book.md"),
        re.DOTALL | re.MULTILINE,
    )
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(keys)


def test_the_price_book_page_has_the_names_that_no_set_may_have():
    text = page("reference/price-book.md").partition("## Multipliers")[2].partition("\n## ")[0]
    (sentence,) = re.findall(r"argument of Python, and not (.*?)\. Who", text, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", sentence)) == price_tables.RESERVED
