"""Entries of others that bear our names."""

from __future__ import annotations

from tests.mutants.stage import Stage, killer


@killer
def what_others_put_under_our_names_is_taken_for_nothing(stage: Stage) -> None:
    stage.credits.add("a", 100, "purchase")
    for more in (
        {"kind": 7, "grant": [1], "kept": {}},
        {"kind": "settle", "kept": "many"},
        {"kind": "settle", "kept": -3},
        {"kind": "settle", "kept": 10**300},
    ):
        charge = stage.foreign("a", -10, **more)
        assert stage.credits.refund("a", charge).amount == 10, more
    assert stage.sound("a") == 100


@killer
def an_entry_of_others_takes_no_grant_with_it(stage: Stage) -> None:
    stage.credits.add("a", 40, "x", expires_in=60)
    (name,) = stage.grants("a")
    for more in (
        {"kind": "grant", "grant": name},
        {"grant": name},
        {"kind": "allowance", "grant": 7},
    ):
        addition = stage.foreign("a", 30, **more)
        assert stage.credits.revoke("a", addition).amount == 30, more
        assert stage.remaining("a") == [40]
    assert stage.sound("a") == 40
