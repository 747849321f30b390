"""Feeding files made anew, as the software of feedlots writes them: layout 02 (ingredient × load),
semicolons, decimal comma, DD/MM/YYYY, Latin-1; with a known share of bad rows of five kinds and of
rows that come twice. The same seed gives the same bytes."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

HEADER = (
    "Data;Hora;Pazeiro;Vagão;Dieta;Nº Carregamento;Ingrediente;Tipo;Previsto (kg);Realizado (kg);"
    "Desvio (kg);Desvio (%);Status"
)
_INGREDIENTS = (
    ("Silagem de milho", "Volumoso"), ("Milho moído", "Concentrado"),
    ("Caroço de algodão", "Fibra"),
    ("Núcleo mineral", "Mineral"), ("Bagaço de cana", "Volumoso"), ("Uréia", "Nitrogenado"),
    ("Polpa cítrica", "Energético"), ("DDG", "Proteico"), ("Torta de algodão", "Proteico"),
    ("Água", "Líquido"),
)  # fmt: skip
_PEOPLE = ("João", "Antônio", "José Aparecido", "Conceição", "Sebastião")
_DIETS = ("Adaptação", "Crescimento", "Terminação")
REASONS = {  # why a bad row of each kind is put aside
    "negative": "realizado_kg: menor que 0",
    "future": "data: no futuro",
    "no_number": "previsto_kg: não é number",
    "no_hour": "hora: fora do formato",
    "ragged": "a linha tem 14 células, e o cabeçalho 13",
}
BAD_KINDS = tuple(REASONS)


@dataclass(slots=True)
class Made:
    """What stands in a file: how many rows of each kind, and which rows are bad, and of what."""

    rows: int = 0
    duplicates: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    places: dict[int, str] = field(default_factory=dict)

    @property
    def good(self) -> int:
        """The rows that are to be loaded."""
        return self.rows - self.duplicates - sum(self.bad.values())


def make(
    path: Path,
    rows: int,
    *,
    seed: int = 7,
    bad_share: float = 0.01,
    double_share: float = 0.005,
    encoding: str = "latin-1",
    first_day: date = date(2023, 1, 2),
    wagon: str = "V",
) -> Made:
    """Write a file of `rows` rows; returns what stands in it."""
    chance = random.Random(seed)  # noqa: S311  no secret
    made, before = Made(), ""
    with path.open("w", encoding=encoding, newline="\r\n") as file:
        file.write(HEADER + "\n")
        for number in range(rows):
            made.rows += 1
            dice = chance.random()
            if dice < bad_share:
                kind = BAD_KINDS[number % len(BAD_KINDS)]
                made.bad[kind] += 1
                made.places[number + 1] = kind
                file.write(_bad(kind, _cells(number, chance, first_day, wagon)) + "\n")
            elif dice < bad_share + double_share and before:
                made.duplicates += 1
                file.write(before + "\n")
            else:
                before = ";".join(_cells(number, chance, first_day, wagon))
                file.write(before + "\n")
    return made


def _cells(number: int, chance: random.Random, first_day: date, wagon: str) -> list[str]:
    load, part = divmod(number, len(_INGREDIENTS))
    day = first_day + timedelta(days=load // 200)
    name, kind = _INGREDIENTS[part]
    planned = chance.randrange(50_000, 900_000) / 100
    fed = round(planned * chance.uniform(0.93, 1.07), 2)
    off = fed - planned
    percent = off / planned * 100
    status = "VERDE" if abs(percent) <= 2 else "AMARELO" if abs(percent) <= 5 else "VERMELHO"
    minute = load % 200 * 6
    return [
        f"{day:%d/%m/%Y}", f"{4 + minute // 60:02}:{minute % 60:02}", _PEOPLE[load % 5],
        f"{wagon}{load % 4 + 1}", _DIETS[load % 3], str(load + 1), name, kind,
        _br(planned), _br(fed), _br(off), _br(percent), status,
    ]  # fmt: skip


def _br(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def _bad(kind: str, cells: list[str]) -> str:
    if kind == "negative":
        cells[9] = "-" + cells[9]
    elif kind == "future":
        cells[0] = "01/01/2199"
    elif kind == "no_number":
        cells[8] = "doze"
    elif kind == "no_hour":
        cells[1] = "25:61"
    else:
        cells.append("sobra")
    return ";".join(cells)
