"""A pool of plain connections that returns replies as the server wrote them.

redis-py turns replies into Python types and drops the code of an error; a REST server has to pass
both on untouched.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import hiredis
from redis.asyncio.connection import parse_url

Reply: TypeAlias = "bytes | int | list[Reply] | hiredis.ReplyError | None"
_CHUNK = 1 << 16
_NOT_YET = object()


class Wire:
    """Sends several commands in one write and reads their replies (RESP2)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[_Connection] = []

    async def call(self, commands: Sequence[Sequence[bytes]]) -> list[Reply]:
        """Return a reply for each command; errors of the server are values, not raised."""
        connection = await self._take()
        try:
            replies = await connection.call(commands)
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return replies

    def close(self) -> None:
        while self._idle:
            connection = self._idle.pop()
            connection.close()

    async def _take(self) -> "_Connection":
        while self._idle:
            connection = self._idle.pop()
            if not connection.reader.at_eof() and not connection.writer.is_closing():
                return connection
            connection.close()
        return await _connect(self._url)


@dataclass
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    parser: hiredis.Reader = field(default_factory=lambda: hiredis.Reader(notEnoughData=_NOT_YET))

    def close(self) -> None:
        self.writer.transport.abort()

    async def call(self, commands: Sequence[Sequence[bytes]]) -> list[Reply]:
        self.writer.write(b"".join([_pack(args) for args in commands]))
        replies: list[Any] = []
        while len(replies) < len(commands):
            if (reply := self.parser.gets()) is not _NOT_YET:
                replies.append(reply)
            elif chunk := await self.reader.read(_CHUNK):
                self.parser.feed(chunk)
            else:
                raise ConnectionError("the server closed the connection")
        return replies


def _pack(command: Sequence[bytes]) -> bytes:
    args: Any = tuple(command)
    packed: bytes = hiredis.pack_command(args)
    return packed


async def _connect(url: str) -> _Connection:
    options = parse_url(url)
    if "path" in options:
        streams = await asyncio.open_unix_connection(options["path"])
    else:
        streams = await asyncio.open_connection(options["host"], options.get("port", 6379))
    connection = _Connection(*streams)
    greeting: list[list[bytes]] = []
    if options.get("password"):
        credentials = [
            options[name].encode() for name in ("username", "password") if options.get(name)
        ]
        greeting.append([b"AUTH", *credentials])
    if options.get("db"):
        greeting.append([b"SELECT", str(options["db"]).encode()])
    for reply in await connection.call(greeting):
        if isinstance(reply, hiredis.ReplyError):
            connection.close()
            raise ConnectionError(str(reply))
    return connection
