"""What the service's alerts measure, asked of a real database and a real address."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from tests.conftest import forget_settings
from tests.domains.equivalence.conftest import asked, furnish
from tests.domains.equivalence.test_batch import accepted
from tests.domains.equivalence.test_evaluate import rows

from atalaia.domains.equivalence import batch, rules
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import connect
from atalaia.kernel.watch.rules import Ground, Measure, Rule, judge
from atalaia.kernel.work.drain import drain

pytestmark = pytest.mark.usefixtures("database")


def found(rule_id: str) -> dict[str, str]:
    """Subject → state, as the watch would find it now."""
    (rule,) = (one for one in rules.RULES if one.id == rule_id)
    with connect() as connection:
        connection.execute("SET TRANSACTION READ ONLY")
        measures: list[Measure] = list(_measured(rule, connection))
    return {one.subject: judge(rule, one).state for one in measures}


def _measured(rule: Rule, connection: Any) -> Iterator[Measure]:
    ground = Ground(connection, now(), cast(Any, None), {})
    yield from cast(Callable[[Ground], Iterator[Measure]], rule.measure)(ground)


class _Nothing(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)


@pytest.fixture
def service() -> Iterator[str]:
    """A service that answers 404 to everything: it is there."""
    server = http.server.HTTPServer(("127.0.0.1", 0), _Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/embeddings"
    server.shutdown()
    server.server_close()


@pytest.mark.row("E-017", "E-023")
def test_a_mapper_that_is_away_is_told_and_one_that_is_not_configured_is_no_subject(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found("equivalence-degraded") == {"avaliacoes": "ok"}
    monkeypatch.setenv("EMBED_URL", service)
    monkeypatch.setenv("LLM_URL", "http://127.0.0.1:9/v1")
    forget_settings()
    assert found("equivalence-degraded") == {
        "embeddings": "ok", "llm": "failed", "avaliacoes": "ok",
    }  # fmt: skip


@pytest.mark.row("E-017")
def test_an_evaluation_that_came_out_degraded_is_told() -> None:
    furnish()
    accepted([asked("d-1")])
    drain(batch.WORK)
    assert found("equivalence-degraded") == {"avaliacoes": "ok"}
    rows("""UPDATE equivalence.equivalence_results SET degraded = true, decisao = 'ANALISE_HUMANA'
            RETURNING 1""")
    assert found("equivalence-degraded") == {"avaliacoes": "failed"}
    rows("UPDATE equivalence.equivalence_results SET created_at = now() - interval '6 min' "
         "RETURNING 1")  # fmt: skip
    assert found("equivalence-degraded") == {"avaliacoes": "ok"}


@pytest.mark.row("E-017")
def test_a_batch_is_late_by_its_size() -> None:
    furnish()
    made = accepted([asked(f"l-{n}") for n in range(3)])
    assert found("equivalence-late") == {"": "ok"}
    rows("UPDATE ops.batches SET created_at = now() - interval '601 s' RETURNING 1")
    assert found("equivalence-late") == {"": "late"}
    rows("UPDATE ops.batches SET total = 30000 RETURNING 1")
    assert found("equivalence-late") == {"": "ok"}, made
    rows("UPDATE ops.batches SET total = 3 RETURNING 1")
    drain(batch.WORK)
    assert found("equivalence-late") == {"": "ok"}


@pytest.mark.row("E-018")
def test_one_item_that_failed_is_told_until_somebody_decided() -> None:
    furnish()
    accepted([asked("f-1"), asked("f-2", policy="nobody")])
    drain(batch.WORK)
    assert found("equivalence-item-failed") == {"": "failed"}
    rows("""UPDATE ops.dead_letters SET resolved = true, resolved_at = now(), resolved_by = 'a'
            RETURNING 1""")
    assert found("equivalence-item-failed") == {"": "ok"}
