"""The Reconciliation Service API 0.2 (W3C community specification), as answers to questions.

A service is a list of named things in groups (municipalities in states) and a `Forgiving` that
decides which a name means. What is asked and answered has the shapes OpenRefine sends and reads;
nothing here knows HTTP. A query without its group is decided only where one name alone bears it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from rapidfuzz import fuzz, process

from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.match.forgiving import Forgiving
from atalaia.kernel.match.names import Decision
from atalaia.kernel.match.text import fold

VERSION = "0.2"
MOST_QUERIES = 200  # in one batch; OpenRefine sends 10 at a time
MOST_IDS = 1000  # in one data extension
_MOST_RESULTS = 50
_LONGEST = 200  # letters of a name
_RESULTS = 5  # of a query that does not say how many
_QUERY_KEYS = {"query", "type", "limit", "properties", "type_strict"}
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Label:
    """An identifier and what people read for it."""

    id: str
    name: str

    def as_dict(self) -> dict[str, str]:
        """JSON-ready."""
        return {"id": self.id, "name": self.name}


@dataclass(frozen=True, slots=True)
class Thing:
    """What a name may mean: `values` by property."""

    id: str
    name: str
    group: str
    description: str
    values: Mapping[str, str] = field(default_factory=dict)


class Service:
    """One reconciliation service. `group` is the property that says the group of a name."""

    def __init__(
        self,
        *,
        title: str,
        identifier_space: str,
        schema_space: str,
        kind: Label,
        group: Label,
        properties: Sequence[Label],
        view: str,
        things: Sequence[Thing],
        people: Forgiving,
    ) -> None:
        self.title, self.kind, self.group = title, kind, group
        self.properties = {one.id: one for one in properties}
        self.people = people
        self._spaces = (identifier_space, schema_space)
        self._view = view  # a path with {{id}}
        self._things = {one.id: one for one in things}
        self._plain = {one.id: fold(one.name) for one in things}
        self._called: dict[str, list[Thing]] = defaultdict(list)
        for one in things:
            self._called[self._plain[one.id]].append(one)

    def manifest(self, at: str) -> Answer:
        """What the service is and can; `at` is its address, without a slash at the end."""
        root = at.rsplit("/reconcile/", 1)[0]
        suggest = {
            what: {"service_url": at, "service_path": f"/suggest/{what}"}
            for what in ("entity", "property", "type")
        }
        return {
            "versions": [VERSION],
            "name": self.title,
            "identifierSpace": self._spaces[0],
            "schemaSpace": self._spaces[1],
            "documentation": f"{root}/openapi.json",
            "defaultTypes": [self.kind.as_dict()],
            "view": {"url": f"{root}{self._view}"},
            "preview": {"url": f"{at}/preview?id={{{{id}}}}", "width": 400, "height": 160},
            "suggest": suggest,
            "extend": {
                "propose_properties": {"service_url": at, "service_path": "/properties"},
                "property_settings": [],
            },
        }

    def answer(self, asked: str) -> Answer:
        """The results of a batch of queries, given as JSON. Raises UsageError, which says what is
        wrong with it."""
        batch = _object(asked, "queries")
        if len(batch) > MOST_QUERIES:
            raise UsageError(
                f"São {len(batch)} consultas, e o limite é {MOST_QUERIES}. Nada foi feito.",
                todo="Divida o pedido.",
            )
        return {name: {"result": self._results(query)} for name, query in batch.items()}

    def single(self, asked: str) -> Answer:
        """The results of one query: JSON, or just the name."""
        query = _object(asked, "query") if asked.lstrip().startswith("{") else {"query": asked}
        return {"result": self._results(query)}

    def extend(self, asked: str) -> Answer:
        """Values of properties of things already reconciled; of an unknown id, none."""
        wanted = _object(asked, "extend")
        ids, named = wanted.get("ids"), wanted.get("properties")
        if not _all(ids, str) or not _all(named, dict):
            raise UsageError("'extend' pede 'ids' (textos) e 'properties' (objetos com 'id').")
        assert isinstance(ids, list) and isinstance(named, list)  # noqa: S101, PT018  for mypy
        properties = [self._property(one.get("id")) for one in named]
        if len(ids) > MOST_IDS:
            raise UsageError(f"São {len(ids)} ids num pedido; o limite é {MOST_IDS}.")
        return {
            "meta": [one.as_dict() for one in properties],
            "rows": {one: {p.id: self._values(one, p.id) for p in properties} for one in ids},
        }

    def propose(self, kind: str | None, limit: int) -> Answer:
        """The properties that `extend` can give."""
        known = [one.as_dict() for one in self.properties.values()]
        fits = kind in (None, "", self.kind.id)
        return {"type": kind or self.kind.id, "properties": known[:limit] if fits else []}

    def suggest(self, what: str, prefix: str, limit: int) -> Answer:
        """Completions of what a person has typed so far."""
        plain = fold(prefix[:_LONGEST])
        if what == "entity":
            found = self._begun(plain, prefix.strip())[:limit]
            return {"result": [self._suggested(one) for one in found]}
        labels = [self.kind] if what == "type" else list(self.properties.values())
        near = [one for one in labels if plain in fold(one.name) or plain in fold(one.id)]
        return {"result": [one.as_dict() for one in near[:limit]]}

    def preview(self, thing_id: str) -> str:
        """A small HTML page about one thing. Raises NotFound."""
        thing = self._things.get(thing_id)
        if thing is None:
            raise NotFound("Não há nada com esse identificador.")
        cells = [
            (escape(label.name), escape(thing.values.get(label.id, "")))
            for label in self.properties.values()
        ]
        rows = "".join(f"<tr><th>{label}</th><td>{value}</td></tr>" for label, value in cells)
        return (
            f'<!doctype html><html lang="pt-BR"><head><meta charset="utf-8">'
            f"<title>{escape(thing.name)}</title></head><body><h1>{escape(thing.name)}</h1>"
            f"<p>{escape(thing.description)}</p><table>{rows}</table></body></html>"
        )

    def _property(self, wanted: object) -> Label:
        if not isinstance(wanted, str) or wanted not in self.properties:
            known = ", ".join(self.properties)
            raise UsageError("'extend' pede uma propriedade que não existe.", todo=f"Há: {known}.")
        return self.properties[wanted]

    def _values(self, thing_id: str, wanted: str) -> list[dict[str, str]]:
        thing = self._things.get(thing_id)
        value = thing.values.get(wanted) if thing else None
        return [{"str": value}] if value else []

    def _begun(self, plain: str, written: str) -> list[Thing]:
        if written in self._things:
            return [self._things[written]]
        if not plain:
            return []
        rank = {id_: (not p.startswith(plain), len(p), p) for id_, p in self._plain.items()}
        begun = [id_ for id_, p in self._plain.items() if p.startswith(plain) or f" {plain}" in p]
        return [self._things[id_] for id_ in sorted(begun, key=lambda one: (rank[one], one))]

    def _suggested(self, thing: Thing) -> Answer:
        told = {"id": thing.id, "name": thing.name, "description": thing.description}
        return {**told, "notable": [self.kind.as_dict()]}

    def _results(self, query: object) -> list[Answer]:
        name, group, limit, fits = self._read(query)
        if not fits or not fold(name):
            return []
        if name.strip() in self._things:
            return [self._result(self._things[name.strip()], name, True, group, 100.0)]
        decision = self.people.decide(group, name) if group else self._without_group(name)
        near = {c.code: c.score for c in decision.candidates}
        known = self.people.strict.group_of(group)
        if known:
            for one in self.people.strict.candidates(known, name, limit=limit):
                near.setdefault(one.code, one.score)
        elif not group:
            for _, score, code in process.extract(
                fold(name), self._plain, scorer=fuzz.ratio, limit=limit, score_cutoff=60
            ):
                near.setdefault(code, score)
        found = [self._things[code] for code in near if code in self._things]
        found.sort(key=lambda one: (one.id != decision.code, -near[one.id], one.id))
        return [
            self._result(one, name, one.id == decision.code, group, near[one.id])
            for one in found[:limit]
        ]

    def _without_group(self, name: str) -> Decision:
        """A name without its group means a thing only when one alone is called so."""
        called = self._called.get(fold(name), [])
        if len(called) != 1:
            return Decision(reason="falta o grupo")
        return self.people.decide(called[0].group, name)

    def _result(
        self, thing: Thing, written: str, match: bool, group: str | None, score: float
    ) -> Answer:
        alike = fuzz.ratio(fold(written), self._plain[thing.id])
        same = self.people.strict.group_of(group) == thing.group
        features: list[Answer] = [{"id": "name_similarity", "value": round(alike, 2)}]
        if group:
            features.append({"id": f"same_{self.group.id}", "value": same})
        return {
            "id": thing.id,
            "name": thing.name,
            "description": thing.description,
            "type": [self.kind.as_dict()],
            "score": round(score, 2),
            "match": match,
            "features": features,
        }

    def _read(self, query: object) -> tuple[str, str | None, int, bool]:
        """(name, group, limit, whether the type fits) of one query. Raises UsageError."""
        if not isinstance(query, dict) or set(query) - _QUERY_KEYS:
            known = ", ".join(sorted(_QUERY_KEYS))
            raise UsageError("Uma consulta não tem a forma esperada.", todo=f"Campos: {known}.")
        name, limit = query.get("query", ""), query.get("limit", _RESULTS)
        if not isinstance(name, str) or len(name) > _LONGEST:
            raise UsageError(f"'query' deve ser um texto de até {_LONGEST} caracteres.")
        if not isinstance(limit, int | float) or isinstance(limit, bool) or not limit >= 0:
            raise UsageError("'limit' deve ser um número, zero ou mais.")
        kinds, given = (query.get(key) for key in ("type", "properties"))
        kinds = [kinds] if isinstance(kinds, str) and kinds else kinds or []
        given = [] if given is None else given
        if not _all(kinds, str) or not _all(given, dict):
            raise UsageError("'type' deve ser texto ou lista de textos, e 'properties' uma lista.")
        fits = not kinds or self.kind.id in kinds
        many = _RESULTS if limit == 0 else int(min(limit, _MOST_RESULTS)) or 1
        return name, self._group_of(given), many, fits

    def _group_of(self, given: Sequence[Mapping[str, Any]]) -> str | None:
        """What the query says of the group; other properties say nothing here."""
        for one in given:
            if not isinstance(one.get("pid"), str) or "v" not in one:
                raise UsageError("Cada propriedade de uma consulta pede 'pid' e 'v'.")
            if one["pid"] == self.group.id:
                value = one["v"][0] if isinstance(one["v"], list) and one["v"] else one["v"]
                if isinstance(value, dict):
                    value = value.get("name") or value.get("id")
                return str(value) if isinstance(value, str) and value.strip() else None
        return None


def _object(asked: str, name: str) -> dict[str, Any]:
    try:
        read = json.loads(asked)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise UsageError(f"'{name}' deve ser um objeto JSON.")
    return read


def _all(values: object, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(one, kind) for one in values)
