"""An app behind gunicorn, whose workers are forked before or after it is made."""

from __future__ import annotations

import os

from flask import Flask, abort, request

from credits_flask import FlaskCredits, current_credits

app = Flask(__name__)
app.config["CREDITS_URL"] = os.environ["SERVED_STORE"]
app.config["CREDITS_OUTAGE_FOLDER"] = os.environ.get("SERVED_FOLDER")
credits = FlaskCredits(app, user=lambda: request.headers.get("X-User") or abort(401))

if os.environ.get("SERVED_WARM"):  # the parent has connections of its own when it forks
    with app.app_context():
        current_credits.client.get_balance("nobody")


@app.post("/draw")
@credits.charges(3, "draw")
def draw() -> dict[str, int]:
    if request.args.get("fails"):
        abort(502)
    return {"pid": os.getpid()}


@app.post("/write")
@credits.holds(5, "write")
def write() -> dict[str, int]:
    current_credits.charge.settle(2)
    return {"pid": os.getpid()}
