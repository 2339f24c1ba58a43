"""One client's connection through a proxy, and the connection to the server behind it.

Both directions are parsed, so that "the answer to this request" is exact even when a client
pipelines: a fault waits until all earlier requests of its connection are answered.
"""

import asyncio
from contextlib import suppress
from typing import Protocol

import hiredis

from tests.support.proxy_rules import ProxyRule

_CHUNK = 1 << 16
_GOODBYE_SECONDS = 5.0
_NOT_YET = object()


class Traffic(Protocol):
    """Who decides on requests and keeps count of them."""

    def rule_for(self, request: bytes) -> ProxyRule | None: ...

    def busy(self, by: int) -> None: ...


class Link:
    """Pumps bytes both ways until one side ends, and applies the faults."""

    def __init__(
        self,
        traffic: Traffic,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._traffic = traffic
        self._client, self._to_client = client
        self._server, self._to_server = server
        self._requests = _Frames()
        self._replies = _Frames()
        self._unanswered = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._reply_bytes_left: int | None = None  # None: all pass
        self._reply_delay = 0.0
        self._black_hole = False

    async def run(self) -> None:
        replies = asyncio.create_task(self._pump_replies())
        try:
            with suppress(OSError):
                await self._pump_requests()
            self._to_client.close()
            with suppress(OSError):
                self._to_server.write_eof()
            # The server ends the connection when it has done what was sent; a frozen one may not.
            await asyncio.wait([replies], timeout=_GOODBYE_SECONDS)
        finally:
            replies.cancel()
            self._expect(-self._unanswered)
            self.abort()

    def abort(self) -> None:
        self._to_client.transport.abort()
        self._to_server.transport.abort()

    async def _pump_requests(self) -> None:
        going_on = True
        while going_on and (request := await self._client.read(_CHUNK)):
            if self._black_hole:
                continue
            commands = self._requests.count(request)
            while self._requests.partial and (more := await self._client.read(_CHUNK)):
                commands += self._requests.count(more)
                request += more
            rule = self._traffic.rule_for(request)
            self._traffic.busy(1)
            try:
                going_on = await self._obey(rule, request, commands)
            finally:
                self._traffic.busy(-1)

    async def _obey(self, rule: ProxyRule | None, request: bytes, commands: int) -> bool:
        """Forward the request as the rule says; tell whether the connection goes on."""
        if rule is None:
            await self._forward(request, commands)
            return True
        if rule.kind == "drop_request":
            return False
        if rule.kind == "delay_request":
            await asyncio.sleep(rule.seconds)
            await self._forward(request, commands)
            return True
        await self._quiet.wait()
        if rule.kind == "delay_reply":
            self._reply_delay = rule.seconds
            await self._forward(request, commands)
            return True
        self._reply_bytes_left = rule.after_bytes
        await self._forward(request, commands)
        await self._quiet.wait()
        self._black_hole = rule.kind == "lose_reply_silently"
        return self._black_hole

    async def _forward(self, request: bytes, commands: int) -> None:
        self._expect(commands)
        self._to_server.write(request)
        await self._to_server.drain()

    async def _pump_replies(self) -> None:
        try:
            while reply := await self._server.read(_CHUNK):
                if self._reply_delay:
                    delay, self._reply_delay = self._reply_delay, 0.0
                    await asyncio.sleep(delay)
                await self._answer(reply)
                self._expect(-min(self._unanswered, self._replies.count(reply)))
        except OSError:
            pass  # the server died
        finally:
            self._expect(-self._unanswered)
            self._to_client.close()

    async def _answer(self, reply: bytes) -> None:
        if self._reply_bytes_left is not None:
            reply = reply[: self._reply_bytes_left]
            self._reply_bytes_left -= len(reply)
        with suppress(OSError):  # the client has gone
            self._to_client.write(reply)
            await self._to_client.drain()

    def _expect(self, replies: int) -> None:
        self._unanswered += replies
        self._traffic.busy(replies)
        if self._unanswered:
            self._quiet.clear()
        else:
            self._quiet.set()


class _Frames:
    """Counts the complete commands or replies in a stream."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(notEnoughData=_NOT_YET)
        self._readable = True

    @property
    def partial(self) -> bool:
        return self._readable and self._reader.has_data()

    def count(self, chunk: bytes) -> int:
        if not self._readable:
            return 1
        frames = 0
        try:
            self._reader.feed(chunk)
            while (frame := self._reader.gets()) is not _NOT_YET:
                frames += not isinstance(frame, hiredis.PushNotification)
        except hiredis.ProtocolError:  # not RESP: a chunk is as good as a command
            self._readable = False
            return 1
        return frames
