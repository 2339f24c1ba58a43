"""Servers that answer as the vendors' APIs do, for the vendors' real libraries.

The APIs themselves cannot be reached from tests. What is asked of them, and the shapes of what they
answer, are those of their libraries.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl

from tests.support.http_server import HttpServer


class Vendor(HttpServer):
    """Answers each POST by `answer`, or by `status` and `error`; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.status = 200
        self.error: dict[str, Any] = {}
        self.url_of_checkout: str | None = "https://checkout.example/c/1"
        super().__init__(_handler(self))

    def answer(self, path: str) -> dict[str, Any]:
        if self.status >= 400:
            return self.error
        if path == "/v1/checkout/sessions":
            return {"id": "cs_1", "object": "checkout.session", "url": self.url_of_checkout}
        assert path == "/checkouts", path
        return {"session_id": "cks_1", "checkout_url": self.url_of_checkout}


def _handler(vendor: Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = "urlencoded" in self.headers["Content-Type"]
            asked = dict(parse_qsl(body)) if form else json.loads(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            vendor.asked.append((self.path, headers, asked))
            told = json.dumps(vendor.answer(self.path)).encode()
            self.send_response(vendor.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
