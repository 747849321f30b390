"""Professional fishers: people are counted, and nothing else about them leaves the file."""

from __future__ import annotations

import io
import json

import polars as pl
import pytest
from tests.domains.territory.ground import Ground

from atalaia.domains.territory import bundle
from atalaia.domains.territory.sources.mpa_fishers import CONTRACT, MPA_FISHERS
from atalaia.kernel.ingest import files

PERSONAL = [name for name, column in CONTRACT.datasets["fishers"].items() if not column.kept]
CANARY = "canario-7f3a"


def _people(*places: tuple[str | None, str | None]) -> pl.DataFrame:
    frame = pl.DataFrame(places, schema={"UF": pl.String, "Municipio": pl.String}, orient="row")
    return frame.with_columns([pl.lit(CANARY).alias(name) for name in PERSONAL])


def test_the_bundled_register_is_counted_whole(ground: Ground) -> None:
    ground.bundled("fishers", "2025")
    result = ground.run(MPA_FISHERS, "2025")
    assert result["status"] == "success", result["error"]
    assert (result["rows_read"], result["rows_loaded"], result["rows_rejected"]) == (
        1_741_486,
        1_741_486,
        0,
    )
    facts = ground.facts()
    assert (len(facts), sum(facts.values()), min(facts.values())) == (4287, 1_741_486, 1)
    raw = pl.read_parquet(
        io.BytesIO(bundle.read_raw(ground.resource("fishers", "2025"))), columns=["UF", "Municipio"]
    )
    for uf, name, code in (
        ("SE", "Gracho Cardoso", "2802601"),  # Graccho in the DTB
        ("PA", "Santarém", "1506807"),
        ("MA", "Bom Jardim", "2102002"),
        ("PE", "Bom Jardim", "2602209"),
    ):
        people = raw.filter((pl.col("UF") == uf) & (pl.col("Municipio") == name)).height
        assert people > 0
        assert facts[code, "2025"] == people
    rows = ground.rows(
        "SELECT DISTINCT indicator_code, source, dataset, category, unit FROM silver.fact_indicator"
    )
    assert [tuple(r.values()) for r in rows] == [
        ("fishers_professional", "MPA", "pescadores_profissionais", "", "pessoas")
    ]
    again = ground.run(MPA_FISHERS, "2025")
    assert (again["rows_unchanged"], again["rows_inserted"], again["rows_updated"]) == (4287, 0, 0)


def test_counts_go_over_batches_and_spellings(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PARQUET_BATCH_ROWS", 2)
    places = [("PB", "Santarém"), ("PA", "Santarém"), ("PB", "Joca Claudino"), ("PB", "SANTAREM")]
    ground.frame(MPA_FISHERS, "2025", _people(*places))
    result = ground.run(MPA_FISHERS, "2025")
    assert ground.facts() == {("2513653", "2025"): 3, ("1506807", "2025"): 1}
    assert (result["rows_read"], result["rows_loaded"]) == (4, 4)


def test_people_of_no_known_place_wait_without_their_profile(
    ground: Ground, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    places = [("RJ", "Parati"), ("RJ", "Vila Perdida"), ("RJ", None), ("XX", "Parati")]
    ground.frame(MPA_FISHERS, "2025", _people(*places))
    result = ground.run(MPA_FISHERS, "2025")
    assert ground.facts() == {("3303807", "2025"): 1}
    dead = ground.dead()
    assert [set(d["payload"]) for d in dead] == [{"UF", "Municipio"}] * 3
    assert sorted(d["reason"].split(":")[0].split(";")[0] for d in dead) == [
        "Municipio",
        "grupo desconhecido",
        "nome desconhecido",
    ]
    assert (result["rows_loaded"], result["rows_rejected"]) == (1, 3)
    everywhere = json.dumps(
        [
            result,
            caplog.text,
            *(
                ground.rows(f"SELECT * FROM {table}")
                for table in ("silver.fact_indicator", "ops.dead_letters", "ops.pipeline_runs")
            ),
        ],
        default=str,
    )
    assert "Vila Perdida" in everywhere  # the search sees what is there
    assert CANARY not in everywhere


def test_a_new_column_stops_the_payload_before_anything_is_read(ground: Ground) -> None:
    frame = _people(("PA", "Santarém")).with_columns(CPF=pl.lit(CANARY))
    ground.frame(MPA_FISHERS, "2025", frame)
    result = ground.run(MPA_FISHERS, "2025")
    assert result["status"] == "failed"
    assert "CPF" in result["error"]
    assert CANARY not in json.dumps(result, default=str)
    assert ground.facts() == {}


def test_a_municipality_that_has_no_one_any_more_has_no_row(ground: Ground) -> None:
    both = [("PA", "Santarém"), ("PA", "Belém"), ("PA", "Belém"), ("PA", "Óbidos")]
    ground.frame(MPA_FISHERS, "2025", _people(*both))
    first = ground.run(MPA_FISHERS, "2025")
    ground.frame(MPA_FISHERS, "2025", _people(("PA", "Santarém"), ("PA", "Belém")))
    second = ground.run(MPA_FISHERS, "2025")
    assert (second["rows_deleted"], second["rows_updated"], second["rows_unchanged"]) == (1, 1, 1)
    found = ground.rows("SELECT territory_id, value, run_id FROM silver.fact_indicator")
    assert {r["territory_id"]: (r["value"], str(r["run_id"])) for r in found} == {
        "1506807": (1, first["run_id"]),
        "1501402": (1, second["run_id"]),
    }
