"""The catalogue: complete for every reader, and its class edges fit what they were made from."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from atalaia.domains.territory.derivation import DERIVATIONS
from atalaia.domains.territory.indicators import CATALOGUE_FILE, catalogue, read_catalogue
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.base.settings import project_dir

INDICATORS = list(catalogue().indicators.values())
FIRST_RELEASE = {
    "area_km2",
    "deaths_total",
    "deaths_excess_jan_apr",
    "indigenous_villages",
    "fishers_professional",
    "minimum_wage_nominal",
    "minimum_wage_real",
    "population_census",
    "population_estimated",
}


def test_the_first_indicators_are_there() -> None:
    assert set(catalogue().indicators) == FIRST_RELEASE


@pytest.mark.parametrize("entry", INDICATORS, ids=lambda entry: entry.code)
def test_every_text_is_in_both_languages(entry) -> None:
    texts = [entry.name, entry.unit, entry.source, entry.license, entry.note]
    texts += [entry.coverage_note] if entry.coverage_note else []
    texts += entry.partial_periods.values()
    for words in texts:
        assert words.pt.strip(), entry.code
        assert words.en.strip(), entry.code
    same = {words.pt for words in texts if words.pt == words.en}
    assert same <= {"%", "km²", "IBGE", "FUNAI", "IPEA (Ipeadata)"}


def test_deaths_say_what_they_are() -> None:
    for code in ("deaths_total", "deaths_excess_jan_apr"):
        said = catalogue().indicator(code).coverage_note
        assert said is not None
        assert "óbitos registrados em cartório; cobertura crescente" in said.pt
    deaths = catalogue().indicator("deaths_total")
    assert "incompleto" in deaths.partial_periods["2020-05"].pt
    assert "1:2.500.000" in catalogue().indicator("area_km2").note.pt


@pytest.mark.parametrize(
    ("code", "period", "ranked"),
    [
        ("deaths_total", "2019", True),
        ("deaths_total", "2019-12", True),
        ("deaths_total", "2020-01", False),
        ("deaths_total", "2020", False),
        ("deaths_excess_jan_apr", "2020", False),
        ("fishers_professional", "2025", True),
    ],
)
def test_no_rank_where_the_data_cannot_bear_one(code: str, period: str, ranked: bool) -> None:
    assert catalogue().indicator(code).has_rank(period) is ranked


def test_edges_are_those_of_the_kind_of_period_and_never_of_the_period() -> None:
    deaths = catalogue().indicator("deaths_total")
    years = {tuple(deaths.edges("municipality", str(year))) for year in range(2015, 2020)}
    months = {
        tuple(deaths.edges("municipality", f"{y}-0{m}")) for y in (2015, 2019) for m in (1, 9)
    }
    assert len(years) == len(months) == 1
    assert years != months
    assert deaths.edges("state", "2019") not in ([], deaths.edges("municipality", "2019"))
    assert deaths.edges("country", "2019") == []
    excess = catalogue().indicator("deaths_excess_jan_apr")
    assert excess.kind_of("2020") == "window"
    assert excess.center in excess.edges("municipality", "2020")


def test_an_unknown_code_is_refused_by_name() -> None:
    with pytest.raises(NotFound, match="'deaths'"):
        catalogue().indicator("deaths")


def _broken(tmp_path: Path, **changes: object) -> Path:
    content = yaml.safe_load(CATALOGUE_FILE.read_text(encoding="utf-8"))
    entry = next(e for e in content["indicators"] if e["code"] == "deaths_excess_jan_apr")
    for name, value in changes.items():
        if value is None:
            entry.pop(name)
        else:
            entry[name] = value
    path = tmp_path / "indicators.yml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


ONE_LEVEL = {"window": [-100, 0, 300]}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"classes": {"municipality": ONE_LEVEL}}, "classes are needed"),
        ({"classes": {"municipality": ONE_LEVEL, "state": {"year": [0, 1, 2]}}}, "needs classes"),
        ({"classes": {"municipality": ONE_LEVEL, "state": {"window": [0, 5, 5]}}}, "must ascend"),
        ({"classes": {"municipality": ONE_LEVEL, "state": {"window": [-9, 1, 9]}}}, "the center"),
        ({"center": None}, "diverging"),
        ({"theme": "nowhere"}, "no theme"),
        ({"polarity": None}, "polarity"),
        ({"colour": "red"}, "colour"),
        ({"code": "deaths_total"}, "twice"),
    ],
)
def test_a_broken_entry_is_named(tmp_path: Path, changes: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_catalogue(_broken(tmp_path, **changes))


def test_the_page_about_indicators_lists_each_with_its_models() -> None:
    page = (project_dir() / "docs" / "indicators.md").read_text(encoding="utf-8")
    lines = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert list(lines) == list(catalogue().indicators)
    for model in DERIVATIONS:
        assert any(f"`{model}`" in line for line in lines.values()), model
    for entry in INDICATORS:
        row = lines[entry.code]
        assert ("`place_sums`" in row) == (entry.sum_rule is not None)
        assert row.rstrip("| ").endswith("never") != entry.ranked
        assert ("municipality" in row) == ("municipality" in entry.levels)
