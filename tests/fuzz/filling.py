"""Requests made from the OpenAPI document with one text in every place that takes a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.serve.api.matrix import HOUSE, Operation, World, body_of, table
from tests.serve.api.server import Api

_LATER = "2999-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text can be typed: in the path, the query, a header, or a field of the body."""

    operation: Operation
    kind: str  # path, query, header, body
    name: str


class Filling:
    """Knows the API's places, and how a request is made that is right but for one of them."""

    def __init__(self, api: Api, world: World) -> None:
        self.document: dict[str, Any] = api.get("/openapi.json").json()
        self._world = world

    def told(self, operation: Operation) -> dict[str, Any]:
        """What the document has of an operation."""
        found: dict[str, Any] = self.document["paths"][operation.path][operation.method.lower()]
        return found

    def places(self) -> Iterator[Place]:
        """Every place of every operation that takes a text."""
        for operation in table():
            told = self.told(operation)
            for one in told.get("parameters", ()):
                yield Place(operation, one["in"], one["name"])
            for name, schema in (body_of(self.document, told) or {}).get("properties", {}).items():
                if "string" in str(schema):
                    yield Place(operation, "body", name)

    def path(self, operation: Operation, text: str | None = None, name: str = "") -> str:
        """The operation's path with real ids; `text` in the place of one, or of all of them."""
        ids = self.ids(operation)
        for each in ids:
            if text is not None and name in ("", each):
                ids[each] = quote(text, safe="")
        return operation.path.format(**ids)

    def ids(self, operation: Operation) -> dict[str, str]:
        """What its path names, of things that are there."""
        if not operation.parameters:
            return {}
        if not operation.keyed:
            known = {"level": "state", "year": "2007", "period": "2019", "code": "deaths_total",
                     "territory_id": "31", "slug": "usage"}  # fmt: skip
            return {name: known.get(name, "x") for name in operation.parameters}
        _, path = next(iter(self._world.targets(operation, HOUSE)))
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(operation.path))
        found = re.fullmatch(pattern, path)
        assert found, path
        return dict(found.groupdict())

    def query(self, operation: Operation) -> dict[str, str]:
        """Its required parameters, with values that are right."""
        asked = self.told(operation).get("parameters", ())
        known = {"indicator": "deaths_total", "period": "2019", "reason": "porque sim"}
        return {
            one["name"]: known.get(one["name"], "x")
            for one in asked
            if one["in"] == "query" and one.get("required")
        }

    def headers(self, operation: Operation, number: int) -> dict[str, str]:
        """Its required headers; `number` makes an idempotency key of its own."""
        asked = self.told(operation).get("parameters", ())
        names = [one["name"] for one in asked if one["in"] == "header" and one.get("required")]
        return {name: f"fuzzed-{number:08d}" for name in names}

    def body(self, operation: Operation, text: str, name: str = "") -> dict[str, Any] | None:
        """A body that is right, with `text` in its texts, or in that one alone."""
        schema = body_of(self.document, self.told(operation))
        if schema is None:
            return None
        wanted = {*schema.get("required", ()), name} if name else {*schema["properties"]}
        return {
            field: _value(told, text if name in ("", field) else "porque sim", field)
            for field, told in schema["properties"].items()
            if field in wanted
        }


_KNOWN = {"job_name": "ibge_admin", "reference_period": "2024", "runbook": "platform/daily-check",
          "role": "viewer", "url": "https://exemplo.gov.br/x", "address": "a@exemplo.gov.br",
          "link": "no-such-link"}  # fmt: skip


def _value(told: dict[str, Any], text: str, field: str) -> Any:
    plain = text == "porque sim"
    if plain and field in _KNOWN:
        return _KNOWN[field]
    whole = str(told)
    if "'$ref'" in whole:
        return None if "null" in whole else "low"
    fixed = {"date-time": _LATER, "uuid": None, "integer": 1, "boolean": False}
    for one in (told, *told.get("anyOf", ())):
        if "enum" in one:
            return one["enum"][0]
        kind = one.get("format") or one.get("type")
        if kind in fixed:
            return fixed[kind]
        if kind == "array":
            return [_value(one["items"], "matrix.*" if plain else text, "")] if plain else [text]
        if kind == "object":
            return {text: text, "cell": [text]}
        if kind == "string":
            return text
    return text
