"""The encoding: no two different records give the same bytes, and ours is the database's."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.kernel.keep.conftest import add, rows

from atalaia.kernel.base.database import connect
from atalaia.kernel.keep.record import Record, canonical, encode

FIELDS = st.lists(st.none() | st.text(alphabet=st.characters() | st.sampled_from("0123:,-")))


def decode(data: bytes) -> list[str | None]:
    """The fields again: what has an inverse is injective."""
    found: list[str | None] = []
    while data:
        if data.startswith(b"-,"):
            found.append(None)
            data = data[2:]
            continue
        length, _, rest = data.partition(b":")
        size = int(length)
        assert rest[size : size + 1] == b","
        found.append(rest[:size].decode("utf-8", "surrogatepass"))
        data = rest[size + 1 :]
    return found


@given(FIELDS)
@example([None, "", "-", "-,", "0:,", "é"])
def test_what_is_encoded_can_be_told_again(fields: list[str | None]) -> None:
    assert decode(encode(fields)) == fields


@given(FIELDS, FIELDS)
@example(["ab", "c"], ["a", "bc"])
@example([None], [""])
@example(["a,1:b"], ["a", "b"])
def test_different_fields_give_different_bytes(one: list[Any], other: list[Any]) -> None:
    assert (encode(one) == encode(other)) == (one == other)


def test_the_bytes_are_those_of_the_document() -> None:
    assert encode(["atalaia.audit/1", "é", None, ""]) == b"15:atalaia.audit/1,2:\xc3\xa9,-,0:,"


def test_every_field_of_a_record_counts() -> None:
    record = Record("s", 1, "t", "a", "b", "c", "d", "e", "f", "g", "{}", "00", "ff")
    digests = {record.digest()}
    for name in record._fields[:-1]:
        value: Any = 2 if name == "seq" else "other"
        digests.add(record._replace(**{name: value}).digest())
        digests.add(record._replace(**{name: None}).digest())
    assert len(digests) == 1 + 2 * 12
    assert record._replace(hash="00").digest() == record.digest()


def test_canonical_json_does_not_depend_on_how_it_was_made() -> None:
    assert canonical({"b": [1, 2.5], "a": "é\n"}) == '{"a":"é\\n","b":[1,2.5]}'
    for value in (math.nan, math.inf):
        with pytest.raises(ValueError):
            canonical({"a": value})
    with pytest.raises(TypeError):
        canonical({"a": object()})


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "text", ["a", "", "a:b,c", "-", "é 中 😀", "\\x00", "\n\r\t", "x" * 100_000, "3:abc,"]
)
def test_the_database_hashes_as_we_do(text: str) -> None:
    """In every field that takes any text, and with JSON that PostgreSQL would print otherwise."""
    add(subject=text, reason=text, tenant_id=text, details={text: text, "a": 1.10, "b": 10**30})
    with connect(autocommit=True) as connection:
        connection.execute("SET TimeZone = 'America/Sao_Paulo'")
        connection.execute("SET DateStyle = 'German'")
        connection.execute(
            """SELECT ops.append_audit('runs', 'a', 'b', 'c', 'd', NULL, 'e', 'f',
                                       '{"b": 1.10,   "a":1e3, "a":2}')"""
        )
    first, second = rows()
    assert (first.subject, first.reason, second.reason) == (text, text, None)
    assert second.details == '{"b": 1.10,   "a":1e3, "a":2}'
    assert [first.digest(), second.digest()] == [first.hash, second.hash]
    assert second.previous == first.hash
