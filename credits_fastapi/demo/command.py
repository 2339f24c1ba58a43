"""The command `credits demo`."""

from __future__ import annotations

import os
import secrets
import socket
import sys

import click

from credits_core.cli.output import json_option
from credits_fastapi.demo.presenters import JsonLines, Words

__all__ = ["demo"]

PORT = 8402
_MEMORY = "memory://"


@click.command("demo")
@click.option("--once", is_flag=True, help="End after the tour; exit code 1 if a step was wrong.")
@click.option(
    "--url",
    default=_MEMORY,
    show_default=True,
    help="The store: redis://…, https://….upstash.io, or memory:// inside this process.",
)
@click.option(
    "--token",
    envvar=["CREDITS_TOKEN", "UPSTASH_REDIS_REST_TOKEN"],
    show_envvar=True,
    help="The token of an Upstash REST store.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"Where to listen: {PORT}, or with --once any free port; 0 is any free port.",
)
@json_option
def demo(
    once: bool, url: str, token: str | None, host: str, port: int | None, as_json: bool
) -> None:
    """Take a tour of an app that charges credits, in real requests; then look at the account.

    A chat message costs 10 credits and a video 10 a second. The app listens on a real port
    and keeps its ledger in the store; it goes on serving a page of the account until Ctrl-C.

    On a store that is not memory:// the demo makes one account with a fresh random name,
    touches no other, and deletes it at the end.
    """
    try:
        from credits_fastapi.demo import serving  # noqa: PLC0415 - --help works without uvicorn
        from credits_fastapi.demo.app import create_app  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("credits_"):
            raise
        raise click.ClickException(
            f"the demo needs the package {error.name!r}: pip install 'credits-sdk[demo]'"
        ) from error
    shared = not url.startswith(_MEMORY)
    # A token in the environment may belong to another store than the one that --url names.
    token = token if url.startswith(("http://", "https://")) else None
    user_id = f"demo-{secrets.token_hex(6)}" if shared else "alice"
    _check_store(url, token, user_id)
    presenter = JsonLines() if as_json else Words()
    app = create_app(only=user_id if shared else None, url=url, token=token)
    with _listen(host, (0 if once else PORT) if port is None else port) as sock:
        address = _address(host, sock)
        presenter.opened(address, user_id if shared else None)
        right = serving.tour_and_serve(app, sock, address, user_id, presenter, once=once)
    if not right:
        sys.exit(1)


def _check_store(url: str, token: str | None, user_id: str) -> None:
    """Say at once, in words, when there is no such store."""
    from credits_core import Credits, CreditsError  # noqa: PLC0415

    try:
        with Credits.from_url(url, token=token) as credits:
            credits.get_balance(user_id)
    except CreditsError as error:
        raise click.ClickException(f"this store cannot be used: {error}") from error


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {host} port {port} ({os.strerror(error.errno or 0)}): "
            f"choose another with --port, or --port 0 for any that is free"
        ) from error


def _address(host: str, sock: socket.socket) -> str:
    # A server on all addresses is reached at the loopback one.
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared only
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{sock.getsockname()[1]}"
