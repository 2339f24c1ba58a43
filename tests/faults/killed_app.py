"""An app whose workers are killed: `python -m tests.faults.killed_app <store> <port> <expires>`.

Uvicorn workers share a socket, and each that dies is replaced at once; the process prints their
ids. A job is one request: it is charged, works for some milliseconds, and is answered. Its
number is in the metadata of its charge, so that the log tells which jobs were charged.
"""

import asyncio
import os
import sys
import threading
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, Request

from credits_fastapi import Charge, Paywall
from tests.support.ports import bound_socket

WORKERS = 2
PRICE, ESTIMATE, USED = 2, 5, 3


async def signed_in(request: Request) -> str:
    return request.headers["X-User"]


async def job_of(job: int) -> dict[str, int]:
    return {"job": job}


def make_app(store: str, expires: float) -> FastAPI:
    app = FastAPI()
    paywall = Paywall(signed_in, url=store)
    paywall.install(app)
    price = paywall.require_credits(PRICE, "fixed", job_of)
    estimate = paywall.hold_credits(ESTIMATE, "held", job_of, expires_in=expires)

    @app.get("/fixed", dependencies=[Depends(price)])
    async def fixed(job: int) -> dict[str, int]:
        await asyncio.sleep(0.01)
        return {"job": job}

    @app.get("/held")
    async def held(charge: Annotated[Charge, Depends(estimate)], job: int) -> dict[str, int]:
        await asyncio.sleep(0.01)
        charge.settle(USED)
        return {"job": job}

    @app.get("/ready")
    async def ready() -> str:
        return "ready"

    return app


def work(app: FastAPI, socket: object, parent: int) -> None:
    """Serve, for as long as the parent lives."""

    def follow() -> None:
        os.read(parent, 1)
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()
    config = uvicorn.Config(app, log_level="warning", ws="none")
    uvicorn.Server(config).run(sockets=[socket])


def main(store: str, port: str, expires: str) -> None:
    app = make_app(store, float(expires))
    socket = bound_socket(int(port))
    socket.listen(1024)
    socket.setblocking(False)  # noqa: FBT003 - its own signature
    parent, ours = os.pipe()
    workers = 0
    while True:
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            work(app, socket, parent)
            os._exit(0)
        print(pid, flush=True)
        workers += 1
        if workers == WORKERS:
            os.wait()
            workers -= 1


if __name__ == "__main__":
    main(*sys.argv[1:])
