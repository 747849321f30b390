"""Loading the bundle: once per data and code, what comes after loads only when something did."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import NotPublished
from atalaia.kernel.domain import Domain
from atalaia.kernel.watch.checks import Result, record
from atalaia.kernel.work.job import Job, Run
from atalaia.serve import catalog
from atalaia.serve.local import loading


@dataclass
class House:
    """A small domain of real jobs, which do as they are told and remember that they ran."""

    ran: list[str] = field(default_factory=list)
    trouble: dict[str, Exception] = field(default_factory=dict)
    seeded: int = 0
    answer: Result = field(default_factory=lambda: Result("check_house", "pass"))

    def job(self, name: str, *periods: str) -> Job:
        """A job with bundled data for these periods."""

        def body(run: Run) -> None:
            self.ran.append(f"{run.job.name} {run.reference_period}")
            if name in self.trouble:
                raise self.trouble[name]
            if name == "quality_suite":
                record(run, [self.answer])

        return Job(
            name=name,
            domain="house",
            title=name,
            body=body,
            plan=lambda run: {},
            default_periods=(lambda: list(periods)) if periods else None,
        )

    def seed(self) -> None:
        """Count how often bronze was seeded."""
        self.seeded += 1

    def load(self, *, force: bool = False) -> loading.Loaded:
        """Load what is bundled; what ran is in `ran`, from none."""
        self.ran.clear()
        return loading.load_bundled(force=force, tell=lambda text: None)


@pytest.fixture
def house(database: str, monkeypatch: pytest.MonkeyPatch) -> House:
    """The only domain there is."""
    house = House()
    # The manifest lists what comes after loads first: the order must not depend on it.
    jobs = (
        house.job("quality_suite", "2026"),
        house.job("dbt_build", "2026"),
        house.job("walls", "2019", "2020"),
        house.job("roof", "2020"),
        house.job("no_bundle"),
    )
    domain = Domain(
        name="house",
        title="Casa",
        folder=Path(),
        jobs=jobs,
        connectors=(),
        registry=(),
        seed=house.seed,
    )
    monkeypatch.setattr(catalog, "_found", lambda: ((domain,), ()))
    monkeypatch.setattr(loading, "data_version", lambda: "one")  # whatever is edited meanwhile
    return house


ALL = ["walls 2019", "walls 2020", "roof 2020", "dbt_build 2026", "quality_suite 2026"]


def test_everything_once_in_order_then_nothing(house: House) -> None:
    first = house.load()
    assert house.ran == ALL
    assert first.good
    assert first.tally == {"pass": 1, "warn": 0, "fail": 0}
    second = house.load()
    assert house.ran == []
    assert second.good
    assert second.tally == first.tally
    assert house.seeded == 2


def test_other_data_or_code_loads_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.load()
    monkeypatch.setattr(loading, "data_version", lambda: "another")
    house.load()
    assert house.ran == ALL
    house.load()
    assert house.ran == []
    house.load(force=True)
    assert house.ran == ALL


def test_one_that_failed_is_tried_again_and_what_follows_too(house: House) -> None:
    house.trouble["roof"] = ValueError("leaks")
    assert not house.load().good
    assert house.ran == ALL
    del house.trouble["roof"]
    assert house.load().good
    assert house.ran == ["roof 2020", "dbt_build 2026", "quality_suite 2026"]
    house.load()
    assert house.ran == []


def test_a_source_with_nothing_is_no_failure_and_is_asked_again_after_a_day(house: House) -> None:
    house.trouble["walls"] = NotPublished("nada ainda")
    assert house.load().good
    house.load()
    assert house.ran == []
    with connect(autocommit=True) as connection:
        connection.execute(
            """UPDATE ops.pipeline_runs SET started_at_utc = started_at_utc - interval '25 hours',
                   finished_at_utc = finished_at_utc - interval '25 hours'
               WHERE job_name = 'walls'"""
        )
    house.load()
    assert house.ran == ["walls 2019", "walls 2020", "dbt_build 2026", "quality_suite 2026"]


def test_a_failing_check_is_not_good_and_its_reason_is_told(house: House) -> None:
    house.answer = Result("check_house", "fail", details={"reason": "torta"}, subject="porta")
    loaded = house.load()
    assert not loaded.good
    assert loaded.tally == {"pass": 0, "warn": 0, "fail": 1}
    (answer,) = loaded.answers
    assert (answer["check_name"], answer["reason"]) == ("check_house", "torta")
    assert answer["subjects"] == ["porta"]


def test_the_version_is_of_contents_and_paths(tmp_path: Path) -> None:
    """A touched file is the same file; another byte, another name or one file more is not."""
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text("a = 1\n", encoding="utf-8")
    before = loading._digest([one])
    one.touch()
    assert loading._digest([one]) == before
    two.write_text("a = 1\n", encoding="utf-8")
    assert len({before, loading._digest([two]), loading._digest([one, two])}) == 3
    one.write_text("a = 2\n", encoding="utf-8")
    assert loading._digest([one]) != before
