"""Folded text: lower case, no accents, everything else one space.

The same rule as SQL's `public.fold`, so that Python and PostgreSQL never disagree on whether two
names are the same. A test compares both over every code point and every municipality name.
"""

from __future__ import annotations

import re

import polars as pl

from atalaia.kernel.match.fold_table import FOLDED

_TARGETS = {character: target for target, characters in FOLDED.items() for character in characters}
_TABLE = str.maketrans(_TARGETS)
_BETWEEN_WORDS = re.compile("[^a-z0-9]+")


def fold(value: str) -> str:
    """`value` folded: "Olho-d'Água" → "olho d agua". Ordinal marks (º, ª) separate words."""
    return _BETWEEN_WORDS.sub(" ", value.translate(_TABLE).lower()).strip(" ")


def folded(value: pl.Expr) -> pl.Expr:
    """`fold` as a Polars expression over a column of text; null stays null."""
    return (
        value.str.replace_many(list(_TARGETS), list(_TARGETS.values()))
        .str.to_lowercase()
        .str.replace_all(_BETWEEN_WORDS.pattern, " ")
        .str.strip_chars(" ")
    )
