"""The reference: the same script with the same arguments, sent without this library."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from credits_core import scripts
from credits_core.keys import KeySpace

if TYPE_CHECKING:
    from collections.abc import Iterator

FAR = str(2**52)
_number = itertools.count()


def evalsha_words(user_id: str) -> tuple[str, ...]:
    """A deduct of one credit as a plain EVALSHA, with a member of its own."""
    member = (
        f'{{"id":"tx_1763612345678_{next(_number):016d}","amount":-1,'
        f'"action":"chat_message","timestamp":1763612345678}}'
    )
    keys = names(user_id)
    return ("EVALSHA", scripts.DEDUCT.sha, str(len(keys)), *keys, FAR, member, "1", "", "0")


def names(user_id: str) -> tuple[str, ...]:
    """The keys of an account."""
    return KeySpace().account(user_id)


def members(count: int) -> Iterator[tuple[str, float]]:
    """A long log: members with their scores, one a millisecond."""
    for number in range(count):
        at = 1_600_000_000_000 + number
        yield (
            f'{{"id":"tx_{at}_{number:010d}","amount":1,"action":"grant","timestamp":{at}}}',
            float(at),
        )
