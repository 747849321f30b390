"""Names → IBGE codes on real files: what is decided is right, and what is not sure is refused."""

from __future__ import annotations

import csv
import io
import random
import tempfile
import unicodedata
from collections import defaultdict
from functools import cache
from pathlib import Path

import polars as pl
import pyogrio
import pytest
from tests.domains.territory.ground import Ground, municipalities

from atalaia.domains.territory import bundle
from atalaia.domains.territory.municipality_names import (
    municipality_codes,
    municipality_names,
    name_rules,
    reconciler,
)
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.match.names import CODE, METHOD, Name, Reconciler
from atalaia.kernel.match.rules import refuse
from atalaia.kernel.match.text import fold

SAMPLE = Path(__file__).parent / "samples" / "deaths_match_200.csv"
CHECK_DIGIT_EXCEPTIONS = [
    *("2201919", "2201988", "2202251", "2611533", "3117836", "3152131", "4305871"),
    *("5203939", "5203962"),
]
DF = "5300108"
Row = tuple[int, int, str, str, int]  # year, month, state, city, deaths


@pytest.fixture
def ground(database: str) -> Ground:
    """A fresh database that knows every municipality."""
    return Ground()


@cache
def names() -> Reconciler:
    """The reconciler over the whole DTB."""
    return reconciler(
        [Name(m.code, m.name, m.uf) for m in municipalities()],
        {m.state: m.uf for m in municipalities()},
    )


@cache
def deaths() -> pl.DataFrame:
    """The bundled deaths, all years."""
    found = [r for r in bundle.resources() if r.dataset == "deaths"]
    return pl.concat([pl.read_csv(io.BytesIO(bundle.read_raw(r))) for r in found])


