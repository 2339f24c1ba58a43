"""An app with accounts of its own: sign-up, login by session, paid chat and stories, top-up."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    g,
    request,
    session,
    stream_with_context,
)
from werkzeug.security import check_password_hash, generate_password_hash

from credits_core import InsufficientCreditsError
from credits_flask import FlaskCredits, credits_event, current_credits

if TYPE_CHECKING:
    from collections.abc import Iterator

credits = FlaskCredits()
accounts = Blueprint("accounts", __name__)
paid = Blueprint("paid", __name__)


def create_app() -> Flask:
    """Make the app. The ledger is where `CREDITS_URL` says, the accounts are in SQLite."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=os.environ["SECRET_KEY"],
        DATABASE=os.environ.get("DATABASE", "accounts.db"),
        CREDITS_TOP_UP_URL="/account/payments",
    )
    with closing(sqlite3.connect(app.config["DATABASE"])) as database:
        database.execute("CREATE TABLE IF NOT EXISTS user (name TEXT PRIMARY KEY, password TEXT)")
    credits.init_app(app)
    app.register_blueprint(accounts, url_prefix="/account")
    app.register_blueprint(paid)
    app.register_error_handler(InsufficientCreditsError, sell)
    app.teardown_appcontext(lambda _: g.pop("database").close() if "database" in g else None)
    return app


@credits.user_loader
def signed_in() -> str:
    """Who pays: the user of the session."""
    if "user" not in session:
        abort(401)
    return session["user"]


def sell(error: InsufficientCreditsError) -> tuple[dict[str, object], int]:
    return {"missing": error.missing, "buy": "/account/payments"}, 402


def users() -> sqlite3.Connection:
    if "database" not in g:
        g.database = sqlite3.connect(current_app.config["DATABASE"])
    return g.database


@accounts.post("/sign-up")
def sign_up() -> tuple[dict[str, object], int]:
    name, password = request.form["name"], request.form["password"]
    try:
        with users() as database:
            database.execute(
                "INSERT INTO user VALUES (?, ?)", (name, generate_password_hash(password))
            )
            # Inside the transaction: without credits there is no account either.
            receipt = current_credits.client.initialize_user(name)
    except sqlite3.IntegrityError:
        abort(409, "this name is taken")
    session["user"] = name
    return {"balance": receipt.balance}, 201


@accounts.post("/login")
def login() -> dict[str, object]:
    name = request.form["name"]
    found = users().execute("SELECT password FROM user WHERE name = ?", (name,)).fetchone()
    if found is None or not check_password_hash(found[0], request.form["password"]):
        abort(401)
    session["user"] = name
    return {"balance": current_credits.balance}


@accounts.post("/payments")
def payment_made() -> dict[str, object]:
    # A real app checks the provider's signature first; without, anybody mints credits.
    payment = request.get_json()
    receipt = current_credits.client.add(
        payment["user"],
        payment["credits"],
        "purchase",
        idempotency_key=f"payment:{payment['id']}",
    )
    return {"again": receipt.replayed, "balance": receipt.balance}


@accounts.get("/")
def account() -> dict[str, object]:
    newest = current_credits.client.get_transactions(signed_in(), limit=5)
    return {
        "balance": current_credits.balance,
        "history": [{"amount": entry.amount, "action": entry.action} for entry in newest],
    }


@paid.post("/chat")
@credits.charges(10, "chat_message")
def chat() -> dict[str, object]:
    if request.form["text"] == "crash":
        abort(502, "the model did not answer")
    return {"answer": f"You said: {request.form['text']}", "left": current_credits.charge.balance}


@paid.get("/story")
@credits.holds(5, "story")
def story() -> Response:
    def words() -> Iterator[str]:
        for number in range(int(request.args.get("words", "3"))):
            yield f"data: word {number}\n\n"

    pieces = current_credits.charge.stream(words(), 1, final=credits_event)
    return Response(stream_with_context(pieces), mimetype="text/event-stream")
