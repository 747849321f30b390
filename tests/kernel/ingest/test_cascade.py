"""The cascade: which layer is asked when, what it says of those that did not answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.kernel.toy import Toy, as_csv
from tests.kernel.work.test_job import a_run
from tests.sources import server as faults
from tests.sources.server import Answer, Asked, nobody, status

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.errors import NotPublished, SourceFailed, TooMuchAsked
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import bronze, cascade
from atalaia.kernel.ingest.cascade import Layer, order
from atalaia.kernel.ingest.connector import Request

REMOTE, CACHE, MANUAL = "remote", "bronze_cache", "manual"


@pytest.mark.row("T-022")
@pytest.mark.parametrize(
    ("has_remote", "cache_is_fresh", "force", "expected"),
    [
        (True, True, False, [CACHE]),
        (True, True, True, [REMOTE, CACHE, MANUAL]),
        (True, False, False, [REMOTE, CACHE, MANUAL]),
        (True, False, True, [REMOTE, CACHE, MANUAL]),
        (False, True, False, [CACHE]),
        (False, True, True, [CACHE, MANUAL]),
        (False, False, False, [CACHE, MANUAL]),
        (False, False, True, [CACHE, MANUAL]),
    ],
)
def test_the_order_of_the_layers(
    has_remote: bool, cache_is_fresh: bool, force: bool, expected: list[Layer]
) -> None:
    got = order(has_remote=has_remote, cache_is_fresh=cache_is_fresh, force=force)
    assert got == expected


def put(toy: Toy, hours: float, body: bytes | None = None) -> None:
    """A payload in bronze, taken so many hours ago."""
    bronze.store_bytes(
        as_csv(toy.rows) if body is None else body,
        source="toy",
        dataset="amounts",
        reference_period="2024",
        filename="old.csv",
        exchange={"url": "x", "status": 200},
        extracted_at=now() - timedelta(hours=hours),
    )


def by_hand(body: bytes, dataset: str = "amounts", year: str = "2024") -> None:
    folder = settings().data_dir / "manual" / "toy" / year / dataset
    folder.mkdir(parents=True)
    (folder / "file.csv").write_bytes(body)


@pytest.mark.row("T-022")
@pytest.mark.parametrize(
    ("hours", "refresh", "force", "hits", "source_type"),
    [
        (167, None, False, 0, "bronze_cache"),
        (169, None, False, 1, "api"),
        (1, None, True, 1, "api"),
        (169, 200, False, 0, "bronze_cache"),
        (1, 0, False, 1, "api"),
    ],
)
def test_bronze_is_used_until_it_is_old(
    toy: Toy, hours: float, refresh: int | None, force: bool, hits: int, source_type: str
) -> None:
    put(toy, hours)
    toy.change(refresh_after_hours=refresh)
    result = toy.run(force=force)
    assert (result["run_status"], result["source_type"]) == ("success", source_type)
    assert len(toy.server.hits) == hits
    assert result["verdict"] is None


def test_the_age_is_a_setting(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    put(toy, 5)
    monkeypatch.setenv("REFRESH_AFTER_HOURS", "4")
    settings.cache_clear()
    assert toy.run()["source_type"] == "api"


def test_an_old_payload_is_better_than_none(toy: Toy) -> None:
    put(toy, 1000)
    toy.server.misbehave(status(500))
    result = toy.run()
    assert (result["run_status"], result["source_type"]) == ("success", "bronze_cache")
    assert result["verdict"] == "source_failed"
    assert "HTTP 500" in " ".join(result["warnings"])


def test_the_manual_folder_is_the_last_layer(toy: Toy) -> None:
    by_hand(as_csv([("z", 9, "")]))
    toy.server.misbehave(status(404))
    result = toy.run()
    assert (result["source_type"], result["verdict"]) == ("manual", "not_published")
    assert toy.table() == {"z": (9, None)}
    (found,) = result["bronze"]
    assert (found["exchange"], found["package"]) == (None, None)
    assert toy.run()["source_type"] == "bronze_cache"  # it is bronze now


def test_other_datasets_years_and_folders_are_not_its(toy: Toy) -> None:
    by_hand(as_csv([("z", 9, "")]), dataset="other")
    by_hand(as_csv([("z", 9, "")]), year="2023")
    toy.server.misbehave(status(404))
    assert toy.run()["run_status"] == "blocked"


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (status(500), "source_failed"),
        (status(404), "not_published"),
        (faults.empty, "not_published"),
    ],
)
def test_with_no_layer_left_it_is_blocked_with_the_first_verdict(
    toy: Toy, fault: faults.Fault, verdict: str
) -> None:
    toy.server.misbehave(fault)
    result = toy.run()
    assert (result["run_status"], result["verdict"]) == ("blocked", verdict)
    assert result["source_type"] is None
    assert toy.table() == {}


def test_a_source_only_people_can_fetch_says_where_to_put_it(toy: Toy) -> None:
    toy.change(requests=lambda _year: ())
    result = toy.run()
    assert (result["run_status"], result["verdict"]) == ("blocked", "not_published")
    assert "data/manual/toy/2024/amounts/" in result["error"]
    assert toy.server.hits == []


def test_another_year_is_another_payload(toy: Toy) -> None:
    put(toy, 1)
    toy.server.misbehave(status(500))
    assert toy.run("2023")["run_status"] == "blocked"
    assert toy.run("2024")["run_status"] == "success"


@pytest.mark.row("R-019")
def test_a_payload_that_was_changed_is_not_loaded(toy: Toy) -> None:
    toy.run()
    before = toy.table()
    (row,) = toy.query("SELECT path FROM bronze.manifest")
    path = settings().data_dir / row["path"]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"1", b"7"))
    result = toy.run()
    assert result["run_status"] == "failed"
    assert "SHA-256" in result["error"]
    assert toy.table() == before
    assert toy.run(force=True)["run_status"] == "success"  # the source still has the right one


# The door of bronze.


def refuse_short(path: Path) -> None:
    if path.stat().st_size < 60:
        raise SourceFailed("cortado", answer="cortado")


def test_a_body_that_is_no_payload_never_enters(toy: Toy) -> None:
    toy.change(requests=lambda _y: (Request("amounts", "/x.csv", "x.csv", judge=refuse_short),))
    assert toy.run()["verdict"] == "source_failed"
    assert len(toy.server.hits) == 3  # it may be whole the next time
    assert toy.query("SELECT * FROM bronze.manifest") == []
    toy.rows = [("a", n, "x" * 20) for n in range(1)] + [("b", 1, "y" * 50)]
    assert toy.run()["run_status"] == "success"


def in_parts(toy: Toy, limit: int) -> list[Asked]:
    """A source that gives at most `limit` rows at once; `/all` has every row, `/a` those of a."""

    def answer(asked: Asked) -> Answer:
        wanted = asked.path.strip("/")
        rows = [row for row in toy.rows if wanted in ("all", row[0])]
        if len(rows) > limit:
            return Answer(b"mais de %d" % limit, "text/plain", 400)
        return Answer(as_csv(rows), "text/csv")

    toy.answer = answer  # type: ignore[method-assign]
    parts = tuple(Request("amounts", f"/{row[0]}", f"{row[0]}.csv") for row in toy.rows)
    whole = Request("amounts", "/all", "all.csv", parts=parts, too_much="mais de")
    toy.change(requests=lambda _year: (whole,))
    return toy.server.hits


def test_what_is_too_much_is_asked_in_parts(toy: Toy) -> None:
    hits = in_parts(toy, limit=2)
    result = toy.run()
    assert (result["run_status"], result["rows_loaded"]) == ("success", 3)
    assert [hit.path for hit in hits] == ["/all", "/a", "/b", "/c"]
    assert len(result["bronze"]) == 3
    again = toy.run()
    assert (again["source_type"], again["rows_read"]) == ("bronze_cache", 3)


def test_what_is_not_too_much_is_asked_whole(toy: Toy) -> None:
    hits = in_parts(toy, limit=3)
    assert toy.run()["rows_loaded"] == 3
    assert [hit.path for hit in hits] == ["/all"]


def test_one_part_that_fails_leaves_nothing(toy: Toy) -> None:
    in_parts(toy, limit=2)
    answers = toy.answer

    def one_fails(asked: Asked) -> Answer | None:
        return Answer(b"", status=500) if asked.path == "/b" else answers(asked)

    toy.answer = one_fails  # type: ignore[method-assign]
    assert toy.run()["verdict"] == "source_failed"
    assert toy.query("SELECT * FROM bronze.manifest") == []


def test_too_much_without_parts_is_a_failure_like_another(toy: Toy) -> None:
    toy.change(requests=lambda _y: (Request("amounts", "/x.csv", "x.csv", too_much="mais de"),))
    toy.server.misbehave(status(400, body=b"mais de 2"))
    result = toy.run()
    assert (result["run_status"], result["verdict"]) == ("blocked", "source_failed")
    assert len(toy.server.hits) == 1
    assert isinstance(TooMuchAsked(), SourceFailed)


def test_a_request_may_have_a_patience_of_its_own(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_TIMEOUT_SECONDS", "0.3")
    settings.cache_clear()
    toy.server.misbehave(faults.silence(0.8))
    assert toy.run(max_retries=1)["verdict"] == "source_failed"
    patient = Request("amounts", "/x.csv", "x.csv", timeout_seconds=5)
    toy.change(requests=lambda _year: (patient,))
    assert toy.run(max_retries=1)["run_status"] == "success"


def test_an_address_where_nobody_listens(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    with nobody() as url:
        monkeypatch.setenv("SOURCE_TOY_BASE_URL", url)
        assert toy.run()["verdict"] == "source_failed"


def test_what_is_remembered_of_an_exchange(toy: Toy) -> None:
    (found,) = toy.run()["bronze"]
    exchange = found["exchange"]
    assert exchange["url"] == f"{toy.server.url}/2024.csv"
    assert exchange["status"] == 200
    assert exchange["headers"]["content-type"] == "text/csv"
    assert "date" in exchange["headers"]
    assert exchange["fetched_at"] <= found["extracted_at"]


def test_nothing_to_ask_is_not_published(toy: Toy) -> None:

    with pytest.raises(NotPublished):
        cascade.fetch(replace(toy.connector, requests=lambda _year: ()), a_run())
