"""Schemathesis against the OpenAPI that the API serves: nothing undocumented, never our fault."""

import base64
import contextlib
import itertools
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.integration.test_serve_api import held, manifest, store
from tests.support.builders import ESTAB
from tests.support.company_api import CompanyApi, request
from tests.support.moto_cloud import Cloud

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
CALLS = {
    "GET /v1/openapi.json",
    "GET /v1/changes",
    "GET /v1/schools",
    "GET /v1/schools/{estab}",
    "DELETE /v1/schools/{estab}",
    "GET /v1/schools/{estab}/datasets/{dataset}",
    "GET /v1/schools/{estab}/datasets/{dataset}/attempts",
    "GET /v1/schools/{estab}/callbacks",
    "GET /v1/schools/{estab}/history",
    "GET /v1/audit",
    "GET /v1/inventory",
    "POST /v1/schools/{estab}/datasets/{dataset}/hold",
    "POST /v1/schools/{estab}/erased-people",
    "POST /v1/schools/{estab}/exports",
    "POST /v1/schools/{estab}/exports/{export_id}/outcome",
    "GET /v1/schools/{estab}/erased-people",
    "DELETE /v1/schools/{estab}/erased-people/{erasure_id}",
    "POST /v1/schools/{estab}/pulls",
    "GET /v1/schools/{estab}/pulls/{pull_id}",
    "POST /v1/schools/{estab}/writebacks",
    "GET /v1/schools/{estab}/writebacks/{writeback_id}",
}
BUDGET = settings(
    max_examples=8,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def as_wsgi(api: CompanyApi) -> Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]:
    """Return the API as a WSGI application, each request as API Gateway hands it over."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or (name == "CONTENT_TYPE" and value)
        }
        path = quote(environ["PATH_INFO"].encode("latin-1"))
        event = request(
            environ["REQUEST_METHOD"], f"{path}?{environ['QUERY_STRING']}", headers=headers
        )
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if body:
            event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
        answer = api.send(event)
        start_response(f"{answer.status} -", list(answer.headers.items()))
        return [answer.text.encode()]

    return application


@pytest.fixture
def schema(cloud: Cloud) -> Any:
    held(cloud)
    store(cloud).put_document(f"manifests/estab={ESTAB}/dataset=students/latest.json", manifest())
    return schemathesis.openapi.from_wsgi("/v1/openapi.json", as_wsgi(CompanyApi(cloud)))


def test_the_document_is_openapi_3_1_and_describes_every_call(cloud: Cloud) -> None:
    document = CompanyApi(cloud).get("/v1/openapi.json").document
    assert document["openapi"].startswith("3.1.")
    described = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert described == CALLS
    text = json.dumps(document)
    used = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert used == set(document["components"]["schemas"])
    assert '"422"' not in text


@pytest.mark.parametrize("label", sorted(CALLS - {"GET /v1/openapi.json"}))
def test_no_request_makes_a_call_fail_or_answer_what_it_does_not_document(
    schema: Any, label: str
) -> None:
    [operation] = [found.ok() for found in schema.get_all_operations() if found.ok().label == label]
    statuses = set()

    def probe(case: schemathesis.Case) -> None:
        answer = case.call()
        statuses.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    known = {"estab": ESTAB, "dataset": "students"}
    known = {name: known[name] for name in known if f"{{{name}}}" in label}
    for mode, path in itertools.product(GenerationMode, (None, known)):
        strategy = operation.as_strategy(generation_mode=mode, path_parameters=path)
        # Where nothing is left to be wrong, nothing wrong can be generated.
        with contextlib.suppress(Unsatisfiable):
            BUDGET(given(case=strategy)(probe))()
    assert statuses & {200, 202, 400, 404}
