"""The app of `contract` in FastAPI: `python -m uvicorn tests.adapters.paths.app_fastapi:app`."""

import asyncio
import os
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from credits_core import AsyncCredits
from credits_core.charge import charges
from credits_fastapi import Charge, Paywall, Priced, credits_event
from tests.adapters.paths.contract import (
    BIG,
    DONE,
    ESTIMATE,
    LEASE,
    PRICE,
    STEP,
    STORE,
    TOP_UP_URL,
    account_api,
    echoed,
    first_time,
    piece,
)


async def signed_in(request: Request) -> str:
    if "X-User" not in request.headers:
        raise HTTPException(401)
    return request.headers["X-User"]


async def administers(request: Request) -> str:
    if "X-Admin" not in request.headers:
        raise HTTPException(403)
    return request.headers["X-Admin"]


async def is_staff(user: Annotated[str, Depends(signed_in)]) -> bool:
    return user.startswith("staff-")


async def video_price(seconds: int) -> Priced:
    return Priced("video_generation", seconds)


User = Annotated[str, Depends(signed_in)]

app = FastAPI()
paywall = Paywall(
    signed_in,
    admin=administers,
    url=os.environ[STORE],
    top_up_url=TOP_UP_URL,
    lease=float(os.environ.get(LEASE, "60")),
)
paywall.install(app, api=account_api())

fixed = Depends(paywall.require_credits(PRICE, "fixed"))
held = Depends(paywall.hold_credits(ESTIMATE, "held", step=STEP))
last_event = partial(credits_event, top_up_url=TOP_UP_URL)
Held = Annotated[Charge, held]


async def pieces_of(count: int, pause: float, *, breaks: bool = False) -> AsyncIterator[str]:
    for number in range(1, count + 1):
        await asyncio.sleep(pause)
        yield piece(number)
    if breaks:
        raise TimeoutError("the model went away")


def streamed(pieces: AsyncIterator[str]) -> Response:
    return StreamingResponse(pieces, media_type="text/event-stream")


@app.api_route("/ok", methods=["GET", "HEAD"], dependencies=[fixed])
async def ok() -> Any:
    return DONE


@app.get("/raised-404", dependencies=[fixed])
async def raised_404() -> Any:
    raise HTTPException(404)


@app.get("/returned-404", dependencies=[fixed])
async def returned_404() -> Response:
    return JSONResponse(DONE, 404)


@app.get("/broken", dependencies=[fixed])
async def broken() -> Any:
    raise KeyError("the view broke")


@app.get("/returned-500", dependencies=[fixed])
async def returned_500() -> Response:
    return JSONResponse(DONE, 500)


@app.get("/no-content", dependencies=[fixed], status_code=204)
async def no_content() -> None:
    return None


@app.get("/slow", dependencies=[fixed])
async def slow(seconds: float) -> Any:
    await asyncio.sleep(seconds)
    return DONE


@app.api_route("/stream", methods=["GET", "HEAD"], dependencies=[fixed])
async def stream(pieces: int = 3, pause: float = 0) -> Response:
    return streamed(pieces_of(pieces, pause))


@app.get("/stream-breaks", dependencies=[fixed])
async def stream_breaks(pieces: int) -> Response:
    return streamed(pieces_of(pieces, 0, breaks=True))


@app.post("/echo", dependencies=[fixed])
async def echo(request: Request, seconds: float = 0, size: int = 0) -> Response:
    body = await request.body()
    await asyncio.sleep(seconds)
    text, headers = echoed(body, size)
    return Response(text, headers=headers, media_type="application/json")


app.post("/echo-elsewhere", dependencies=[fixed])(echo)


@app.post("/echo-stream", dependencies=[fixed])
async def echo_stream(request: Request, pieces: int = 3, pause: float = 0) -> Response:
    await request.body()
    return streamed(pieces_of(pieces, pause))


@app.post("/fails-first", dependencies=[fixed])
async def fails_first(user: User, how: str) -> Any:
    if first_time(user):
        if how == "raise":
            raise KeyError("the first time")
        return JSONResponse(DONE, 503)
    return DONE


@app.get("/exempt", dependencies=[Depends(paywall.require_credits(PRICE, exempt_when=is_staff))])
async def exempt() -> Any:
    return DONE


@app.api_route(
    "/big", methods=["GET", "POST"], dependencies=[Depends(paywall.require_credits(BIG, "big"))]
)
async def big() -> Any:
    return DONE


@app.get("/free", dependencies=[Depends(paywall.require_credits(0))])
async def free() -> Any:
    return DONE


@app.get("/priced", dependencies=[Depends(paywall.require_credits(video_price))])
async def priced() -> Any:
    return DONE


@app.get("/held", dependencies=[held])
async def held_whole() -> Any:
    return DONE


@app.get("/held-7")
async def held_7(charge: Held) -> Any:
    charge.settle(6.5)
    return DONE


@app.get("/held-404")
async def held_404(charge: Held) -> Response:
    charge.settle(3)
    return JSONResponse(DONE, 404)


@app.get("/held-broken", dependencies=[held])
async def held_broken() -> Any:
    raise KeyError("the view broke")


@app.get("/held-slow")
async def held_slow(charge: Held, seconds: float) -> Any:
    charge.settle(2)
    await asyncio.sleep(seconds)
    return DONE


@app.api_route("/metered", methods=["GET", "HEAD"])
async def metered(charge: Held, pieces: int = 3, pause: float = 0) -> Response:
    return streamed(charge.stream(pieces_of(pieces, pause), 1, final=last_event))


@app.get("/metered-breaks")
async def metered_breaks(charge: Held, pieces: int = 3) -> Response:
    broken = pieces_of(pieces, 0, breaks=True)
    return streamed(charge.stream(broken, 1, final=last_event))


@app.get("/nested", dependencies=[held])
async def nested(user: User, client: Annotated[AsyncCredits, Depends(paywall.client)]) -> Any:
    @charges(5, user="user", client=client)
    async def inner(user: str) -> None:
        return None

    await inner(user)
    await inner(user)
    return DONE
