"""Bodies that are announced, or sent, without an end: they fill no memory."""

from __future__ import annotations

import select
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from tests.adapters.account_api.asking import ADMIN, ROUTES
from tests.support.ports import HOST

if TYPE_CHECKING:
    from tests.adapters.paths.sites import Site

CHUNK = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
ENOUGH = 1024  # chunks, of 64 KiB
NAMES = pytest.mark.parametrize("name", ["grant", "webhook-clerk"])


class Sender:
    """Begins a POST on a bare socket."""

    def __init__(self, site: Site, name: str, length: str) -> None:
        lines = [
            f"POST {ROUTES[name, 'POST'].path} HTTP/1.1",
            "Host: site",
            f"X-Admin: {ADMIN['X-Admin']}",
            "Content-Type: application/json",
            length,
        ]
        self._socket = socket.create_connection((HOST, site.port), 10)
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def send_until_answered(self) -> int:
        """Send chunks until there is an answer, and no more than enough; answers how many."""
        for sent in range(ENOUGH):
            if select.select([self._socket], [], [], 0)[0]:
                return sent
            try:
                self._socket.sendall(CHUNK)
            except OSError:  # it was hung up on, behind the answer
                return sent
        return ENOUGH

    def end(self) -> None:
        self._socket.sendall(b"0\r\n\r\n")

    def status(self) -> int:
        """The status of the answer."""
        return int(self._socket.recv(4096).split()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def resident_kib(site: Site) -> int:
    """The memory of the server and its workers."""
    children = Path(f"/proc/{site.pid}/task/{site.pid}/children").read_text().split()
    told = [Path(f"/proc/{pid}/status").read_text() for pid in (site.pid, *children)]
    return sum(int(one.split("VmRSS:")[1].split()[0]) for one in told)


@NAMES
def test_a_long_body_that_is_announced_is_not_waited_for(site: Site, name: str) -> None:
    with Sender(site, name, "Content-Length: 999999999999") as sender:
        assert site.http.get(ROUTES["packages", "GET"].path).status_code == 200
        # Under ASGI Django reads a body before anything else of it runs.
        assert site.name == "django_asgi" or sender.status() == 413


@NAMES
def test_a_body_without_an_end_is_left_where_it_is_too_long(site: Site, name: str) -> None:
    before = resident_kib(site)
    with Sender(site, name, "Transfer-Encoding: chunked") as sender:
        sent = sender.send_until_answered()
        if site.name == "django_asgi":
            # Django spools it to a file before.
            assert sent == ENOUGH
            sender.end()
        else:
            assert sent < ENOUGH / 8
        # Under WSGI Django takes a body without a length for an empty one.
        assert sender.status() == (400 if site.name == "django_wsgi_gthread" else 413)
    assert resident_kib(site) - before < 16 * 1024
