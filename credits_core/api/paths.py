"""Where the routes are: their paths by default, moved, left out or given in several places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

from credits_core.errors import InvalidRequestError

if TYPE_CHECKING:
    from credits_core.http.exchange import Route

__all__ = ["Paths", "placed"]

Paths: TypeAlias = Mapping[str, "str | Sequence[str] | None"]
"""Where a route is: at a path, at several, or nowhere (None)."""

_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@/-]*")


def placed(routes: Iterable[Route], paths: Paths, known: Iterable[str]) -> tuple[Route, ...]:
    """The routes where `paths` wants them, each with an operation id of its own.

    `known` are the names that may be moved, those of routes that are not there included.
    """
    _check_names(paths, known)
    found: dict[tuple[str, str], Route] = {}
    for route in routes:
        for path in _paths_of(route, paths):
            place = (route.method, path)
            if place in found:
                raise InvalidRequestError(
                    f"two routes are at {route.method} {path}: {found[place].name!r} and "
                    f"{route.name!r}; move one with paths={{...}}"
                )
            found[place] = replace(route, path=path)
    return _with_ids(found.values())


def _check_names(paths: Paths, known: Iterable[str]) -> None:
    names = sorted(set(known))
    for name in paths:
        if name not in names:
            near = get_close_matches(str(name), names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(names)}"
            raise InvalidRequestError(f"paths names {name!r}, and no route is called so{hint}")


def _paths_of(route: Route, paths: Paths) -> tuple[str, ...]:
    wanted = paths.get(route.name, route.path)
    if wanted is None:
        return ()
    found: tuple[object, ...] = tuple(wanted) if isinstance(wanted, (list, tuple)) else (wanted,)
    return tuple(_checked(path, route.name) for path in found)


def _checked(path: object, name: str) -> str:
    if not isinstance(path, str) or not _PATH.fullmatch(path) or "//" in path:
        raise InvalidRequestError(
            f"the path of {name!r} begins with / and needs no quoting in a URL, no parameters, "
            f"not {path!r}"
        )
    return path


def _with_ids(routes: Iterable[Route]) -> tuple[Route, ...]:
    told: dict[str, int] = {}
    found = []
    for route in routes:
        number = told[route.name] = told.get(route.name, 0) + 1
        name = f"credits_{route.name}" if number == 1 else f"credits_{route.name}_{number}"
        operation: dict[str, Any] = {"operationId": name, **route.operation}
        found.append(replace(route, operation=operation))
    return tuple(found)
