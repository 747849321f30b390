"""The reconciliation service without HTTP: shapes by the specification, and what is a match."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import validate
from tests.kernel.match import reconciliation_schemas as schemas

from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.match.forgiving import Forgiving
from atalaia.kernel.match.names import Name, Reconciler
from atalaia.kernel.match.reconciliation import MOST_IDS, MOST_QUERIES, Label, Service, Thing
from atalaia.kernel.match.slips import Slips

THINGS = [
    Thing("1", "Porto Velho", "NO", "town", {"region": "NO", "size": "10"}),
    Thing("2", "Porto Vale", "NO", "town", {"region": "NO"}),
    Thing("3", "Bela Vista", "NO", "town", {"region": "NO"}),
    Thing("4", "Bela Vista", "SU", "town", {"region": "SU"}),
    Thing("5", "<b>Ilha & Mar</b>", "SU", "<script>alert(1)</script>", {"region": "SU"}),
]


def _service() -> Service:
    groups = {"Norte": "NO", "Sul": "SU"}
    strict = Reconciler([Name(t.id, t.name, t.group) for t in THINGS], groups=groups)
    return Service(
        title="Towns",
        identifier_space="https://example.org/towns",
        schema_space="https://example.org/schema",
        kind=Label("town", "Town"),
        group=Label("region", "Region"),
        properties=[Label("region", "Region"), Label("size", "Size")],
        view="/towns/{{id}}",
        things=THINGS,
        people=Forgiving(strict, Slips(abbreviations={"b": ("bela",)}), groups),
    )


SERVICE = _service()


def _asked(query: dict[str, Any]) -> list[dict[str, Any]]:
    told = SERVICE.answer(json.dumps({"q0": query}))
    validate(told, schemas.RESULTS)
    found: list[dict[str, Any]] = told["q0"]["result"]
    return found


def _matched(query: dict[str, Any]) -> str | None:
    found = _asked(query)
    matched = [one["id"] for one in found if one["match"]]
    assert len(matched) <= 1
    assert not matched or found[0]["match"]  # the match comes first
    return matched[0] if matched else None


def test_the_manifest_is_as_the_specification_asks() -> None:
    told = SERVICE.manifest("https://here/reconcile/towns")
    validate(told, schemas.MANIFEST)
    assert told["view"]["url"] == "https://here/towns/{{id}}"
    assert told["preview"]["url"] == "https://here/reconcile/towns/preview?id={{id}}"
    assert told["suggest"]["entity"]["service_url"] == "https://here/reconcile/towns"


@pytest.mark.parametrize(
    ("query", "matched"),
    [
        ({"query": "Porto Velho"}, "1"),  # one alone is called so
        ({"query": "porto VELHO", "properties": [{"pid": "region", "v": "NO"}]}, "1"),
        ({"query": "Bela Vista"}, None),  # two are
        ({"query": "Bela Vista", "properties": [{"pid": "region", "v": "Norte"}]}, "3"),
        ({"query": "Bela Vista", "properties": [{"pid": "region", "v": ["SU"]}]}, "4"),
        ({"query": "Bela Vista", "properties": [{"pid": "region", "v": {"id": "SU"}}]}, "4"),
        ({"query": "B. Vista", "properties": [{"pid": "region", "v": "SU"}]}, "4"),
        ({"query": "Bela Vista", "properties": [{"pid": "colour", "v": "SU"}]}, None),
        ({"query": "Porto Velho", "properties": [{"pid": "region", "v": "SU"}]}, None),
        ({"query": "Porto Velho", "properties": [{"pid": "region", "v": "XX"}]}, None),
        ({"query": "Porto Vel"}, None),  # near is a candidate, no match
        ({"query": "3"}, "3"),  # an identifier means itself
        ({"query": "Porto Velho", "type": "town", "type_strict": "should"}, "1"),
        ({"query": "Porto Velho", "type": ["town", "river"], "type_strict": "any"}, "1"),
        ({"query": "Porto Velho", "type": "river"}, None),
        ({"query": ""}, None),
        ({"query": " - "}, None),
        ({"properties": [{"pid": "region", "v": "SU"}]}, None),
    ],
)
def test_a_match_is_certain_or_it_is_none(query: dict[str, Any], matched: str | None) -> None:
    assert _matched(query) == matched


def test_what_is_no_match_has_candidates_with_scores_and_features() -> None:
    found = _asked({"query": "Porto Vel", "properties": [{"pid": "region", "v": "NO"}]})
    assert {one["id"] for one in found} >= {"1", "2"}
    assert [one["score"] for one in found] == sorted((o["score"] for o in found), reverse=True)
    features = {feature["id"]: feature["value"] for feature in found[0]["features"]}
    assert features["same_region"] is True
    assert 0 < features["name_similarity"] < 100
    both = _asked({"query": "Bela Vista"})
    assert {one["id"] for one in both[:2]} == {"3", "4"}
    assert not any(one["match"] for one in both)


def test_the_limit_is_kept() -> None:
    for limit in (1, 2, 3):
        assert len(_asked({"query": "Bela Vista", "limit": limit})) <= limit
    assert len(_asked({"query": "Bela Vista", "limit": 0})) >= 2  # 0: as many as is usual


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "no json",
        "[]",
        "1",
        '{"q0": 1}',
        '{"q0": {"query": 1}}',
        '{"q0": {"query": "x", "limit": "many"}}',
        '{"q0": {"query": "x", "limit": -1}}',
        '{"q0": {"query": "x", "limit": NaN}}',
        '{"q0": {"query": "x", "limit": true}}',
        '{"q0": {"query": "x", "type": 1}}',
        '{"q0": {"query": "x", "properties": {}}}',
        '{"q0": {"query": "x", "properties": [{"pid": "region"}]}}',
        '{"q0": {"query": "x", "properties": [{"v": "NO"}]}}',
        '{"q0": {"query": "x", "colour": "red"}}',
        json.dumps({"q0": {"query": "x" * 201}}),
        "[" * 100_000,
        json.dumps({f"q{n}": {"query": "x"} for n in range(MOST_QUERIES + 1)}),
    ],
)
def test_what_is_not_understood_is_refused(asked: str) -> None:
    with pytest.raises(UsageError):
        SERVICE.answer(asked)


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    query=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("query", "type", "limit", "properties", "type_strict"), _JSON)
    )
)
def test_any_query_is_answered_or_refused(query: dict[str, Any]) -> None:
    try:
        told = SERVICE.answer(json.dumps({"q0": query}))
    except UsageError:
        return
    validate(told, schemas.RESULTS)


def test_data_extension_gives_the_values_there_are() -> None:
    asked = {"ids": ["1", "4", "nobody"], "properties": [{"id": "region"}, {"id": "size"}]}
    told = SERVICE.extend(json.dumps(asked))
    validate(told, schemas.EXTENDED)
    assert told["meta"] == [{"id": "region", "name": "Region"}, {"id": "size", "name": "Size"}]
    assert told["rows"] == {
        "1": {"region": [{"str": "NO"}], "size": [{"str": "10"}]},
        "4": {"region": [{"str": "SU"}], "size": []},
        "nobody": {"region": [], "size": []},
    }
    for bad in (
        {"ids": ["1"]},
        {"ids": "1", "properties": []},
        {"ids": [1], "properties": []},
        {"ids": ["1"], "properties": [{"id": "colour"}]},
        {"ids": ["1"] * (MOST_IDS + 1), "properties": [{"id": "size"}]},
    ):
        with pytest.raises(UsageError):
            SERVICE.extend(json.dumps(bad))


def test_suggestions_begin_like_what_was_typed() -> None:
    told = SERVICE.suggest("entity", "pôrto v", 10)
    validate(told, schemas.SUGGESTED)
    assert [one["id"] for one in told["result"]] == ["2", "1"]
    assert [one["id"] for one in SERVICE.suggest("entity", "vista", 1)["result"]] == ["3"]
    assert [one["id"] for one in SERVICE.suggest("entity", "4", 5)["result"]] == ["4"]
    assert SERVICE.suggest("entity", "", 5)["result"] == []
    for what, prefix, found in (("type", "to", ["town"]), ("property", "siz", ["size"])):
        told = SERVICE.suggest(what, prefix, 5)
        validate(told, schemas.SUGGESTED)
        assert [one["id"] for one in told["result"]] == found
    validate(SERVICE.propose("town", 10), schemas.PROPOSED)
    assert SERVICE.propose("river", 10)["properties"] == []
    assert len(SERVICE.propose(None, 1)["properties"]) == 1


def test_a_preview_shows_what_is_there_and_runs_nothing() -> None:
    html = SERVICE.preview("5")
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "<b>" not in html
    with pytest.raises(NotFound):
        SERVICE.preview("<script>")
