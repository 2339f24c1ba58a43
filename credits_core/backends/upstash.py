"""Upstash Redis over its REST API.

`UpstashBackend` and its async twin send every flight as one POST to `/pipeline`, with a
timeout on each. The `…ClientBackend` pair runs on an `upstash_redis` client that the app
already has; its own pipeline throws all results away when one command fails, so that
there every call is a request of its own.

Format: https://upstash.com/docs/redis/features/restapi
"""

from __future__ import annotations

import asyncio
import binascii
import hashlib
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import httpx

from credits_core.backends._resp import error_text, is_noscript, is_refusal, words
from credits_core.command import Call, Failure
from credits_core.errors import InvalidRequestError
from credits_core.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from credits_core.command import Reply

# Raised before the request left; anything else may have reached the server.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

# With these Upstash refuses; any other may come from a gateway that lost the answer.
_REFUSING = frozenset({400, 401, 403, 404, 413, 429})

# How it words two of them, where a client tells no status.
_REFUSING_TEXTS = ("Unauthorized", "Too Many Requests")

# What a header can carry.
_TOKEN = re.compile(r"[!-~]+")

# Lets scripts of different keys run side by side; only Upstash knows the flag.
_SHEBANG = "#!lua flags=allow-key-locking\n"


@lru_cache(maxsize=64)
def upstash_script(script: Script) -> Script:
    """The script as Upstash runs it best."""
    text = _SHEBANG + script.text
    return Script(script.name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def upstash_words(call: Call, *, text: bool = False) -> tuple[str, ...]:
    """A call as Upstash takes it."""
    if call.script is not None:
        call = Call(upstash_script(call.script), call.keys, call.args)
    return words(call, text=text)


def decoded(value: Any) -> Reply:
    """A result with its base64 strings decoded; `OK` alone is never encoded."""
    if type(value) is str:
        if value == "OK":
            return value
        return binascii.a2b_base64(value, strict_mode=True).decode("utf-8", "surrogateescape")
    if type(value) is list:
        return [decoded(item) for item in value]
    return value


def outcomes_of(response: httpx.Response, count: int) -> list[Reply | Failure]:
    """What a response to `/pipeline` says of each of its `count` commands."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    if response.status_code != httpx.codes.OK:
        told = body.get("error") if isinstance(body, dict) else None
        reason = f"HTTP {response.status_code}" + (f": {told}" if told else "")
        refused = response.status_code in _REFUSING
        return [Failure("no" if refused else "unknown", reason[:200])] * count
    if not isinstance(body, list) or len(body) != count:
        return [Failure("unknown", "the answer was not a pipeline's")] * count
    return [_outcome(item) for item in body]


def _outcome(item: Any) -> Reply | Failure:
    if isinstance(item, dict) and "error" in item:
        text = str(item["error"])[:200]
        return Failure("no" if is_refusal(text) else "unknown", text)
    if not isinstance(item, dict) or "result" not in item:
        return Failure("unknown", "the answer held no result")
    try:
        return decoded(item["result"])
    except (ValueError, RecursionError):
        return Failure("unknown", "the answer was not base64")


def failed(error: Exception, count: int) -> list[Reply | Failure]:
    """What a request that broke says of its commands."""
    return [_failure(error)] * count


def _failure(error: Exception) -> Failure:
    if isinstance(error, (httpx.LocalProtocolError, UnicodeError)):  # which show the header
        return Failure("no", "the request could not be formed: is the token whole?")
    return Failure("no" if isinstance(error, _NOT_SENT) else "unknown", error_text(error))


class _Rest:
    """What the two REST backends share: the request, and which calls need their text sent."""

    braces = False

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/") + "/pipeline"
        self._headers = {"Authorization": f"Bearer {token}", "Upstash-Encoding": "base64"}
        # http:// is this machine: a proxy of the environment would only read the token.
        self._trust_env = not url.startswith("http://")

    def _request(self, calls: Sequence[Call], *, text: bool) -> dict[str, Any]:
        return {
            "url": self._url,
            "headers": self._headers,
            "json": [upstash_words(call, text=text) for call in calls],
        }

    def _received(self, response: httpx.Response, count: int) -> list[Reply | Failure]:
        # Later requests carry the token, so that they read what this client wrote.
        token = response.headers.get("Upstash-Sync-Token", "")
        if _TOKEN.fullmatch(token):
            self._headers["Upstash-Sync-Token"] = token
        return outcomes_of(response, count)


class UpstashBackend(_Rest):
    """Carries each flight as one POST to `/pipeline`."""

    def __init__(self, url: str, token: str) -> None:
        """Talk to the REST `url` with its `token`."""
        super().__init__(url, token)
        self._pid = os.getpid()
        self._http = self._connect()

    def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call with one request, and one more where scripts were unknown."""
        outcomes = self._post(calls, timeout, text=False)
        missing = [index for index, outcome in enumerate(outcomes) if is_noscript(outcome)]
        if missing:
            again = self._post([calls[index] for index in missing], timeout, text=True)
            for index, outcome in zip(missing, again, strict=True):
                outcomes[index] = outcome
        return outcomes

    def close(self) -> None:
        """Close the HTTP client."""
        self._http.close()

    def _connect(self) -> httpx.Client:
        return httpx.Client(follow_redirects=False, trust_env=self._trust_env)

    def _post(self, calls: Sequence[Call], timeout: float, *, text: bool) -> list[Reply | Failure]:
        if self._pid != os.getpid():  # a fork: the sockets are the parent's
            self._pid, self._http = os.getpid(), self._connect()
        try:
            response = self._http.post(**self._request(calls, text=text), timeout=timeout)
        except httpx.HTTPError as error:
            return failed(error, len(calls))
        return self._received(response, len(calls))


class AsyncUpstashBackend(_Rest):
    """Carries each flight as one POST to `/pipeline`."""

    concurrency = 8

    def __init__(self, url: str, token: str) -> None:
        """Talk to the REST `url` with its `token`."""
        super().__init__(url, token)
        self._http = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=self._trust_env,
            timeout=None,  # noqa: S113 - one bounds the whole flight
        )

    async def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call with one request, and one more where scripts were unknown."""
        try:
            async with asyncio.timeout(timeout):
                outcomes = await self._post(calls, text=False)
                missing = [i for i, outcome in enumerate(outcomes) if is_noscript(outcome)]
                if missing:
                    again = await self._post([calls[index] for index in missing], text=True)
                    for index, outcome in zip(missing, again, strict=True):
                        outcomes[index] = outcome
        except TimeoutError as error:
            return [Failure("unknown", error_text(error))] * len(calls)
        return outcomes

    async def aclose(self) -> None:
        """Close the HTTP client."""
        await self._http.aclose()

    async def _post(self, calls: Sequence[Call], *, text: bool) -> list[Reply | Failure]:
        try:
            response = await self._http.post(**self._request(calls, text=text))
        except httpx.HTTPError as error:
            return failed(error, len(calls))
        return self._received(response, len(calls))


def check_upstash_client(client: Any, kind: type) -> Any:
    """The HTTP client of this `kind` inside an `upstash_redis` client that repeats nothing."""
    http = getattr(client, "_http", None)
    if http is None or not hasattr(http, "_client"):
        raise InvalidRequestError(
            f"this backend takes an upstash_redis Redis client, not {type(client).__name__}"
        )
    if not isinstance(http._client, kind):  # noqa: SLF001 - nothing else tells them apart
        other = "AsyncUpstashClientBackend" if kind is httpx.Client else "UpstashClientBackend"
        raise InvalidRequestError(
            f"this backend does not take {type(client).__module__}.{type(client).__name__}: "
            f"that one goes into {other}"
        )
    if getattr(http, "_retries", 0):
        raise InvalidRequestError(
            "this upstash_redis client repeats requests by itself, seconds apart: build it "
            "with rest_retries=0, or let from_url open its own"
        )
    return http._client  # noqa: SLF001 - the only way to give its requests a timeout


def client_failure(error: Exception) -> Failure:
    """What an exception of an `upstash_redis` client says."""
    text = error_text(error)
    if type(error).__name__ == "UpstashError":
        refused = is_refusal(text) or text.startswith(_REFUSING_TEXTS)
        return Failure("no" if refused else "unknown", text)
    return _failure(error)


class UpstashClientBackend:
    """Carries calls over an `upstash_redis.Redis` client of the app's own."""

    braces = False

    def __init__(self, client: Any) -> None:
        """Use `client`, and never close it. Its HTTP timeout is set at each call."""
        self._http = check_upstash_client(client, httpx.Client)
        self._client = client

    def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call with a request of its own."""
        self._http.timeout = timeout
        return [self._one(call) for call in calls]

    def close(self) -> None:
        """Do nothing: the client belongs to the app."""

    def _one(self, call: Call) -> Reply | Failure:
        outcome = self._attempt(call, text=False)
        return self._attempt(call, text=True) if is_noscript(outcome) else outcome

    def _attempt(self, call: Call, *, text: bool) -> Reply | Failure:
        try:
            return self._client.execute(list(upstash_words(call, text=text)))
        except Exception as error:  # noqa: BLE001 - that client raises whatever broke
            return client_failure(error)


class AsyncUpstashClientBackend:
    """Carries calls over an `upstash_redis.asyncio.Redis` client of the app's own."""

    braces = False
    concurrency = 8

    def __init__(self, client: Any) -> None:
        """Use `client`, and never close it."""
        check_upstash_client(client, httpx.AsyncClient)
        self._client = client

    async def execute(self, calls: Sequence[Call], timeout: float) -> list[Reply | Failure]:
        """Answer every call with a request of its own, all at once."""
        return await asyncio.gather(*(self._one(call, timeout) for call in calls))

    async def aclose(self) -> None:
        """Do nothing: the client belongs to the app."""

    async def _one(self, call: Call, timeout: float) -> Reply | Failure:
        try:
            async with asyncio.timeout(timeout):
                outcome = await self._attempt(call, text=False)
                if is_noscript(outcome):
                    outcome = await self._attempt(call, text=True)
                return outcome
        except TimeoutError as error:
            return Failure("unknown", error_text(error))

    async def _attempt(self, call: Call, *, text: bool) -> Reply | Failure:
        try:
            return await self._client.execute(list(upstash_words(call, text=text)))
        except TimeoutError:
            raise
        except Exception as error:  # noqa: BLE001 - that client raises whatever broke
            return client_failure(error)
