"""`credits doctor`: what is dangerous about a store, in words."""

from __future__ import annotations

import platform
import shutil
import textwrap
from collections import Counter
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import TYPE_CHECKING

import click

from credits_core.cli.diagnosis import findings, server
from credits_core.cli.failures import REFUSED, UNAVAILABLE
from credits_core.cli.findings import Finding
from credits_core.cli.output import clean, emit_json, json_option
from credits_core.cli.probe import observe
from credits_core.cli.store import Store, pass_store, store_options

if TYPE_CHECKING:
    from credits_core.cli.probe import Observations

PACKAGES = ("credits-sdk", "redis", "hiredis", "upstash-redis", "httpx", "fakeredis", "click")
COLORS = {"ok": "green", "note": "blue", "warning": "yellow", "danger": "red"}
MARGIN = 24


@click.command(short_help="Look at the store: what is dangerous, in words.")
@json_option
@store_options(hidden=True)
@pass_store
def doctor(store: Store, as_json: bool) -> None:
    """Look at the store: server, eviction, persistence, replicas, keys, latency, clock.

    It writes nothing. Exit code 1 if something is dangerous, 3 if the store is away.
    """
    seen = observe(store)
    found = [
        Finding(finding.level, finding.topic, store.redact(finding.message))
        for finding in findings(seen)
    ]
    if as_json:
        emit_json(_document(store, seen, found))
    else:
        _print(store, found)
    if seen.away:
        click.get_current_context().exit(UNAVAILABLE)
    if any(finding.level == "danger" for finding in found):
        click.get_current_context().exit(REFUSED)


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


def _document(store: Store, seen: Observations, found: list[Finding]) -> dict[str, object]:
    name, release = server(seen)
    trips = sorted(seen.latency_ms)
    return {
        "store": store.shown(),
        "reachable": not seen.away,
        "server": None if seen.away else {"name": name, "version": release or None},
        "latency_ms": {
            "min": round(trips[0], 3),
            "median": round(median(trips), 3),
            "max": round(trips[-1], 3),
        }
        if trips
        else None,
        "clock_skew_ms": None if seen.skew_ms is None else round(seen.skew_ms),
        "keys": seen.total_keys,
        "versions": _versions(),
        "findings": [asdict(finding) for finding in found],
    }


def _print(store: Store, found: list[Finding]) -> None:
    click.echo(clean(store.shown()))
    width = max(50, min(100, shutil.get_terminal_size().columns)) - MARGIN
    for finding in found:
        first, *rest = textwrap.wrap(clean(finding.message), width, break_on_hyphens=False)
        level = click.style(f"{finding.level:<8}", fg=COLORS[finding.level])
        click.echo(f"  {level} {finding.topic:<12} {first}")
        for line in rest:
            click.echo(f"{'':{MARGIN}}{line}")
    installed = (f"{name} {number}" for name, number in _versions().items() if number)
    click.echo(f"With {', '.join(installed)}.")
    counts = Counter(finding.level for finding in found)
    if counts["danger"] or counts["warning"]:
        click.echo(f"Dangers: {counts['danger']}, warnings: {counts['warning']}.")
    else:
        click.echo("Nothing here endangers credits.")
