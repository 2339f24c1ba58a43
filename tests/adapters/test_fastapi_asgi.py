"""What passes between the middleware and its server, message by message."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Annotated, Any

import anyio
import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.responses import FileResponse, StreamingResponse
from starlette.requests import ClientDisconnect

from credits_core import AsyncCredits
from credits_fastapi import Charge, Paywall

Message = dict[str, Any]
Send = Callable[[Message], Any]


async def payer(request: Request) -> str:
    return request.headers["X-User"]


class Stage:
    """An app on a store in memory, and what it sends."""

    def __init__(self, credits: AsyncCredits) -> None:
        self.credits = credits
        self.app = FastAPI()
        self.paywall = Paywall(payer, credits)
        self.paywall.install(self.app)
        self.fixed = Depends(self.paywall.require_credits(10, "fixed"))
        self.held = Depends(self.paywall.hold_credits(4, "held"))
        self.sent: list[Message] = []

    async def ask(
        self,
        path: str,
        *,
        spec: str = "2.3",
        key: str | None = None,
        send: Send | None = None,
        body: bytes = b"",
        **more: Any,
    ) -> list[Message]:
        """Send a request through the app, as a server of this version of ASGI does."""
        headers = [(b"x-user", b"alice")]
        if key is not None:
            headers.append((b"idempotency-key", key.encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": spec},
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": headers,
            **more,
        }
        sent: list[Message] = []
        given = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Message:
            for message in given:
                return message
            await asyncio.sleep(30)
            raise AssertionError

        async def keep(message: Message) -> None:
            if send is not None:
                await send(message)
            sent.append(message)

        await self.app(scope, receive, keep)
        return sent

    async def log(self) -> list[int]:
        assert (await self.credits.verify_balance("alice")).valid
        entries = await self.credits.get_transactions("alice")
        return [int(entry.amount) for entry in entries[::-1]][1:]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with AsyncCredits.from_url("memory://") as credits:
        await credits.initialize_user("alice", 100)
        yield Stage(credits)


def headers(message: Message) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in message["headers"]}


async def pieces(count: int, error: Exception | None = None) -> AsyncIterator[str]:
    for _ in range(count):
        yield "piece"
    if error is not None:
        raise error


@pytest.mark.parametrize("spec", ["2.3", "2.4"])
@pytest.mark.parametrize("error", [TimeoutError("model"), ConnectionResetError(), ValueError()])
async def test_a_stream_that_breaks_is_given_back_whatever_broke_it(
    stage: Stage, spec: str, error: Exception
) -> None:
    @stage.app.post("/", dependencies=[stage.fixed])
    async def endpoint() -> StreamingResponse:
        return StreamingResponse(pieces(2, error))

    with pytest.raises((type(error), ClientDisconnect)):
        await stage.ask("/", spec=spec)
    assert await stage.log() == [-10, 10]


@pytest.mark.parametrize(("after", "logged"), [(1, [-10, 10]), (3, [-10])])
async def test_a_connection_that_breaks_is_paid_for_what_was_delivered(
    stage: Stage, after: int, logged: list[int]
) -> None:
    """As servers of ASGI 2.4 tell it: sending raises."""

    @stage.app.post("/", dependencies=[stage.fixed])
    async def endpoint() -> StreamingResponse:
        return StreamingResponse(pieces(9))

    count = 0

    async def send(message: Message) -> None:
        nonlocal count
        count += 1
        if count == after:
            raise BrokenPipeError

    with pytest.raises(ClientDisconnect):
        await stage.ask("/", spec="2.4", send=send)
    assert await stage.log() == logged


async def test_a_stream_whose_length_is_told_is_given_back_when_it_breaks(stage: Stage) -> None:
    @stage.app.post("/", dependencies=[stage.fixed])
    async def endpoint() -> StreamingResponse:
        return StreamingResponse(pieces(2, ValueError()), headers={"Content-Length": "50"})

    with pytest.raises(ValueError):  # noqa: PT011 - the endpoint's own
        await stage.ask("/")
    assert await stage.log() == [-10, 10]


async def test_a_metered_stream_whose_length_is_told_costs_its_pieces(stage: Stage) -> None:
    @stage.app.post("/")
    async def endpoint(charge: Annotated[Charge, stage.held]) -> StreamingResponse:
        return StreamingResponse(charge.stream(pieces(7), 1), headers={"Content-Length": "35"})

    sent = await stage.ask("/")
    assert b"".join(message.get("body", b"") for message in sent) == b"piece" * 7
    assert sum(await stage.log()) == -7


async def test_a_hold_of_an_answer_that_came_as_one_piece_tells_its_cost(stage: Stage) -> None:
    """Some middleware sends the one piece as if more would come."""

    @stage.app.post("/")
    async def endpoint(charge: Annotated[Charge, stage.held]) -> StreamingResponse:
        charge.settle(3)
        return StreamingResponse(pieces(1), headers={"Content-Length": "5"})

    start, *_ = await stage.ask("/")
    assert headers(start)["credits-cost"] == "3"
    assert sum(await stage.log()) == -3


async def test_a_cost_of_more_than_is_held_is_not_told_before_it_is_known(stage: Stage) -> None:
    @stage.app.post("/")
    async def endpoint(charge: Annotated[Charge, stage.held]) -> str:
        charge.settle(5000)
        return "done"

    start, *_ = await stage.ask("/")
    assert "credits-cost" not in headers(start)
    assert sum(await stage.log()) > -5000


async def test_a_file_that_the_server_sends_itself_is_paid_and_kept(
    stage: Stage, tmp_path: Any
) -> None:
    (tmp_path / "file").write_bytes(b"content")

    @stage.app.post("/", dependencies=[stage.held])
    async def endpoint() -> FileResponse:
        return FileResponse(tmp_path / "file")

    more = {"extensions": {"http.response.pathsend": {}}}
    start, sent = await stage.ask("/", **more)
    assert (sent["type"], headers(start)["credits-cost"]) == ("http.response.pathsend", "4")
    assert await stage.log() == [-4, 0]
    await stage.ask("/", key="k", **more)
    replayed = await stage.ask("/", key="k", **more)
    assert replayed[1]["body"] == b"content"
    assert sum(await stage.log()) == -8


async def test_when_a_refusal_is_sent_its_key_is_free_already(stage: Stage) -> None:
    big = Depends(stage.paywall.require_credits(1000, "big"))
    stage.app.post("/", dependencies=[big])(lambda: "never")
    again: list[Message] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and not again:
            again.append(message)
            again.extend(await stage.ask("/", key="k"))

    await stage.ask("/", key="k", send=send)
    assert [message["status"] for message in again if "status" in message] == [402, 402]


async def test_work_with_a_key_that_a_scope_cancels_is_forgotten(stage: Stage) -> None:
    """A scope of anyio, as frameworks have them, cancels every await and not just one."""
    scope, slow = anyio.CancelScope(), True

    @stage.app.post("/", dependencies=[stage.fixed])
    async def endpoint() -> str:
        if slow:
            scope.cancel()
            await asyncio.sleep(30)
        return "done"

    with scope:
        await stage.ask("/", key="k")
    slow = False
    start, *_ = await stage.ask("/", key="k")
    assert start["status"] == 200
    assert await stage.log() == [-10, 10, -10]


async def test_who_takes_a_key_over_never_finds_a_charge_that_was_given_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is given up before the credits are given back: between the two it may die."""
    order: list[str] = []
    for name in ("refund", "abandon_request"):
        call = getattr(AsyncCredits, name)

        async def noted(*args: Any, name: str = name, call: Any = call, **more: Any) -> Any:
            order.append(name)
            return await call(*args, **more)

        monkeypatch.setattr(AsyncCredits, name, noted)

    @stage.app.post("/", dependencies=[stage.fixed])
    async def endpoint() -> None:
        raise ValueError("broken")

    with suppress(ValueError):
        await stage.ask("/", key="k")
    assert order == ["abandon_request", "refund"]


