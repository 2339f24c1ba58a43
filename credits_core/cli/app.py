"""The program: its commands, those of adapters, and how a run ends."""

from __future__ import annotations

import os
import sys
from functools import partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import click

from credits_core._version import __version__
from credits_core.cli import (
    accounts,
    allowances,
    doctor,
    export,
    folding,
    holds,
    imports,
    prices,
    reading,
    repair,
    returns,
    rules,
    signup,
    transfers,
)
from credits_core.cli.adapters import load
from credits_core.cli.failures import ending, report
from credits_core.cli.store import Store, store_options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

GROUP = "credits_core.commands"
"""The entry points by which adapters add commands: a name and a `click.Command`."""


class Program(click.Group):
    """A group that also has the commands of adapters, and ends with one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Own commands in the order of use, then those of adapters."""
        return [*self.commands, *(name for name in _adapters() if name not in self.commands)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command; an adapter's is loaded here, when it is run or listed."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        found = _adapters().get(cmd_name)
        return None if found is None else load(found)

    def invoke(self, ctx: click.Context) -> Any:
        """Run; a reader that has seen enough (`| head`) is no error to speak of."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is still buffered goes nowhere, also at interpreter exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(141)  # as a program that SIGPIPE ended
        return result

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit: 0 done, 1 refused, 2 not understood, 3 the store is away."""
        words = list(sys.argv[1:] if args is None else args)
        store = extra.setdefault("obj", Store())
        run = partial(super().main, words, prog_name, complete_var, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        try:
            code: Any = run()
        except Exception as error:  # noqa: BLE001 - nothing may print a URL with its password
            end = ending(error)
            report(end, store, as_json="--json" in words)
            code = end.code
        sys.exit(code if isinstance(code, int) else 0)


def _adapters() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


@click.group(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@store_options()
@click.version_option(__version__, "--version", prog_name="credits")
@click.pass_context
def program(context: click.Context) -> None:
    """Prepaid credits on Redis: look at accounts, correct them, check the store.

    The options below may also stand after the command.

    \b
    Exit codes: 0 done, 1 refused or wrong in the ledger, 2 not understood,
    3 the store is away, 130 stopped.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    accounts.balance,
    rules.account,
    reading.history,
    signup.init,
    accounts.add,
    accounts.deduct,
    holds.hold,
    holds.extend,
    holds.settle,
    holds.release,
    returns.refund,
    returns.revoke,
    transfers.transfer,
    transfers.merge,
    allowances.allowance,
    prices.price,
    prices.reprice,
    rules.floor,
    rules.freeze,
    rules.unfreeze,
    repair.verify,
    repair.reconcile,
    reading.users,
    export.export,
    folding.fold,
    imports.import_sql,
    accounts.delete,
    doctor.doctor,
):
    program.add_command(_command)
