"""One way to ask a project by WSGI and by ASGI, and what the ledger says then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from credits_core import Credits

GIVEN_BACK = [-10, 10]


def amounts(credits: Credits, user: str) -> list[int]:
    """The log after the sign-up, oldest first; it adds up, and nothing is on hold."""
    assert credits.verify_balance(user).valid
    assert credits.get_account(user).held == 0
    entries = reversed(credits.get_transactions(user))
    return [int(entry.amount) for entry in entries][1:]


async def asked(client: Any, path: str) -> Any:
    """The answer, of either client."""
    answer = client.get(path)
    return await answer if hasattr(answer, "__await__") else answer


async def body_of(response: Any) -> bytes:
    """All of a body, as a server takes it; then the response is closed."""
    if response.is_async:
        found = b"".join([piece async for piece in response])
    else:
        found = b"".join(response)
    return found
