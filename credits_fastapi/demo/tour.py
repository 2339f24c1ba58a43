"""The tour: steps as data, each made of real HTTP requests and what they should bring."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from credits_fastapi.demo.presenters import Presenter

__all__ = ["Answer", "Ask", "Expect", "Step", "Taken", "Toured", "run_tour", "steps"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        body = "" if self.body is None else f" {json.dumps(self.body)}"
        return f"{self.method} {self.path}{body}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether one answer was right, and a sentence that says so with its figures."""

    right: bool
    says: str


@dataclass(frozen=True, slots=True)
class Expect:
    """What one answer should be: its status, fields of its JSON, and a sentence about them.

    `says` is a format string over the fields of the answer; `read` picks the fields out of an
    answer that is not flat.
    """

    status: int
    fields: Mapping[str, Any]
    says: str
    read: Callable[[Any], Mapping[str, Any]] = lambda answer: answer

    def check(self, response: httpx.Response) -> Answer:
        """The answer, held against what is due."""
        try:
            answer = dict(self.read(response.json()))
        except (ValueError, TypeError, KeyError):
            return Answer(
                right=False, says=f"{response.status_code}, which is no answer of this app"
            )
        wrong = {name: answer.get(name) for name in self.fields if self._differs(name, answer)}
        if response.status_code == self.status and not wrong:
            return Answer(right=True, says=f"{self.status}: {self.says.format_map(answer)}")
        told = "".join(f", {name} {value!r}" for name, value in wrong.items())
        due = "".join(f", {name} {self.fields[name]!r}" for name in wrong)
        return Answer(
            right=False, says=f"{response.status_code}{told}; it should be {self.status}{due}"
        )

    def _differs(self, name: str, answer: Mapping[str, Any]) -> bool:
        return name not in answer or answer[name] != self.fields[name]


@dataclass(frozen=True, slots=True)
class Step:
    """Requests that are sent at the same time, and the answers due, in order of status."""

    title: str
    asks: tuple[Ask, ...]
    due: tuple[Expect, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A step that was taken, and what came of it."""

    number: int
    step: Step
    answers: tuple[Answer, ...]

    @property
    def right(self) -> bool:
        """Whether every answer was as it should be."""
        return all(answer.right for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Toured:
    """A whole tour: its steps, where it was taken, and the page of the account if served."""

    taken: Sequence[Taken]
    address: str
    account: str | None

    @property
    def wrong(self) -> int:
        """How many steps were not as they should be."""
        return sum(not taken.right for taken in self.taken)

    @property
    def right(self) -> bool:
        """Whether every step was as it should be."""
        return not self.wrong


def steps() -> Sequence[Step]:
    """The tour of one fresh account."""
    video, twenty = Ask("POST", "/video", {"seconds": 30}), Ask("POST", "/video", {"seconds": 20})
    payment = {"payment": secrets.token_hex(8), "credits": 500}
    paid = "paid, it cost {cost} credits and {balance} are left"
    refused = "refused, nothing was charged: it costs {required} credits and there are {available}"
    return (
        _step(
            "You sign up",
            Ask("POST", "/sign-up"),
            Expect(200, {"created": True, "balance": 100}, "{balance} credits to start with"),
        ),
        _step(
            "You send a chat message",
            Ask("POST", "/chat", {"message": "Hello"}),
            Expect(200, {"cost": 10, "balance": 90}, paid),
        ),
        _step(
            "You want a video of 30 seconds, at 10 credits a second",
            video,
            Expect(402, {"required": 300, "available": 90}, refused),
        ),
        _step(
            "You buy 500 credits",
            Ask("POST", "/top-up", payment),
            Expect(200, {"credits": 500, "balance": 590}, "{credits} more, {balance} in all"),
        ),
        _step(
            "You want the video again",
            video,
            Expect(200, {"cost": 300, "balance": 290}, paid),
        ),
        _step(
            "You send a chat message, and the model breaks",
            Ask("POST", "/chat", {"model": "broken"}),
            Expect(502, {"detail": "the model did not answer"}, "{detail}"),
        ),
        _step(
            "What you paid for it was given back",
            Ask("GET", "/balance"),
            Expect(200, {"balance": 290}, "{balance} credits, as before"),
        ),
        Step(
            "You want two videos of 20 seconds at the same moment; one fits",
            (twenty, twenty),
            (
                Expect(200, {"cost": 200, "balance": 90}, paid),
                Expect(402, {"required": 200, "available": 90}, refused),
            ),
        ),
        _step(
            "The history, newest first",
            Ask("GET", "/history"),
            Expect(
                200,
                {"amounts": [-200, 10, -10, -300, 500, -10, 100], "total": 90},
                "{lines}\nin all {total}",
                read=_history,
            ),
        ),
        _step(
            "Is the balance what the history adds up to?",
            Ask("GET", "/verify"),
            Expect(
                200,
                {"valid": True, "stored": 90, "log": 90},
                "yes, {stored} are stored and the history adds up to {log}",
            ),
        ),
    )


def _step(title: str, ask: Ask, due: Expect) -> Step:
    return Step(title, (ask,), (due,))


def _history(answer: Any) -> dict[str, Any]:
    entries = answer["transactions"]
    amounts = [entry["amount"] for entry in entries]
    lines = "".join(f"\n{entry['amount']:+5d}  {entry['action']}" for entry in entries)
    return {"amounts": amounts, "total": sum(amounts), "lines": f"{len(entries)} entries{lines}"}


async def run_tour(base_url: str, user_id: str, presenter: Presenter) -> list[Taken]:
    """Take the tour as `user_id`, telling the presenter of each step; answer how each went."""
    tour = []
    async with httpx.AsyncClient(
        base_url=base_url, headers={"X-Demo-User": user_id}, timeout=10, trust_env=False
    ) as http:
        for number, step in enumerate(steps(), 1):
            presenter.asking(number, step)
            taken = Taken(number, step, await _answers(step, http))
            presenter.taken(taken)
            tour.append(taken)
    return tour


async def _answers(step: Step, http: httpx.AsyncClient) -> tuple[Answer, ...]:
    try:
        responses = await asyncio.gather(
            *(http.request(ask.method, ask.path, json=ask.body) for ask in step.asks)
        )
    except httpx.HTTPError as error:
        return (Answer(right=False, says=f"no answer: {error!r}"),)
    responses.sort(key=lambda response: response.status_code)
    return tuple(due.check(response) for due, response in zip(step.due, responses, strict=True))