async def test_who_left_what_was_metered_beside_a_fee_comes_again_as_a_new_request(
    stage: Stage,
) -> None:
    """A hold that was settled at what was delivered does not pay for the same once more."""
    held = stage.paywall.hold_credits(20, "metered")

    @stage.app.post("/", dependencies=[stage.fixed])
    async def endpoint(charge: Annotated[Charge, Depends(held)]) -> StreamingResponse:
        return StreamingResponse(charge.stream(pieces(5), 1))

    left = 0

    async def leaves(message: Message) -> None:
        nonlocal left
        left += bool(message.get("body"))
        if left == 3:
            raise OSError

    with suppress(ClientDisconnect):
        await stage.ask("/", key="k", spec="2.4", send=leaves)
    assert sum(await stage.log()) == -10 - 3
    await stage.ask("/", key="k", spec="2.4")
    assert sum(await stage.log()) == -10 - 3 - 10 - 5


async def test_two_payers_of_a_request_have_one_key(stage: Stage) -> None:
    other = Paywall(lambda: "bob", stage.credits)
    await stage.credits.initialize_user("bob", 100)
    two = Depends(other.require_credits(3, "other"))
    stage.app.post("/", dependencies=[stage.fixed, two])(lambda: "done")
    tasks = asyncio.all_tasks()
    for _ in range(2):
        start, *_rest = await stage.ask("/", key="k")
        assert start["status"] == 200
    assert await stage.log() == [-10]
    assert await stage.credits.get_balance("bob") == 97
    await asyncio.sleep(0.05)
    assert asyncio.all_tasks() <= tasks


@pytest.mark.parametrize("spec", ["2.3", "2.4"])
@pytest.mark.parametrize("key", [None, "k"])
async def test_the_stream_of_a_head_does_not_begin(
    stage: Stage, spec: str, key: str | None
) -> None:
    begun: list[bool] = []

    async def pieces() -> AsyncIterator[str]:
        begun.append(True)
        yield "piece"

    @stage.app.api_route("/stream", methods=["HEAD"], dependencies=[stage.fixed])
    async def stream() -> StreamingResponse:
        return StreamingResponse(pieces())

    start, end = await stage.ask("/stream", spec=spec, key=key, method="HEAD")
    assert start["status"] == 200
    assert (b"credits-cost", b"0") in start["headers"]
    assert not end["body"]
    assert not end.get("more_body")
    assert begun == []
    assert await stage.log() == [-10, 10]


async def test_the_head_of_a_file_is_paid_as_that_of_a_page(stage: Stage) -> None:
    @stage.app.api_route("/file", methods=["HEAD"], dependencies=[stage.fixed])
    async def file() -> FileResponse:
        return FileResponse(__file__)

    start, _ = await stage.ask("/file", method="HEAD")
    assert (b"credits-cost", b"10") in start["headers"]
    assert await stage.log() == [-10]
