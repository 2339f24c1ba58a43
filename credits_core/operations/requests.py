"""Requests: the idempotency keys of an app's own clients, and the answers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from credits_core import commands
from credits_core.operations import AsyncOperations, Operations

if TYPE_CHECKING:
    from datetime import timedelta

    from credits_core.models import RequestRecord


class AsyncRequests(AsyncOperations):
    """Requests: idempotency keys of an app's clients, and their answers. For async code."""

    async def begin_request(
        self,
        user_id: str,
        route: str,
        key: str,
        *,
        fingerprint: str,
        lease: float | timedelta = 60.0,
        owner: str | None = None,
    ) -> RequestRecord:
        """Begin the work that a client asked for with an idempotency key, or learn of it.

        This is the store's side of the HTTP header `Idempotency-Key`
        (draft-ietf-httpapi-idempotency-key-header). A request is known by its user, its
        `route` (1 to 512 characters) and its `key` (1 to 255); `fingerprint` (1 to 128) says
        what else must be the same, such as a digest of the body. The `state` of the record:

        - `"begun"`: do the work, charge under the `token`, then call `finish_request`. Until
          the `lease` (seconds or a timedelta, up to an hour) has passed it is yours alone.
        - `"running"`: another worker has it, for `lease_left` ms if it says no more.
        - `"answered"`: the work was done before; `answer` is what was stored.
        - `"mismatch"`: the key was used for a request with another fingerprint.

        Who begins after a lease has passed takes the request over, with `again=True` and the
        same token: what it charges under it is not charged twice.

        Begun again by the same `owner`, the lease begins anew: so a worker renews it. By
        default an owner is made, of 128 random bits; give one of your own (1 to 255 characters,
        never the same for two workers) to be able to repeat a call that was not answered.

        Raises `InvalidRequestError` when this owner has abandoned the request.
        """
        return await self._executor.run(
            commands.begin_request(
                self._keys,
                user_id,
                route,
                key,
                fingerprint=fingerprint,
                lease=lease,
                owner=owner,
            )
        )

    async def finish_request(
        self,
        user_id: str,
        route: str,
        key: str,
        owner: str,
        answer: str,
        *,
        keep: float | timedelta = 86400.0,
    ) -> bool:
        """Store the answer to a request, for whoever asks again.

        `answer` is any text of at most 1 MiB in UTF-8, kept for `keep` (seconds or a
        timedelta, up to 30 days). Answers True when it is stored, now or by the same call
        before, and False when it is not: another owner has taken the request over, or has
        answered it, or the record is gone. A lease that has passed is no hindrance as long as
        nobody took over.
        """
        return await self._executor.run(
            commands.finish_request(self._keys, user_id, route, key, owner, answer, keep=keep)
        )

    async def abandon_request(self, user_id: str, route: str, key: str, owner: str) -> bool:
        """Forget a request that brought no answer, so that the next begin is the first.

        That one gets a token of its own: abandon what was not charged, or was given back.
        Answers False when it is not this owner's any more, or is answered.
        """
        return await self._executor.run(
            commands.abandon_request(self._keys, user_id, route, key, owner)
        )


class Requests(Operations):
    """Requests: idempotency keys of an app's clients, and their answers. For sync code."""

    def begin_request(
        self,
        user_id: str,
        route: str,
        key: str,
        *,
        fingerprint: str,
        lease: float | timedelta = 60.0,
        owner: str | None = None,
    ) -> RequestRecord:
        """Begin the work that a client asked for with an idempotency key, or learn of it.

        This is the store's side of the HTTP header `Idempotency-Key`
        (draft-ietf-httpapi-idempotency-key-header). A request is known by its user, its
        `route` (1 to 512 characters) and its `key` (1 to 255); `fingerprint` (1 to 128) says
        what else must be the same, such as a digest of the body. The `state` of the record:

        - `"begun"`: do the work, charge under the `token`, then call `finish_request`. Until
          the `lease` (seconds or a timedelta, up to an hour) has passed it is yours alone.
        - `"running"`: another worker has it, for `lease_left` ms if it says no more.
        - `"answered"`: the work was done before; `answer` is what was stored.
        - `"mismatch"`: the key was used for a request with another fingerprint.

        Who begins after a lease has passed takes the request over, with `again=True` and the
        same token: what it charges under it is not charged twice.

        Begun again by the same `owner`, the lease begins anew: so a worker renews it. By
        default an owner is made, of 128 random bits; give one of your own (1 to 255 characters,
        never the same for two workers) to be able to repeat a call that was not answered.

        Raises `InvalidRequestError` when this owner has abandoned the request.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> work = credits.begin_request("alice", "POST /images", "k-1", fingerprint="a fox")
        >>> work.state, work.again
        ('begun', False)
        >>> credits.deduct("alice", 10, "image", idempotency_key=work.token).balance
        90
        >>> credits.begin_request("alice", "POST /images", "k-1", fingerprint="a fox").state
        'running'
        >>> credits.begin_request("alice", "POST /images", "k-1", fingerprint="a cat").state
        'mismatch'
        """
        return self._executor.run(
            commands.begin_request(
                self._keys,
                user_id,
                route,
                key,
                fingerprint=fingerprint,
                lease=lease,
                owner=owner,
            )
        )

    def finish_request(
        self,
        user_id: str,
        route: str,
        key: str,
        owner: str,
        answer: str,
        *,
        keep: float | timedelta = 86400.0,
    ) -> bool:
        """Store the answer to a request, for whoever asks again.

        `answer` is any text of at most 1 MiB in UTF-8, kept for `keep` (seconds or a
        timedelta, up to 30 days). Answers True when it is stored, now or by the same call
        before, and False when it is not: another owner has taken the request over, or has
        answered it, or the record is gone. A lease that has passed is no hindrance as long as
        nobody took over.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://")
        >>> work = credits.begin_request("alice", "POST /images", "k-1", fingerprint="a fox")
        >>> credits.finish_request("alice", "POST /images", "k-1", work.owner, "fox.png")
        True
        >>> credits.begin_request("alice", "POST /images", "k-1", fingerprint="a fox").answer
        'fox.png'
        """
        return self._executor.run(
            commands.finish_request(self._keys, user_id, route, key, owner, answer, keep=keep)
        )

    def abandon_request(self, user_id: str, route: str, key: str, owner: str) -> bool:
        """Forget a request that brought no answer, so that the next begin is the first.

        That one gets a token of its own: abandon what was not charged, or was given back.
        Answers False when it is not this owner's any more, or is answered.

        >>> from credits_core import Credits
        >>> credits = Credits.from_url("memory://", auto_initialize=True)
        >>> work = credits.begin_request("alice", "POST /images", "k-1", fingerprint="a fox")
        >>> credits.abandon_request("alice", "POST /images", "k-1", work.owner)
        True
        >>> credits.begin_request("alice", "POST /images", "k-1", fingerprint="a fox").state
        'begun'
        """
        return self._executor.run(commands.abandon_request(self._keys, user_id, route, key, owner))
