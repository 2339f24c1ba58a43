"""A server that answers as the APIs of language models do, for their real clients."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.http_server import HttpServer


class ModelApi(HttpServer):
    """Answers each request with `answer`, or with the events of `stream` if it asks to stream.

    `break_after` events the connection breaks.
    """

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}
        self.stream: list[dict[str, Any]] = []
        self.break_after: int | None = None
        super().__init__(_handler(self))

    def events(self) -> bytes:
        """The stream as server-sent events, up to where it breaks."""
        events = self.stream if self.break_after is None else self.stream[: self.break_after]
        return b"".join(_event(event) for event in events)


def _event(event: dict[str, Any]) -> bytes:
    # Chat Completions has no names of events, and a last line of its own.
    named = f"event: {event['type']}\n" if "type" in event else ""
    return f"{named}data: {json.dumps(event)}\n\n".encode()


def _handler(api: ModelApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            streams = bool(asked.get("stream"))
            body = api.events() if streams else json.dumps(api.answer).encode()
            broken = streams and api.break_after is not None
            if streams and not broken and "chat/completions" in self.path:
                body += b"data: [DONE]\n\n"
            self.send_response(200)
            kind = "text/event-stream" if streams else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body) + broken))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler
