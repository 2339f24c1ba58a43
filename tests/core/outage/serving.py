"""Work that is served from a journal, and the files that it leaves."""

from __future__ import annotations

import json


def files(folder):
    return sorted(folder.glob("served-*.jsonl"))


def admit(journal, user="alice", amount=10, limit=30, route="/chat", **more):
    return journal.admit(route, user, amount, limit, **more)


def serve(journal, user="alice", amount=10, limit=10**6, **more):
    admission = admit(journal, user, amount, limit, **more)
    admission.serve(amount, "chat")
    return admission.key


def written(folder):
    (path,) = files(folder)
    return [json.loads(line) for line in path.read_text().splitlines()]
