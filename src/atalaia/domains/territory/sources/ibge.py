"""What the IBGE connectors share: where its data API is met and how its JSON is read.

The service (servicodados.ibge.gov.br) answers UTF-8 JSON without key or paging. It tells errors in
plain words with any status, 200 among them, so a body is judged before it enters bronze.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from atalaia.kernel.base.errors import ContractBroken, NotPublished, SourceFailed
from atalaia.kernel.base.reading import json_of
from atalaia.kernel.ingest.contract import ROW

SOURCE = "IBGE"
FOLDER = "ibge"
BASE_URL = "https://servicodados.ibge.gov.br"
LICENSE = "dado-publico-oficial"
TOO_MUCH = "excedeu o limite"  # Quantidade de valores solicitados: N excedeu o limite: M

STATES = {  # code → letters; their names come with every payload
    "11": "RO",
    "12": "AC",
    "13": "AM",
    "14": "RR",
    "15": "PA",
    "16": "AP",
    "17": "TO",
    "21": "MA",
    "22": "PI",
    "23": "CE",
    "24": "RN",
    "25": "PB",
    "26": "PE",
    "27": "AL",
    "28": "SE",
    "29": "BA",
    "31": "MG",
    "32": "ES",
    "33": "RJ",
    "35": "SP",
    "41": "PR",
    "42": "SC",
    "43": "RS",
    "50": "MS",
    "51": "MT",
    "52": "GO",
    "53": "DF",
}

_SHOWN = 4096


def judge_list(file: Path) -> None:
    """Accept a JSON array that is not empty. Raises NotPublished for `[]` and SourceFailed for
    anything else: an error in words, half a file, another encoding."""
    body = file.read_bytes()
    try:
        found = json_of(body.decode("utf-8-sig"))
    except ValueError as error:
        raise _no_json(body) from error
    if found == []:
        raise NotPublished("O IBGE respondeu com uma lista vazia: não tem nada para este período.")
    if not isinstance(found, list):
        raise _no_json(body)


def judge_feature_collection(file: Path) -> None:
    """Accept what begins and ends as a GeoJSON FeatureCollection (tens of megabytes: it is read
    once, by the parser). Raises SourceFailed otherwise."""
    with file.open("rb") as body:
        head = body.read(_SHOWN)
        body.seek(max(0, file.stat().st_size - 64))
        tail = body.read()
    whole = head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") and tail.rstrip().endswith(b"}")
    if not whole or b'"FeatureCollection"' not in head + tail:
        raise _no_json(head)


def _no_json(body: bytes) -> SourceFailed:
    return SourceFailed(
        "O IBGE respondeu com algo que não é o JSON pedido, ou não é ele inteiro.",
        answer=body[:_SHOWN].decode("utf-8", "replace"),
    )


def read_list(file: Path, dataset: str) -> list[dict[str, Any]]:
    """The objects of a JSON array. Raises ContractBroken when the file is anything else."""
    try:
        found = json_of(file.read_bytes().decode("utf-8-sig"))
    except ValueError as error:
        raise ContractBroken(f"O arquivo '{dataset}' não é JSON em UTF-8.") from error
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ContractBroken(f"O arquivo '{dataset}' não é uma lista de objetos.")
    return found


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, str | None]:
    """Nested objects as one level, keys joined by dots, every value as text: codes are text here,
    though IBGE sends them as numbers."""
    out: dict[str, str | None] = {}
    for key, value in record.items():
        if isinstance(value, Mapping):
            out |= flat(value, f"{prefix}{key}.")
        elif value is None or isinstance(value, str):
            out[prefix + key] = value
        else:
            out[prefix + key] = json.dumps(value, ensure_ascii=False)
    return out


def frame(records: Iterable[Mapping[str, Any]], agreed: Collection[str]) -> pl.DataFrame:
    """A raw frame of flattened records. An object that is null where the contract knows its
    members (`microrregiao` of a municipality younger than 2017) makes its members null."""
    rows = [_with_null_members(flat(record), agreed) for record in records]
    names = dict.fromkeys(name for row in rows for name in row) or dict.fromkeys(agreed)
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String)).with_row_index(ROW, offset=1)


def _with_null_members(
    row: dict[str, str | None], agreed: Collection[str]
) -> dict[str, str | None]:
    for key in [key for key, value in row.items() if value is None and key not in agreed]:
        members = [name for name in agreed if name.startswith(f"{key}.")]
        if members:
            del row[key]
            row |= dict.fromkeys(members)
    return row
