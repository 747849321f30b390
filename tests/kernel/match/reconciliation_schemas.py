"""What the Reconciliation Service API 0.2 asks of each answer, as JSON schemas of our own words."""

from __future__ import annotations

from typing import Any

_TEXT = {"type": "string"}
_LABEL = {
    "type": "object",
    "properties": {"id": _TEXT, "name": _TEXT},
    "required": ["id"],
}
_FEATURE = {"type": ["boolean", "number"]}
_NAMED = {**_LABEL, "required": ["id", "name"]}
_TYPES = {"type": "array", "items": {"oneOf": [_LABEL, _TEXT]}}
_ADDRESS = {
    "type": "object",
    "properties": {"service_url": _TEXT, "service_path": _TEXT},
}
_WITH_ID = {"type": "string", "pattern": r"\{\{id\}\}"}

MANIFEST: dict[str, Any] = {
    "type": "object",
    "required": ["versions", "name", "identifierSpace", "schemaSpace"],
    "properties": {
        "versions": {"type": "array", "items": _TEXT, "contains": {"const": "0.2"}},
        "name": _TEXT,
        "identifierSpace": {"type": "string", "format": "uri"},
        "schemaSpace": {"type": "string", "format": "uri"},
        "documentation": _TEXT,
        "defaultTypes": {"type": "array", "items": _LABEL, "uniqueItems": True},
        "view": {"type": "object", "required": ["url"], "properties": {"url": _WITH_ID}},
        "preview": {
            "type": "object",
            "required": ["url", "width", "height"],
            "properties": {
                "url": _WITH_ID,
                "width": {"type": "integer"},
                "height": {"type": "integer"},
            },
        },
        "suggest": {
            "type": "object",
            "properties": dict.fromkeys(("entity", "property", "type"), _ADDRESS),
        },
        "extend": {
            "type": "object",
            "properties": {"propose_properties": _ADDRESS, "property_settings": {"type": "array"}},
        },
    },
}
RESULTS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["result"],
        "properties": {
            "result": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "name", "score"],
                    "properties": {
                        "id": _TEXT,
                        "name": _TEXT,
                        "description": _TEXT,
                        "score": {"type": "number"},
                        "match": {"type": "boolean"},
                        "type": _TYPES,
                        "features": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["id", "value"],
                                "properties": {
                                    "id": _TEXT,
                                    "value": {"type": ["boolean", "number"]},
                                },
                            },
                        },
                    },
                },
            }
        },
    },
}
SUGGESTED: dict[str, Any] = {
    "type": "object",
    "required": ["result"],
    "properties": {
        "result": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": _TEXT,
                    "name": _TEXT,
                    "description": _TEXT,
                    "notable": _TYPES,
                },
            },
        }
    },
}
_VALUE = {
    "oneOf": [
        {
            "type": "object",
            "properties": {name: {"type": kind}},
            "required": [name],
            "additionalProperties": False,
        }
        for name, kind in (("str", "string"), ("int", "integer"), ("float", "number"))
    ]
}
EXTENDED: dict[str, Any] = {
    "type": "object",
    "required": ["meta", "rows"],
    "properties": {
        "meta": {"type": "array", "items": {**_LABEL, "required": ["id", "name"]}},
        "rows": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {"type": "array", "items": _VALUE},
            },
        },
    },
}
PROPOSED: dict[str, Any] = {
    "type": "object",
    "required": ["properties"],
    "properties": {
        "properties": {"type": "array", "items": {**_LABEL, "required": ["id", "name"]}}
    },
}
