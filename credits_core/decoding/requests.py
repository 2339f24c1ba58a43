"""Records of requests: what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core.decoding.refusals import accepted, refuse
from credits_core.models import RequestRecord

if TYPE_CHECKING:
    from credits_core.command import Reply


def begun(reply: Reply, *, user_id: str, owner: str) -> RequestRecord:
    """What the owner who asked is told of a request; of other owners it learns nothing."""
    status = reply[0]
    if status == "ok":
        return RequestRecord("begun", owner, token=reply[2], again=reply[3] == "1")
    if status == "running":
        return RequestRecord("running", owner, lease_left=int(reply[2]))
    if status == "replayed":
        return RequestRecord("answered", owner, answer=reply[2])
    if status == "conflict":
        return RequestRecord("mismatch", owner)
    return refuse(reply, user_id=user_id)


def ended(reply: Reply, *, user_id: str) -> bool:
    """Whether it was the owner's to end, by an answer or without one."""
    return reply[0] != "gone" and bool(accepted(reply, user_id=user_id))
