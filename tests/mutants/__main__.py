"""`make mutants`: does anything notice when a rule of the ledger is wrong?

Every mutation is applied alone, to scripts assembled in this process, and every killer runs
against it on a real server until one fails. A mutant that none of them notices survives: a
test is missing, or the rule does nothing.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from credits_core import (
    BackendUnavailableError,
    Credits,
    CreditsError,
    OutcomeUnknownError,
)
from tests.mutants import killers as _killers  # noqa: F401 - registers them
from tests.mutants.mutation import rulebook
from tests.mutants.mutations import MUTATIONS
from tests.mutants.stage import KILLERS, Stage
from tests.support.servers import Server

if TYPE_CHECKING:
    from tests.mutants.mutation import Mutation


def main(chosen: list[str]) -> int:
    mutations = [one for one in MUTATIONS if not chosen or one.file in chosen]
    if not mutations:
        print(f"no mutation is of {', '.join(chosen)}")
        return 1
    if stale := [error for one in mutations if (error := one.stale())]:
        print("\n".join(stale))
        return 1
    started = time.perf_counter()
    with Server() as server, Credits.from_url(server.url, timeout=5) as credits:
        stage = Stage(credits, server.client(), server.url)
        with rulebook():
            for check in KILLERS:
                stage.clear()
                check(stage)
        kills: Counter[tuple[str, str]] = Counter()
        killed = [_report(mutation, *_fate(stage, mutation, kills)) for mutation in mutations]
    took = time.perf_counter() - started
    alive = killed.count(False)
    print(f"{len(killed)} mutants, {alive} not killed, by {len(KILLERS)} killers in {took:.0f} s")
    return 1 if alive else 0


def _report(mutation: Mutation, fate: str, by: str) -> bool:
    print(f"{fate:<9} {mutation.file:<18} {mutation.why}\n{'':9} {by}", flush=True)
    return fate == "killed"


def _fate(stage: Stage, mutation: Mutation, kills: Counter[tuple[str, str]]) -> tuple[str, str]:
    """What becomes of a mutant, and by which killer: first those that killed in its file."""
    order = sorted(KILLERS, key=lambda check: -kills[mutation.file, check.__name__])
    with rulebook(mutation):
        for check in order:
            stage.clear()
            try:
                check(stage)
            except (BackendUnavailableError, OutcomeUnknownError) as error:
                if "none of our scripts'" in str(error):
                    return "killed", f"by {check.__name__}: a reply that means nothing"
                # What is no Lua proves nothing: the mutation is to be written anew.
                return "BROKEN", str(error)
            except AssertionError as error:
                words = str(error).partition("\n")[0]
                kills[mutation.file, check.__name__] += 1
                return "killed", f"by {check.__name__}" + (f": {words}" if words else "")
            except (CreditsError, LookupError, ValueError) as error:
                # Also an entry, or a grant, that is not where it should be.
                return "killed", f"by {check.__name__}: {type(error).__name__}"
    return "SURVIVED", "add a killer, or take out of the script what does nothing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
