"""The redactor: numbers of persons in every form they are written in, and ordinary ones left."""

from __future__ import annotations

import io
import json
import logging
import random
import uuid
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from atalaia.kernel.base import trace
from atalaia.kernel.base.redact import place_of, redact, redacted

SEED = 20260
CASES = 2000
_WORDS = ("o CPF é", "cliente", "row", "linha 7:", "erro em", "valor", "doc:", "(", "[", '"', ">")


def cpf(chance: random.Random, *, valid: bool) -> str:
    """Eleven digits whose last two check, or do not."""
    digits = [chance.randrange(10) for _ in range(9)]
    for _ in range(2):
        weights = range(len(digits) + 1, 1, -1)
        total = sum(d * w for d, w in zip(digits, weights, strict=True))
        digits.append((total * 10 % 11) % 10)
    if not valid:
        digits[-1] = (digits[-1] + chance.randrange(1, 10)) % 10
    return "".join(map(str, digits))


def _group(d: str, first: str, second: str, third: str) -> str:
    return f"{d[:3]}{first}{d[3:6]}{second}{d[6:9]}{third}{d[9:]}"


FORMS: list[Callable[[str], str]] = [
    lambda d: d,
    lambda d: _group(d, ".", ".", "-"),
    lambda d: _group(d, " ", " ", " "),
    lambda d: _group(d, ".", ".", ""),
    lambda d: _group(d, "", "", "-"),
    lambda d: _group(d, ". ", ". ", " - "),
    lambda d: _group(d, "-", "-", "-"),
    lambda d: _group(d, ".", ".", "/"),
    lambda d: " ".join(d),
    lambda d: json.dumps({"doc": _group(d, ".", ".", "-"), "n": 3}),
    lambda d: json.dumps(json.dumps([d])),
    lambda d: f"Traceback (most recent call last):\n  File \"x.py\", line 12\nValueError: '{d}'",
    lambda d: f"ValueError('{_group(d, '.', '.', '-')}')",
    lambda d: _group(d, ".", ".\n", "-"),
    lambda d: _group(d, ".", ".\\n  ", "-"),
    lambda d: f"{d[:6]}\n{d[6:]}",
    lambda d: f"cpf={d}&x=1",
    lambda d: f"/v1/x/{_group(d, '.', '.', '-')}/y",
]


@pytest.mark.row("R-064", "E-044")
def test_a_cpf_is_found_in_every_form() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)  # noqa: S311
    missed = []
    for turn in range(CASES):
        digits = cpf(chance, valid=turn % 2 == 0)
        form = FORMS[turn % len(FORMS)]
        text = f"{chance.choice(_WORDS)} {form(digits)} {chance.choice(_WORDS)}"
        told = "".join(letter for letter in redact(text) if letter.isdigit())
        if digits in told or digits[:9] in told or digits[3:] in told:
            missed.append(text)
    assert len(missed) <= CASES // 100, missed[:5]


def _ordinary(chance: random.Random) -> str:
    """A number as our lines have them: under 11 digits, or of a form of its own."""
    return chance.choice(
        [
            str(chance.randrange(10 ** chance.randrange(1, 11))),
            f"{chance.randrange(10**6) / 100:.2f}",
            f"{chance.randrange(1, 10**6):,}".replace(",", "."),
            f"{date(1990, 1, 1) + timedelta(days=chance.randrange(15_000))}",
            f"2026-11-{chance.randrange(1, 29):02d}T10:{chance.randrange(60):02d}:00.123+00:00",
            f"31{chance.randrange(10**5):05d} {chance.randrange(1990, 2030)}",
            f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}:5432",
            f"v{chance.randrange(20)}.{chance.randrange(100)}.{chance.randrange(100)}",
            f"{chance.randrange(2000, 2020)}-{chance.randrange(2000, 2030)}",
            str(uuid.UUID(int=chance.getrandbits(128))),
            f"{chance.getrandbits(128):032x}",
            f"{chance.randrange(100)} de {chance.randrange(10**5)}, {chance.randrange(10**4)} ms",
        ]
    )


@pytest.mark.row("R-064")
def test_ordinary_numbers_are_left_alone() -> None:
    print(f"seed {SEED}")
    chance = random.Random(SEED)  # noqa: S311
    texts = [f"{chance.choice(_WORDS[2:6])} {_ordinary(chance)} lidas" for _ in range(CASES)]
    wrong = [text for text in texts if redact(text) != text]
    assert len(wrong) <= CASES // 100, wrong[:5]
    fields = {"rows": 12345678909, "bytes": 99999999999, "seconds": 0.12345678901, "ok": True}
    assert redacted(fields) == fields


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("CNPJ 12.345.678/0001-95", "CNPJ [cnpj]"),
        ("12345678000195", "[cnpj]"),
        ("12.ABC.345/01DE-35", "[cnpj]"),
        ("fale com maria.silva+x@example.com.br hoje", "fale com [e-mail] hoje"),
        ("maria%40example.org", "[e-mail]"),
        ("(31) 98765-4321", "[telefone]"),
        ("+55 31 3333-4444", "[telefone]"),
        ("31 98765-4321", "[telefone]"),
        ("12.345.678-9", "[rg]"),
        ("ABC1D23 e ABC-1234", "[placa] e [placa]"),
        ("4111 1111 1111 1111", "[cartão]"),
        ("Authorization: Bearer abcdefghijk", "Authorization: [dado]"),
        ("atl_0123456789abcdef", "[chave]"),
        ("postgresql://u:segredo@host/db", "postgresql://[senha]@host/db"),
        ('{"nome": "Zulmira Quixadá", "n": 1}', '{"nome": [dado], "n": 1}'),
        ("senha=abc123&x=1", "senha=[dado]&x=1"),
        ("data_nascimento: 1980-12-31", "data_nascimento: [dado]"),
        ("título de eleitor: 123456780191", "título de eleitor: [dado]"),
        ("ISO-8859 e 3121605 em 2019-07", "ISO-8859 e 3121605 em 2019-07"),
    ],
)
def test_what_has_a_form_or_a_name(text: str, told: str) -> None:
    assert redact(text) == told


def test_what_is_nested_and_what_is_named() -> None:
    given = {"cpf": 1, "list": ["a@b.com.br", {"payload": {"x": 1}}], "n": 5}
    assert redacted(given) == {"cpf": "[dado]", "list": ["[e-mail]", {"payload": "[dado]"}], "n": 5}


def test_an_error_is_told_by_its_place() -> None:
    try:
        raise ValueError("123.456.789-09")
    except ValueError as error:
        told = place_of(error)
    assert told.startswith("ValueError in test_an_error_is_told_by_its_place:")
    assert "123" not in told


@pytest.mark.row("E-044", "R-071")
def test_a_line_is_one_line_and_clean() -> None:
    stream = io.StringIO()
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        trace.configure("test", stream=stream)
        trace.log("ERROR", 'bad\n{"level":"INFO"}', who="a@b.com.br", cpf="12345678909", n=3)
        logging.getLogger("library").error("died: %s\nValueError: Zulmira", "123.456.789-09")
        try:
            raise ValueError("Zulmira 123.456.789-09")
        except ValueError:
            logging.getLogger("library").exception("oops")
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["message"] for line in lines] == [
        "ERROR trace_id=- bad", "ERROR trace_id=- died: [cpf]", "ERROR trace_id=- oops",
    ]  # fmt: skip
    assert (lines[0]["who"], lines[0]["cpf"], lines[0]["n"]) == ("[e-mail]", "[dado]", 3)
    assert lines[2]["exception"] == "ValueError"
    assert "Zulmira" not in stream.getvalue()
