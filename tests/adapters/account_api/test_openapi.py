"""What schemathesis makes of the OpenAPI document is answered as the document says, and no 500."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.adapters.account_api.asking import ADMIN, CRON
from tests.adapters.paths.contract import DOCUMENT, account_api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.adapters.paths.sites import Site

EXAMPLES = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def document(site: Site) -> dict[str, Any]:
    """The document of the app, where its framework makes one; else that of the API."""
    path = "/openapi.json" if site.name == "fastapi" else DOCUMENT
    found: dict[str, Any] = site.http.get(path).json()
    ours = {route.path for route in account_api().routes}
    return {**found, "paths": {path: found["paths"][path] for path in ours}}


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.trust_env = False
        yield found


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


@pytest.mark.parametrize(
    ("route", "mode"),
    [
        pytest.param(route, mode, id=f"{route.method} {route.name} {mode.value}")
        for route in account_api().routes
        for mode in GenerationMode
        # What takes nothing cannot be asked for in a wrong way.
        if mode.is_positive or {"parameters", "requestBody"} & route.operation.keys()
    ],
)
def test_the_answers_are_as_the_document_says(
    site: Site,
    document: dict[str, Any],
    session: requests.Session,
    payer: str,
    route: Any,
    mode: GenerationMode,
) -> None:
    operation = schemathesis.openapi.from_dict(document)[route.path][route.method]
    headers = {"X-User": payer, **ADMIN, **CRON}
    seen = []

    @EXAMPLES
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        response = case.call_and_validate(
            base_url=site.url, session=session, headers=headers, checks=CHECKS
        )
        seen.append(response.status_code)

    ask()
    assert seen