def _unaccented(name: str) -> str:
    decomposed = unicodedata.normalize("NFD", name.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


# The committed sample -----------------------------------------------------------------------------


def _judged() -> list[dict[str, str]]:
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _drawn() -> list[tuple[str, Row]]:
    """The rows the sample must have: names that differ from every name of their state beyond case
    and accents, each at its first, last and (for the first 26 names) middle month; 50 names that
    several states have; 50 rows of all others."""
    believed, _ = refuse(deaths(), name_rules().refused, "deaths")
    rows: list[Row] = sorted(believed.select("year", "month", "state", "city", "deaths").rows())
    series: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        series[row[2], row[3]].append(row)
    own = {(m.state, _unaccented(m.name)) for m in municipalities()}
    states = defaultdict(set)
    for m in municipalities():
        states[fold(m.name)].add(m.uf)
    chance = random.Random(200)  # noqa: S311  drawn again, not secret
    drawn: list[tuple[str, Row]] = []
    otherwise = sorted(k for k in series if (k[0], _unaccented(k[1])) not in own)
    for place, key in enumerate(otherwise):
        months = series[key]
        picked = [months[0], months[-1], *([months[len(months) // 2]] if place < 26 else [])]
        drawn += [("spelled_otherwise", row) for row in sorted(picked)]
    repeated = sorted(k for k in series if len(states.get(fold(k[1]), ())) > 1)
    for key in chance.sample(repeated, 50):
        drawn.append(("repeated_name", chance.choice(series[key])))
    taken = {row for _, row in drawn}
    rest = chance.sample([row for row in rows if row not in taken], 50)
    return drawn + [("random", row) for row in rest]


def test_the_sample_is_the_one_that_was_drawn_not_one_that_was_picked() -> None:
    judged = [
        (
            row["stratum"],
            (int(row["year"]), int(row["month"]), row["state"], row["city"], int(row["deaths"])),
        )
        for row in _judged()
    ]
    assert judged == _drawn()
    strata = [stratum for stratum, _ in judged]
    assert [strata.count(s) for s in ("spelled_otherwise", "repeated_name", "random")] == [
        100,
        50,
        50,
    ]
    assert len(set(judged)) == 200


def test_every_row_of_the_sample_was_judged_and_none_is_wrong() -> None:
    by_code = {m.code: m for m in municipalities()}
    for row in _judged():
        assert row["verdict"] == "right", row
        assert len(row["evidence"]) > 30, row
        truth = by_code[row["code"]]
        assert (truth.name, truth.state) == (row["name"], row["decided_state"])
        decision = names().decide(row["state"], row["city"])
        assert (decision.code, decision.method) == (row["code"], row["method"]), row
        assert truth.state == row["state"]


# The whole file -----------------------------------------------------------------------------------


def test_at_least_99_5_percent_of_the_deaths_are_matched_and_the_rest_is_the_false_blocks() -> None:
    believed, refused = refuse(deaths(), name_rules().refused, "deaths")
    decided = names().reconcile(believed, group="state", name="city")
    matched = decided.filter(pl.col(CODE).is_not_null()).height
    assert (deaths().height, refused.height, matched) == (225_957, 517, 225_440)
    assert matched / deaths().height >= 0.995
    methods = dict(decided.group_by(METHOD).len().iter_rows())
    assert methods["rule"] == 648 + 22 + 63 + 40 + 42 + 47 + 46 + 45 + 58  # DF, then aliases
    assert set(methods) == {"exact", "folded", "rule", "fuzzy"}


def test_no_two_names_of_a_state_become_one_code_but_the_parts_of_the_federal_district() -> None:
    believed, _ = refuse(deaths(), name_rules().refused, "deaths")
    pairs = names().reconcile(believed.select("state", "city").unique(), group="state", name="city")
    several = pairs.group_by(CODE).len().filter(pl.col("len") > 1)
    assert several.rows() == [(DF, 11)]


def test_without_the_block_rule_five_homonyms_would_be_wrong_and_no_other_name_is_guessed() -> None:
    _, block = refuse(deaths(), name_rules().refused, "deaths")
    decided = names().reconcile(block, group="state", name="city")
    wrong = decided.filter(pl.col(CODE).is_not_null())
    assert sorted(wrong["city"]) == ["Barracão", "Colorado", "Planalto", "Sarandi", "Tapejara"]
    assert set(wrong[METHOD]) == {"exact"}


# Labelled by others -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mesh() -> list[tuple[str, str]]:
    """(code, name) of the bundled mesh of 2007, lagoons left out."""
    (found,) = (r for r in bundle.resources() if r.dataset == "municipal_mesh_dbf")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.dbf"
        path.write_bytes(bundle.read_raw(found))
        table = pl.DataFrame(pl.from_arrow(pyogrio.read_arrow(path)[1]))
    coded = table.select(pl.col("GEOCODIG_M").cast(pl.Int64).cast(pl.String), "Nome_Munic")
    return [(code, name) for code, name in coded.iter_rows() if name]


def test_every_name_of_2007_is_the_municipality_ibge_says(mesh: list[tuple[str, str]]) -> None:
    states = {m.code: m.uf for m in municipalities()}
    assert len(mesh) == 5564
    decided = {code: names().decide(states[code], name) for code, name in mesh}
    assert [(c, d) for c, d in decided.items() if d.code != c] == []
    assert sum(d.method == "rule" for d in decided.values()) == 12
    assert sum(d.method == "fuzzy" for d in decided.values()) == 15


def test_every_municipality_of_a_village_is_the_one_funai_coded() -> None:
    (found,) = (r for r in bundle.resources() if r.dataset == "villages")
    villages = pl.read_parquet(io.BytesIO(bundle.read_raw(found)))
    decided = names().reconcile(villages, group="nomuf", name="nommunic")
    assert decided.height == 4375
    differs = decided.filter(pl.col(CODE) != pl.col("cod_municipio").cast(pl.String))
    assert (decided[CODE].null_count(), differs.height) == (0, 0)


# The reference itself -----------------------------------------------------------------------------


def test_every_name_is_its_own_code_in_its_own_state_repeated_or_not() -> None:
    frame = pl.DataFrame([(m.state, m.name, m.code) for m in municipalities()], orient="row")
    decided = names().reconcile(frame, group="column_0", name="column_1")
    assert decided.filter(pl.col(CODE) != pl.col("column_2")).height == 0
    assert set(decided[METHOD]) == {"exact"}
    states = defaultdict(set)
    for m in municipalities():
        states[m.name].add(m.uf)
    assert sum(len(ufs) > 1 for ufs in states.values()) == 232  # a join by name alone would mix


def test_no_municipality_would_be_taken_for_a_neighbour_if_the_list_lacked_it() -> None:
    rules = name_rules()
    nearest = 0.0
    for m in municipalities():
        others = (c for c in names().candidates(m.uf, m.name) if c.code != m.code and not c.part)
        second = next(others, None)
        nearest = max(nearest, second.score if second else 0.0)
    assert 96 < nearest < rules.least_score


def test_rules_name_real_codes_of_their_state_and_no_real_name() -> None:
    by_code = {m.code: m for m in municipalities()}
    real = {(m.uf, fold(m.name)) for m in municipalities()}
    rules = name_rules().names
    assert len({(r.group, r.name) for r in rules}) == len(rules)
    for rule in rules:
        assert by_code[rule.code].uf == rule.group, rule
        assert (rule.group, fold(rule.name)) not in real, rule
        assert len(rule.evidence) > 30, rule
    assert {(r.code, r.group) for r in rules if r.part} == {(DF, "DF")}


# In the database ----------------------------------------------------------------------------------


def test_python_and_sql_fold_every_municipality_name_alike(ground: Ground) -> None:
    found = ground.rows(
        "SELECT name, name_search, public.fold(upper(name)) AS upper FROM silver.dim_territory"
    )
    assert len(found) == 5571 + 27 + 1
    assert [r for r in found if fold(r["name"]) != r["name_search"]] == []
    assert [r for r in found if fold(r["name"].upper()) != r["upper"]] == []


@pytest.mark.usefixtures("ground")
def test_the_list_is_read_from_the_database_check_digit_exceptions_included() -> None:
    codes = municipality_codes()
    assert len(codes) == 5571
    assert set(CHECK_DIGIT_EXCEPTIONS) <= set(codes)
    for state, name, code in (
        ("Paraná", "Planalto", "4119806"),
        ("Rio Grande do Sul", "Planalto", "4314704"),
        ("Goiás", "Planaltina", "5217609"),
        ("Distrito Federal", "Planaltina", DF),
        ("PB", "Santarém", "2513653"),
        ("PA", "Santarém", "1506807"),
    ):
        assert municipality_names().decide(state, name).code == code


def test_a_name_is_not_given_to_a_municipality_that_was_not_yet_there(ground: Ground) -> None:
    with transaction() as connection:
        connection.execute(
            "UPDATE silver.dim_territory SET valid_from = '2013-01-01' "
            "WHERE territory_id = '4212650'"
        )
    frame = pl.DataFrame({"uf": ["SC", "SC"], "name": ["Pescaria Brava"] * 2}).with_columns(
        pl.Series("day", ["2012-12-01", "2013-01-01"]).str.to_date()
    )
    decided = municipality_names().reconcile(frame, group="uf", name="name", at="day")
    assert decided[CODE].to_list() == [None, "4212650"]


@pytest.mark.usefixtures("database")
def test_without_municipalities_the_error_says_what_to_run() -> None:
    for ask in (municipality_names, municipality_codes):
        with pytest.raises(NotFound, match="ibge_admin"):
            ask()
