"""What failed is told without what it failed on: canaries in work, in files and in exceptions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.canaries import CANARIES, TOGETHER, everything_kept, hits
from tests.kernel.toy import Toy

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item, accept
from atalaia.kernel.work.runner import run_job


@pytest.mark.row("R-063", "E-044")
def test_what_failed_is_told_without_what_it_failed_on(
    database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exceptions of a library, of ours and of PostgreSQL."""

    def library(_item: Item, _connection: Any) -> None:
        raise ValueError(TOGETHER)

    def ours(_item: Item, _connection: Any) -> None:
        formed = [CANARIES[kind] for kind in ("cpf", "cnpj", "e-mail", "phone", "token", "card")]
        raise ContractBroken(f"O arquivo não abre: {' | '.join(formed)}")

    def postgres(_item: Item, connection: Any) -> None:
        connection.execute("SELECT %s::text::integer", (TOGETHER,))

    handlers = {"library": library, "ours": ours, "postgres": postgres}
    with transaction() as connection:
        for kind in handlers:
            accept(
                connection, kind, [{"typed": TOGETHER}], actor="a", trigger="api", max_attempts=1
            )
    drain({kind: Handler(act) for kind, act in handlers.items()})
    with connect(autocommit=True) as connection:
        letters = connection.execute("SELECT count(*) AS n FROM ops.dead_letters").fetchone()
    assert letters is not None
    assert letters["n"] == 3
    assert hits(everything_kept()) == []
    printed = capsys.readouterr()
    assert hits(printed.out + printed.err) == []


@pytest.mark.row("R-063", "E-044")
def test_a_cell_and_a_file_name_are_in_no_error(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    toy.rows = [("a", 1, ""), *((canary, 2, canary) for canary in CANARIES.values())]
    assert toy.run()["rows_rejected"] == len(CANARIES)

    def broken(_run: Any) -> None:
        raise RuntimeError(TOGETHER)

    failed = run_job(toy.job(after=broken), reference_period="2023")
    assert failed["run_status"] == "failed"
    assert "RuntimeError" in failed["error"]
    assert hits(json.dumps(failed, ensure_ascii=False)) == []
    assert hits(everything_kept()) == []
    assert hits(caplog.text) == []
