"""What the clients can do, a capability a module, async and sync side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from credits_core.commands import SignUp
    from credits_core.executor import AsyncExecutor, Executor
    from credits_core.keys import KeySpace


class AsyncOperations:
    """What every capability of the async client builds on."""

    _keys: KeySpace
    _sign_up: SignUp
    _executor: AsyncExecutor


class Operations:
    """What every capability of the sync client builds on."""

    _keys: KeySpace
    _sign_up: SignUp
    _executor: Executor
