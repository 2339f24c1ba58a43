"""The app of `contract` in Flask: `gunicorn tests.adapters.paths.app_flask:app`."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, abort, jsonify, request

from credits_core.charge import charges
from credits_flask import FlaskCredits, Priced, credits_event, current_credits
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def signed_in() -> str:
    if "X-User" not in request.headers:
        abort(401)
    return request.headers["X-User"]


def administers() -> str:
    return request.headers.get("X-Admin") or abort(403)


app = Flask(__name__)
app.config.update(
    CREDITS_URL=os.environ[STORE],
    CREDITS_TOP_UP_URL=TOP_UP_URL,
    CREDITS_LEASE=float(os.environ.get(LEASE, "60")),
)
credits = FlaskCredits(app, user=signed_in, api=account_api(), admin=administers)

fixed = credits.charges(PRICE, "fixed")
held = credits.holds(ESTIMATE, "held", step=STEP)


def asked(name: str, otherwise: float = 0) -> int:
    return request.args.get(name, otherwise, int)


def pause() -> float:
    return request.args.get("pause", 0, float)


def wait() -> None:
    time.sleep(request.args.get("seconds", 0, float))


def pieces_of(count: int, pause: float, *, breaks: bool = False) -> Iterator[str]:
    for number in range(1, count + 1):
        time.sleep(pause)
        yield piece(number)
    if breaks:
        raise TimeoutError("the model went away")


def streamed(pieces: Iterable[str]) -> Response:
    return Response(pieces, mimetype="text/event-stream")


@app.get("/ok")
@fixed
def ok() -> Any:
    return DONE


@app.get("/raised-404")
@fixed
def raised_404() -> Any:
    abort(404)


@app.get("/returned-404")
@fixed
def returned_404() -> Any:
    return DONE, 404


@app.get("/broken")
@fixed
def broken() -> Any:
    raise KeyError("the view broke")


@app.get("/returned-500")
@fixed
def returned_500() -> Any:
    return DONE, 500


@app.get("/no-content")
@fixed
def no_content() -> Any:
    return "", 204


@app.get("/slow")
@fixed
def slow() -> Any:
    wait()
    return DONE


@app.get("/stream")
@fixed
def stream() -> Response:
    return streamed(pieces_of(asked("pieces", 3), pause()))


@app.get("/stream-breaks")
@fixed
def stream_breaks() -> Response:
    return streamed(pieces_of(asked("pieces"), 0, breaks=True))


@app.post("/echo")
@fixed
def echo() -> Response:
    body = request.get_data()
    wait()
    text, headers = echoed(body, asked("size"))
    return Response(text, headers=headers, mimetype="application/json")


app.add_url_rule("/echo-elsewhere", "echo_elsewhere", app.view_functions["echo"], methods=["POST"])


@app.post("/echo-stream")
@fixed
def echo_stream() -> Response:
    request.get_data()
    return streamed(pieces_of(asked("pieces", 3), pause()))


@app.post("/fails-first")
@fixed
def fails_first() -> Any:
    if first_time(signed_in()):
        if request.args["how"] == "raise":
            raise KeyError("the first time")
        return DONE, 503
    return DONE


@app.get("/exempt")
@credits.charges(PRICE, exempt_when=lambda: signed_in().startswith("staff-"))
def exempt() -> Any:
    return DONE


@app.route("/big", methods=["GET", "POST"])
@credits.charges(BIG, "big")
def big() -> Any:
    return DONE


@app.get("/free")
@credits.charges(0)
def free() -> Any:
    return DONE


@app.get("/priced")
@credits.charges(lambda: Priced("video_generation", int(request.args["seconds"])))
def priced() -> Any:
    return DONE


@app.get("/held")
@held
def held_whole() -> Any:
    return DONE


@app.get("/held-7")
@held
def held_7() -> Any:
    current_credits.charge.settle(6.5)
    return DONE


@app.get("/held-404")
@held
def held_404() -> Any:
    current_credits.charge.settle(3)
    return DONE, 404


@app.get("/held-broken")
@held
def held_broken() -> Any:
    raise KeyError("the view broke")


@app.get("/held-slow")
@held
def held_slow() -> Any:
    current_credits.charge.settle(2)
    wait()
    return DONE


def metered_of(pieces: Iterator[str]) -> Response:
    final = partial(credits_event, top_up_url=TOP_UP_URL)
    return streamed(current_credits.charge.stream(pieces, 1, final=final))


@app.get("/metered")
@held
def metered() -> Response:
    return metered_of(pieces_of(asked("pieces", 3), pause()))


@app.get("/metered-breaks")
@held
def metered_breaks() -> Response:
    return metered_of(pieces_of(asked("pieces", 3), 0, breaks=True))


@app.get("/nested")
@held
def nested() -> Any:
    @charges(5, user="user", client=current_credits.client)
    def inner(user: str) -> None:
        return None

    inner(signed_in())
    inner(signed_in())
    return jsonify(DONE)
