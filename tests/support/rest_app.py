"""The Upstash REST protocol as an ASGI application in front of a real server."""

import asyncio
import json
import math
from base64 import b64encode
from collections.abc import Sequence
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

import hiredis
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.support.rest_rules import RestFaults, RestRule
from tests.support.rest_scripts import Scripts
from tests.support.wire import Reply, Wire

_EXPONENT_FROM = 1e12


class RefusedError(Exception):
    """A request that is answered with an error and not executed."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class RestApp(RestFaults):
    """Answers POST /, /pipeline and /multi-exec, and commands in the path."""

    def __init__(self, url: str, token: str, max_request_bytes: int) -> None:
        super().__init__()
        self.requests = 0  # POSTs so far
        self.commands = 0  # commands in them
        self._wire = Wire(url)
        self._scripts = Scripts()
        self._token = token
        self._max_request_bytes = max_request_bytes

    def close_connections(self) -> None:
        self._wire.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        rule = None
        if request.method == "POST":
            self.requests += 1
            rule = self.rules.take(body)
        if rule and rule.kind == "delay" and not rule.execute:
            await asyncio.sleep(rule.seconds)
        response = None
        if rule is None or rule.execute or rule.kind == "delay":
            response = await self._respond(request, body)
        if rule:
            response = await _break(rule, response)
        if response is None:
            scope["state"]["transport"].abort()
            await asyncio.sleep(0.001)  # until the server has noticed that nobody listens
            return
        await response(scope, receive, send)

    async def _respond(self, request: Request, body: bytes) -> Response:
        try:
            payload = await self._answer(request, body)
        except RefusedError as error:
            return _json({"error": str(error)}, error.status)
        except OSError as error:
            return _json({"error": f"ERR upstream: {error}"}, HTTPStatus.SERVICE_UNAVAILABLE)
        failed = isinstance(payload, dict) and "error" in payload
        return _json(payload, HTTPStatus.BAD_REQUEST if failed else HTTPStatus.OK)

    async def _answer(self, request: Request, body: bytes) -> Any:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "Unauthorized")
        if len(body) > self._max_request_bytes:
            raise RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"ERR max request size exceeded. Limit: {self._max_request_bytes} bytes",
            )
        base64 = request.headers.get("upstash-encoding") == "base64"
        path = request.url.path
        if path == "/pipeline":
            replies = await self._run(_commands(body))
            return [_item(reply, base64) for reply in replies]
        if path == "/multi-exec":
            return await self._run_atomically(_commands(body), base64)
        command = _command(_parse(body)) if path == "/" else _from_path(request, body)
        [reply] = await self._run([command])
        return _item(reply, base64)

    async def _run(self, commands: Sequence[Sequence[bytes]]) -> list[Reply]:
        self.commands += len(commands)
        replies = await self._wire.call([self._scripts.outgoing(command) for command in commands])
        return [self._scripts.incoming(*pair) for pair in zip(commands, replies, strict=True)]

    async def _run_atomically(self, commands: Sequence[Sequence[bytes]], base64: bool) -> Any:
        self.commands += len(commands)
        sent = [self._scripts.outgoing(command) for command in commands]
        *_, last = await self._wire.call([[b"MULTI"], *sent, [b"EXEC"]])
        if not isinstance(last, list):
            return _item(last, base64)
        replies = map(self._scripts.incoming, commands, last)
        return [_item(reply, base64) for reply in replies]


async def _break(rule: RestRule, response: Response | None) -> Response | None:
    if rule.kind == "status":
        return Response(rule.body, rule.code, media_type="text/html")
    if rule.kind == "garbage_json":
        return Response('{"result": "', media_type="application/json")
    if rule.kind == "delay":
        if rule.execute:
            await asyncio.sleep(rule.seconds)
        return response
    return None


def _json(payload: Any, status: HTTPStatus) -> Response:
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, media_type="application/json")


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, f"ERR failed to parse command: {error}"
        ) from None


def _commands(body: bytes) -> list[list[bytes]]:
    commands = _parse(body)
    if not isinstance(commands, list) or not commands:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "ERR empty pipeline request")
    return [_command(command) for command in commands]


def _command(command: Any) -> list[bytes]:
    if not isinstance(command, list) or not command:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "ERR empty command")
    return [_argument(argument) for argument in command]


def _from_path(request: Request, body: bytes) -> list[bytes]:
    raw = request.scope["raw_path"].strip(b"/")
    command = [unquote_to_bytes(part) for part in raw.split(b"/")]
    return [*command, body] if body else command


def _argument(argument: Any) -> bytes:
    """Return an argument as it reaches the server; large numbers turn into floats on the way."""
    match argument:
        case str():
            return argument.encode("utf-8", "replace")
        case bool() | None:
            return json.dumps(argument).encode()
        case int() | float() if math.isfinite(argument):
            return _number(argument).encode()
    raise RefusedError(HTTPStatus.BAD_REQUEST, "ERR a command takes strings and numbers")


def _number(number: float) -> str:
    if abs(number) < _EXPONENT_FROM:
        return str(int(number)) if number == int(number) else repr(number)
    sign, digits, exponent = Decimal(repr(float(number))).normalize().as_tuple()
    assert isinstance(exponent, int)
    fraction = "".join(map(str, digits[1:]))
    mantissa = f"{digits[0]}.{fraction}" if fraction else f"{digits[0]}"
    return f"{'-' if sign else ''}{mantissa}e+{exponent + len(digits) - 1:02d}"


def _item(reply: Reply, base64: bool) -> dict[str, Any]:
    if isinstance(reply, hiredis.ReplyError):
        return {"error": str(reply)}
    return {"result": _value(reply, base64)}


def _value(reply: Reply, base64: bool) -> Any:
    if isinstance(reply, bytes):
        encode = base64 and reply != b"OK"
        return b64encode(reply).decode() if encode else reply.decode("utf-8", "replace")
    if isinstance(reply, list):
        return [_value(item, base64) for item in reply]
    return str(reply) if isinstance(reply, hiredis.ReplyError) else reply
