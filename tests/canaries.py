"""What a person's data looks like, to be looked for where it must not be."""

from __future__ import annotations

import json
from urllib.parse import quote

from atalaia.kernel.base.database import connect

CANARIES = {
    "cpf": "529.982.247-25",
    "cpf, digits": "52998224725",
    "cnpj": "11.444.777/0001-61",
    "e-mail": "zulmira.quixada@correio.example.br",
    "phone": "(31) 98765-4321",
    "name": "Zulmira Quixadá Canário",
    "address": "Rua das Canarinhas 1973 apto 42",
    "rg": "48.291.357-X",
    "birth date": "13/09/1947",
    "grade": "nota 3,1415 canarinho",
    "voter id": "1047 2958 0141",
    "plate": "QXZ-7391",
    "bank": "ag 4471 cc 90817-3",
    "token": "atl_canarycanarycanarycanary",
    "password": "senha-de-canario-9182",
    "jwt": "eyJhbGciOiJub25l.eyJzdWIiOiJjYW5hcnki.",
    "card": "4539 1488 0343 6467",
    "pis": "120.41574.32-6",
    "cell": "+55 31 99812-3456",
    "login": "zquixada_canary",
}
TOGETHER = " | ".join(CANARIES.values())


def hits(text: str) -> list[str]:
    """Kinds of canaries found in `text`, as they were or as a URL writes them."""
    return [
        kind
        for kind, canary in CANARIES.items()
        if canary in text or quote(canary) in text or json.dumps(canary)[1:-1] in text
    ]


def everything_kept() -> str:
    """All that PostgreSQL keeps about work, errors and actions; but not the work itself."""
    with connect(autocommit=True) as connection:
        found = [
            connection.execute("SELECT reason, entity_id, notes FROM ops.dead_letters").fetchall(),
            connection.execute("SELECT error, result FROM ops.work_items").fetchall(),
            connection.execute("SELECT * FROM ops.pipeline_runs").fetchall(),
            connection.execute("SELECT * FROM ops.pipeline_checks").fetchall(),
            connection.execute("SELECT * FROM ops.audit_log").fetchall(),
        ]
    return json.dumps(found, default=str, ensure_ascii=False)
