"""The API as its OpenAPI document tells it, asked with what fits that and what does not."""

from __future__ import annotations

import contextlib
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.core.errors import SchemathesisError
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.specs.openapi import checks
from tests.fuzz.filling import Filling
from tests.serve.api.matrix import HOUSE, MINE, World, table
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect

SLOW_SECONDS = 5.0
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

_NO_REQUEST = b"Invalid HTTP request received."  # the server's word for what is no HTTP to it
_ODD = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
_ODD_HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60).map(
    str.strip
)


@dataclass(slots=True)
class Seen:
    """What was asked and what came of it."""

    asked: int = 0
    slow: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def visitors() -> dict[str, dict[str, str]]:
    """Headers of who asks: an admin, a program of a tenant, and nobody. Their keys have numbers so
    high that no example revokes them."""
    with connect(autocommit=True) as connection:
        connection.execute(
            """SELECT setval(key_ids, nextval(key_ids) + 700000000)
               FROM CAST(pg_get_serial_sequence('api_keys', 'key_id') AS regclass) AS key_ids"""
        )
    admin = {"X-API-Key": new_key("admin", HOUSE)}
    return {
        "admin": admin,
        "client": {"X-API-Key": new_key("client", MINE)},
        "admin again": admin,
        "nobody": {},
    }


class Asker:
    """Asks one API as several visitors in turn."""

    def __init__(self, api: Api) -> None:
        self.api, self.seen = api, Seen()
        filling = Filling(api, World())
        self._known = {one.name: filling.ids(one) for one in table()}
        who = visitors()
        document = _without_tuples(api.get("/openapi.json").json())
        self.schema = schemathesis.openapi.from_dict(document)
        self.admin_key = who["admin"]["X-API-Key"]
        self._who, self._session = list(who.items()), requests.Session()

    def operations(self) -> dict[str, Any]:
        """'GET /v1/…' → the operation."""
        found = (result.ok() for result in self.schema.get_all_operations())
        return {operation.label: operation for operation in found}

    def ask(self, case: Case, note: str = "") -> Response:
        """One request, as the next visitor; what is not as promised goes to `seen.wrong`."""
        name, headers = self._who[self.seen.asked % len(self._who)]
        self.seen.asked += 1
        for header in ("Authorization", "X-API-Key") if headers else ():
            case.headers.pop(header, None)  # two different keys are as good as none
        answer = self._sent(case, headers)
        self.seen.statuses[answer.status_code] += 1
        told = f"{note or case.operation.label} as {name}: {answer.status_code}"
        if answer.elapsed > SLOW_SECONDS:
            self.seen.slow.append(f"{told}, {answer.elapsed:.1f} s")
        if answer.status_code >= 500:
            self.seen.wrong.append(f"{told} {case.as_curl_command()} {answer.content[:300]!r}")
            return answer
        if answer.content == _NO_REQUEST:
            return answer
        admin = name.startswith("admin")  # who is refused learns nothing more
        wanted = CHECKS if admin else CHECKS[:-1]
        try:
            case.validate_response(answer, checks=wanted, headers=headers)
        except (FailureGroup, SchemathesisError) as error:
            self.seen.wrong.append(f"{told} {type(error).__name__}: {error}")
        return answer

    def _sent(self, case: Case, headers: dict[str, str]) -> Response:
        if "text/event-stream" not in str(case.operation.definition.raw["responses"].get("200")):
            return case.call(
                base_url=self.api.url, session=self._session, headers=headers, timeout=60
            )
        how = case.as_transport_kwargs(base_url=self.api.url, headers=headers)
        with requests.request(**how, stream=True, timeout=60) as answer:  # a connection of its own
            if answer.headers["content-type"].startswith("text/event-stream"):
                answer._content = b""  # it has no end: that it began is the answer
            return Response.from_requests(answer, verify=True)

    def try_all(self, operation: Any, examples: int, seed_: int) -> None:
        """`examples` requests to one operation, half of them of the agreed form."""
        before, start = self.seen.asked, seed_ + zlib.crc32(operation.label.encode())
        known = self._known[operation.label]
        if known:  # half of the right ones ask for what is there
            _each(_cases(operation, MODES[0], known=known), examples // 4, start + 3, self.ask)
        for turn, mode in enumerate(MODES):
            with contextlib.suppress(Unsatisfiable):  # nothing it takes could be wrong
                count = examples // (4 if known and mode is MODES[0] else 2)
                _each(_cases(operation, mode), count, start + turn, self.ask)
        left = examples - (self.seen.asked - before)
        if left > 0:  # it takes little or nothing: what nobody asked for comes along
            _each(_cases(operation, *MODES[:1], more=True), left, start + 2, self.ask)


def _without_tuples(part: Any) -> Any:
    """Schemathesis 4.32 makes of `prefixItems` what its own validator refuses: a list of any of
    those kinds is asked for instead."""
    if isinstance(part, list):
        return [_without_tuples(one) for one in part]
    if not isinstance(part, dict):
        return part
    found = {name: _without_tuples(one) for name, one in part.items()}
    kinds = found.pop("prefixItems", None)
    return {**found, "items": {"anyOf": kinds}} if kinds else found


def _cases(
    operation: Any, mode: GenerationMode, *, more: bool = False, known: dict[str, str] | None = None
) -> SearchStrategy[Case]:
    found: SearchStrategy[Case] = operation.as_strategy(generation_mode=mode)
    if known:

        def there(case: Case) -> Case:
            case.path_parameters = {**known}
            return case

        return found.map(there)
    if not more:
        return found

    def beside(case: Case, query: dict[str, str], header: str) -> Case:
        case.query = {**query, **case.query}
        case.headers["X-Odd"] = header
        return case

    return st.builds(beside, found, st.dictionaries(_ODD, _ODD, max_size=4), _ODD_HEADER)


def _each(
    cases: SearchStrategy[Case], examples: int, seed_: int, act: Callable[[Case], object]
) -> None:
    @seed(seed_)
    @settings(
        max_examples=max(1, examples),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def one(case: Case) -> None:
        act(case)

    one()
