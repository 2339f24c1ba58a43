"""What a provider tells of a payment, checked against the table of what is sold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from credits_core.payments.told import Paid

if TYPE_CHECKING:
    from credits_core.payments.packages import Package, Packages

__all__ = ["NotGranted", "Purchase", "check"]


class NotGranted(Exception):  # noqa: N818 - an answer to a provider, not an error of the library
    """A payment that is not granted as it was told; a person has to look at it.

    With `again` the provider is to announce it again: what is wrong can be put right in between.
    """

    def __init__(self, message: str, *, again: bool = False) -> None:
        """Say what is wrong, and whether asking again can help."""
        super().__init__(message)
        self.again = again


@dataclass(frozen=True, slots=True)
class Purchase:
    """A payment as a provider tells it: what is not told is None, or empty.

    `package_id`, `user_id` and `sold_as` (the provider's id of it) are those that our checkout
    bound into the signed metadata, `product_ids` what the provider tells that it sold, by its own
    table.
    `amount` is what was paid, tax and all, in the smallest unit of the `currency`, and `discount`
    what the provider took off before; None where there was one and its size is not told.
    """

    provider: str
    payment_id: str
    user_id: str | None = None
    package_id: str | None = None
    product_ids: tuple[str, ...] = ()
    amount: int | None = None
    currency: str | None = None
    discount: int | None = 0
    quantity: int = 1
    subscription_id: str | None = None
    period: tuple[int, int] | None = None
    sold_as: str | None = None


def check(purchase: Purchase, packages: Packages) -> Paid | None:
    """The payment that was made, for credits of our own table; None if it is not for credits.

    An account of a provider may sell other things: what names no package and no product of the
    table is none of ours. Raises `NotGranted` for what is ours and cannot be granted: a package
    that there is not (any more), another product than the package's, no user, too little money.
    """
    package = _package(purchase, packages)
    if package is None:
        return None
    what = f"payment {purchase.payment_id} for the package {package.id!r}"
    if not purchase.user_id:
        raise NotGranted(f"{what} names no user")
    _check_price(purchase, package, what)
    paid = Paid(
        purchase.payment_id,
        purchase.user_id,
        package.id,
        package.credits * purchase.quantity,
        purchase.amount,
        purchase.currency,
    )
    if purchase.period is None or not package.recurring or package.rollover is None:
        return paid
    return replace(
        paid,
        subscription_id=purchase.subscription_id or package.id,
        period=purchase.period,
        rollover=package.rollover,
    )


def _package(purchase: Purchase, packages: Packages) -> Package | None:
    sold = [packages.sold_as(purchase.provider, product) for product in purchase.product_ids]
    known = [package for package in sold if package is not None]
    if purchase.package_id is None:
        if len(known) > 1:
            raise NotGranted(f"payment {purchase.payment_id} is for several packages at once")
        return known[0] if known else None
    if purchase.period is not None and len(known) == 1 and known[0].recurring:
        # The metadata name the plan that it began with, and who has changed it pays for another.
        return known[0]
    package = packages.get(purchase.package_id)
    if package is None:
        raise NotGranted(
            f"payment {purchase.payment_id} is for the package {purchase.package_id!r}, which is "
            "not in the table: add it, and the provider announces the payment again",
            again=True,
        )
    told = purchase.product_ids and (known or purchase.provider in package.provider_ids)
    if told and known != [package]:
        raise NotGranted(
            f"payment {purchase.payment_id} says {package.id!r} and is for the products "
            f"{', '.join(purchase.product_ids)} of {purchase.provider}, which are not that"
        )
    return package


def _check_price(purchase: Purchase, package: Package, what: str) -> None:
    # A product of the provider's own table was sold at the price that stands there.
    own = package.provider_ids.get(purchase.provider)
    sold = own is not None and own in (purchase.sold_as, *purchase.product_ids)
    if purchase.amount is None or purchase.discount is None:
        if not sold:
            raise NotGranted(f"{what} does not tell what was paid")
    elif purchase.currency != package.currency:
        if not sold:
            raise NotGranted(f"{what} is in {purchase.currency}, its price in {package.currency}")
    elif purchase.amount + purchase.discount < package.least_minor_price * purchase.quantity:
        raise NotGranted(
            f"{what} is {purchase.amount} in the smallest unit of {purchase.currency}, and its "
            f"price is {package.least_minor_price * purchase.quantity}: if it was sold for that "
            "before, add it to former_prices, and the provider announces the payment again",
            again=True,
        )
