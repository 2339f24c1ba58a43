"""A paid dependency as a decorator of an endpoint."""

from __future__ import annotations

import inspect
from contextlib import aclosing
from functools import wraps
from itertools import count
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast, get_type_hints

from fastapi import Depends

from credits_core.charge import Charge
from credits_core.http.unpaid import mark

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from credits_fastapi.dependencies import Dependency

__all__ = ["paid_endpoint"]

F = TypeVar("F", bound="Callable[..., Any]")

_HIDDEN = "credits_charge"


def paid_endpoint(dependency: Dependency, endpoint: F) -> F:
    """An endpoint that depends on a charge; a parameter annotated `Charge` is given it.

    It stands under the route: `@app.post(…)`, then the charge, then the function.
    """
    signature = inspect.signature(endpoint)
    hints = _hints(endpoint)
    asked = [name for name in signature.parameters if hints.get(name) in (Charge, "Charge")]
    # Of several decorators each has a parameter of its own.
    names = (f"{_HIDDEN}_{number}" for number in count(1))
    hidden_name = next(name for name in names if name not in signature.parameters)
    hidden = inspect.Parameter(
        hidden_name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[Charge, Depends(dependency)],
    )
    parameters = [
        one.replace(annotation=hints.get(name, one.annotation))
        for name, one in signature.parameters.items()
        if name not in asked
    ]
    variadic = [one for one in parameters if one.kind is inspect.Parameter.VAR_KEYWORD]
    plain = [one for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD]

    def arguments(kwargs: dict[str, Any]) -> dict[str, Any]:
        charge = kwargs.pop(hidden_name)
        return {**kwargs, **dict.fromkeys(asked, charge)}

    wrapper: Any
    if inspect.isasyncgenfunction(endpoint):

        @wraps(endpoint)
        async def paid_agen(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            async with aclosing(endpoint(*args, **arguments(kwargs))) as pieces:
                async for piece in pieces:
                    yield piece

        wrapper = paid_agen
    elif inspect.isgeneratorfunction(endpoint):

        @wraps(endpoint)
        def paid_gen(*args: Any, **kwargs: Any) -> Iterator[Any]:
            yield from endpoint(*args, **arguments(kwargs))

        wrapper = paid_gen
    elif inspect.iscoroutinefunction(endpoint):

        @wraps(endpoint)
        async def paid(*args: Any, **kwargs: Any) -> Any:
            return await endpoint(*args, **arguments(kwargs))

        wrapper = paid
    else:

        @wraps(endpoint)
        def paid_sync(*args: Any, **kwargs: Any) -> Any:
            return endpoint(*args, **arguments(kwargs))

        wrapper = paid_sync
    mark(endpoint)
    # FastAPI reads the signature; the annotations are resolved here, where their names are known.
    wrapper.__signature__ = signature.replace(
        parameters=[*plain, hidden, *variadic],
        return_annotation=hints.get("return", signature.return_annotation),
    )
    return cast("F", wrapper)


def _hints(endpoint: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(endpoint, include_extras=True)
    except NameError:
        # Names that exist only while types are checked, or in a function: FastAPI's to resolve.
        return dict(inspect.get_annotations(endpoint))
