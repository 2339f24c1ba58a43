"""Error replies as redis-py gives them: which of them say that nothing was executed."""

from __future__ import annotations

import redis.exceptions

from credits_core.backends._resp import error_text
from credits_core.command import Failure

ERROR_REPLIES = (
    redis.exceptions.ResponseError,
    # redis-py files these under connection errors.
    redis.exceptions.BusyLoadingError,
    redis.exceptions.AuthenticationError,
)

# Codes that redis-py turns into classes.
_REFUSALS = (
    redis.exceptions.NoScriptError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.AuthenticationError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.MasterDownError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.AskError,  # and MOVED
    redis.exceptions.TryAgainError,
    redis.exceptions.ClusterDownError,
    redis.exceptions.ClusterCrossSlotError,
    redis.exceptions.ExecAbortError,
)

# Codes that it leaves in the text. `ERR` it takes away, so that after it the text could begin
# with any of the others: only these count here.
_CODES = ("MISCONF ", "NOREPLICAS ", "BUSY ")


def error_reply(error: Exception) -> Failure:
    """What an error reply says of its call."""
    text = error_text(error)
    refused = isinstance(error, _REFUSALS) or text.startswith(_CODES)
    return Failure("no" if refused else "unknown", text)
