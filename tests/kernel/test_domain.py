"""Domains: found by entry point, and the broken ones listed with their reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.toy import CONNECTOR, Toy

from atalaia.kernel import domain as domain_module
from atalaia.kernel.base.errors import UnknownJob
from atalaia.kernel.domain import Broken, Domain, connector_job, installed
from atalaia.kernel.work.job import Run
from atalaia.kernel.work.runner import run_job

DOMAIN = Domain(
    name="toys",
    title="Brinquedos",
    folder=Path(__file__).parent,
    jobs=(connector_job(CONNECTOR, domain="toys", title="", wave="W"),),
    connectors=(CONNECTOR,),
    registry=(),
)


@dataclass
class Entry:
    """An entry point, as importlib.metadata gives it."""

    name: str
    found: Any

    def load(self) -> Any:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


def test_a_broken_domain_is_listed_and_the_others_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [Entry("z", DOMAIN), Entry("a", ImportError("no module b")), Entry("b", KeyError(1))]
    monkeypatch.setattr(domain_module, "entry_points", lambda group: entries)
    good, broken = installed()
    assert good == [DOMAIN]
    assert broken == [Broken("a", "ImportError: no module b"), Broken("b", "KeyError: 1")]


def test_a_job_is_found_by_its_name_and_its_alias() -> None:
    (job,) = DOMAIN.jobs
    assert DOMAIN.job("toy") is DOMAIN.job("toy_fetch") is job
    with pytest.raises(UnknownJob, match="toy"):
        DOMAIN.job("toys")


def test_what_comes_after_a_load_sees_it_and_its_failure_is_the_runs(toy: Toy) -> None:
    seen: list[int] = []

    def after(run: Run) -> None:
        seen.append(len(toy.table()))
        assert run.counts.loaded == 3

    assert run_job(toy.job(after), reference_period="2024")["run_status"] == "success"
    assert seen == [3]

    def breaks(_run: Run) -> None:
        raise ValueError("depois")

    result = run_job(toy.job(breaks), reference_period="2024")
    assert result["run_status"] == "failed"
    assert "ValueError in " in result["error"]
    assert "breaks" in result["error"]
    assert "depois" not in result["error"], "what an error says may be somebody's data"


@pytest.mark.row("R-037")
def test_every_run_has_a_check_however_it_ends(toy: Toy) -> None:
    toy.run()
    toy.server.hits.clear()
    toy.change(requests=lambda _year: ())
    assert toy.run("2020")["run_status"] == "blocked"
    (without,) = toy.query(
        """SELECT count(*) AS n FROM ops.pipeline_runs r
           WHERE NOT EXISTS (SELECT FROM ops.pipeline_checks c WHERE c.run_id = r.run_id)"""
    )
    assert without == {"n": 0}
