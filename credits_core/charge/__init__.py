"""The charge around a piece of work: paid before it begins, settled once however it ends.

`around` and `decorators` are the ways in, `charge` is what the work gets, `lifecycle` its steps
(in `ledger`), `tab` what it comes to; `streams` meters pieces, `nesting` finds the charge
around, `pending` is what the background still has to do.
"""

from credits_core.charge.around import hold_credits, require_credits, resume_hold
from credits_core.charge.charge import Charge
from credits_core.charge.decorators import charges, holds
from credits_core.charge.nesting import current_charge
from credits_core.charge.pending import adrain, drain
from credits_core.charge.price import Cost, Priced

__all__ = [
    "Charge",
    "Cost",
    "Priced",
    "adrain",
    "charges",
    "current_charge",
    "drain",
    "hold_credits",
    "holds",
    "require_credits",
    "resume_hold",
]
