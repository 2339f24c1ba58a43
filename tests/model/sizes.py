"""How many credits: any number, or one that matters just now to the account."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from tests.model.account import LARGEST, Account

Size = int | Callable[[Account], int]

amounts = st.sampled_from([1, 2, 7, 30, 100, 101]) | st.integers(1, 300)


def all_there_is(account: Account) -> int:
    return account.worth - account.floor


def one_too_many(account: Account) -> int:
    return all_there_is(account) + 1


def one_grant_and_a_bit(account: Account) -> int:
    return min(account.grants.items(), default=(None, 0))[1] + 1


def all_grants(account: Account) -> int:
    return sum(account.grants.values())


def all_grants_but_one(account: Account) -> int:
    return all_grants(account) - 1


def all_grants_and_a_bit(account: Account) -> int:
    return all_grants(account) + 3


sized = amounts | st.sampled_from(
    [all_there_is, one_too_many, one_grant_and_a_bit, all_grants, all_grants_but_one,
     all_grants_and_a_bit, LARGEST]
)  # fmt: skip


def credits_of(account: Account, size: Size) -> int:
    """The size in credits, as many as one may ask for."""
    return max(1, min(size if isinstance(size, int) else size(account), LARGEST))
