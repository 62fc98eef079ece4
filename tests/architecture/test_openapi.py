"""The API documents: valid, complete, and with examples that their own schemas accept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from tests.architecture.source import SERVICES
from tests.support.unstarted import document_of, operations, three_services

NO_TEXT_OF_OURS = {
    "text/html", "text/plain", "text/csv", "text/calendar", "application/octet-stream",
}  # fmt: skip
SELF_EXPLAINED = {"uuid", "date-time", "date"}


@pytest.fixture(scope="module")
async def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    services = three_services(tmp_path_factory.mktemp("documents"))
    return {service.name: await document_of(service) for service in services}


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_is_valid(documents: dict[str, Any], service: str) -> None:
    validate(documents[service])


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_described(documents: dict[str, Any], service: str) -> None:
    seen: set[str] = set()
    for place, operation in _operations(documents[service]):
        assert operation.get("summary"), f"{place} has no summary: what does it do, in a line?"
        assert operation.get("description"), f"{place} has no description: give it a docstring"
        assert operation.get("tags"), f"{place} stands under no heading: give it a tag"
        name = operation.get("operationId")
        assert name, f"{place} has no operationId"
        assert name not in seen or name in {"health_live", "health_ready", "prometheus"}, (
            f"{place}: two operations are called {name}; generated clients need one name for each"
        )
        seen.add(name)


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_documents_its_refusals(documents: dict[str, Any], service: str) -> None:
    for place, operation in _operations(documents[service]):
        if "/v1/" not in place:
            continue
        for status in ("401", "422", "503"):
            content = operation["responses"].get(status, {}).get("content", {})
            assert "application/problem+json" in content, f"{place}: document {status} as a problem"


@pytest.mark.parametrize("service", SERVICES)
def test_bodies_and_answers_have_examples(documents: dict[str, Any], service: str) -> None:
    missing = [
        f"{place}: {wrong}"
        for place, media in _bodies(documents[service])
        for wrong in _wrong_examples(documents[service], media)
    ]
    assert not missing, (
        "give the fields examples with Field(examples=[...]), or the model one with "
        "json_schema_extra:\n" + "\n".join(sorted(missing))
    )


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for method, path, operation in operations(document):
        yield f"{method} {path}", operation


def _bodies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for place, operation in _operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            yield f"{place} request", media
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                for kind, media in answer.get("content", {}).items():
                    if kind not in NO_TEXT_OF_OURS:
                        yield f"{place} {status}", media


def _wrong_examples(document: Mapping[str, Any], media: Mapping[str, Any]) -> Iterator[str]:
    schema = media.get("schema", {})
    given = [entry["value"] for entry in media.get("examples", {}).values()]
    if "example" in media:
        given.append(media["example"])
    given = given or _resolve(document, schema).get("examples", [])
    if not given:
        gaps = list(_gaps(document, schema, ""))
        yield from (f"{gap or 'the body'} has no example" for gap in gaps)
        given = [] if gaps else [_composed(document, schema)]
    resolver = {**schema, "components": document.get("components", {})}
    for example in given:
        for error in OAS31Validator(resolver).iter_errors(example):
            yield f"the example is not valid at {error.json_path}: {error.message[:100]}"


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _gaps(document: Mapping[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    """The places in a schema for which a reader finds no example."""
    schema = _resolve(document, schema)
    if _known(schema):
        return
    if (choices := schema.get("anyOf") or schema.get("oneOf")) is not None:
        if not any(choice.get("type") == "null" for choice in choices):
            yield from _gaps(document, choices[0], place)
        return
    match schema.get("type"):
        case "object" if "properties" in schema:
            for name, part in schema["properties"].items():
                yield from _gaps(document, part, f"{place}.{name}".lstrip("."))
        case "array":
            yield from _gaps(document, schema.get("items", {}), f"{place}[]")
        case _:
            yield place


def _known(schema: Mapping[str, Any]) -> bool:
    return (
        any(key in schema for key in ("examples", "example", "default", "const", "enum"))
        or schema.get("format") in SELF_EXPLAINED
        or schema.get("type") == "boolean"
    )


_BY_FORMAT = {
    "uuid": "0198c5a0-6f2e-7c3a-9d4b-1f0e2d3c4b5a",
    "date-time": "2026-03-02T09:00:00Z",
    "date": "2026-03-02",
}


def _composed(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    """The example that a documentation page makes of the examples of the fields."""
    schema = _resolve(document, schema)
    shown = [schema[key] for key in ("example", "const", "default") if key in schema]
    shown += [schema[key][0] for key in ("examples", "enum") if key in schema]
    if shown:
        return shown[-1]
    if (choices := schema.get("anyOf") or schema.get("oneOf")) is not None:
        nothing = any(choice.get("type") == "null" for choice in choices)
        return None if nothing else _composed(document, choices[0])
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    match schema["type"]:
        case "object":
            parts = schema.get("properties", {})
            return {name: _composed(document, part) for name, part in parts.items()}
        case "array":
            return [_composed(document, schema["items"])]
        case _:
            return True
