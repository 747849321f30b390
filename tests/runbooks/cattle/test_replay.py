"""The cattle runbook, typed word for word on a machine of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.conftest import forget_settings
from tests.runbooks.cattle.replay import Replayed, possible, replay
from tests.serve.api.server import new_key

from atalaia.kernel.base.migrate import upgrade
from atalaia.serve import catalog
from atalaia.serve.local.postgres import PrivatePostgres

NAME = "etl_production"
pytestmark = [
    pytest.mark.night("cattle-replay"),
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not possible(), reason="no namespaces of one's own here"),
]
FILE = "data;trato;curral;lote;qtd_animais;previsto_kg;realizado_kg\n"
ROW = "01/03/2026;1;C-{n};L-1;100;1000,5;1010,5\n"


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    """The whole text, typed once."""
    work = tmp_path_factory.mktemp("machine")
    server = PrivatePostgres(work / "postgres")
    server.start()
    try:
        with psycopg.connect(server.socket_url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {NAME}".encode())
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATABASE_URL", server.socket_url(NAME))
            patch.setenv("DATA_DIR", str(work / "data"))
            patch.setenv("KEY_PEPPER", "the pepper of the tests, long enough")
            forget_settings()
            upgrade()
            token = new_key("operator")
            forget_settings()
            (work / "a.csv").write_text(FILE + ROW.format(n=1) + ROW.format(n=2))
            seed = _seed(work / "a.csv")
            yield replay(server, NAME, work, token, seed=seed)
        forget_settings()
    finally:
        server.stop()


def _seed(file: Path) -> str:
    """Bring a file as a person would from the command line, and keep its id as FILE_ID."""
    return f"""cp {file} /tmp/a.csv
python - <<'PY'
from pathlib import Path
from atalaia.domains.cattle.service import Bringer, receive
from atalaia.serve import worker
one = receive(Path("/tmp/a.csv"), "a.csv", Bringer("default", "ana", "cli", "cli"))
with open("/etc/etl/env", "a") as env:
    env.write(f"FILE_ID={{one['id']}}\\n")
worker.wake()
PY
for _ in $(seq 120); do
  [ "$(psql -Atc "SELECT status IN ('loaded', 'error') FROM etl_file LIMIT 1")" = t ] && break
  sleep 0.5
done"""


@pytest.mark.row("R-086", "B-016", "B-023", "B-035", "B-038", "B-062")
def test_every_query_runs_as_printed(replayed: Replayed) -> None:
    queries = [one for one in replayed.done if "<<'SQL'" in one["line"]]
    assert len(queries) == 5
    for one in queries:
        assert one["code"] == 0, one
        assert "ERROR" not in one["out"], one


@pytest.mark.row("R-086", "B-011", "B-012", "B-013", "B-014")
def test_the_morning_check(replayed: Replayed) -> None:
    health = replayed.of("verificacao-matinal", "curl")
    assert (health["code"], '"trato_curral"' in health["out"]) == (0, True)
    tail = replayed.of("verificacao-matinal", "tail")
    assert (tail["code"], "etl-service" in tail["out"]) == (0, True)
    for begins in ('psql -c "SELECT COUNT', 'psql -c "SELECT *'):
        assert replayed.of("verificacao-matinal", begins)["code"] == 0


@pytest.mark.row("R-086", "B-024", "B-025", "B-026")
def test_the_bottlenecks(replayed: Replayed) -> None:
    top = replayed.of("bottlenecks", "top")
    assert top["code"] is None, "it goes on until it is ended"
    assert "PID" in top["out"]
    sessions = replayed.of("bottlenecks", "psql")
    assert (sessions["code"], "idle" in sessions["out"]) == (0, True)
    assert replayed.of("bottlenecks", "df")["code"] == 0


@pytest.mark.row("R-086", "B-028", "B-029", "B-030", "B-031", "B-033")
def test_a_pipeline_that_stopped(replayed: Replayed) -> None:
    status = replayed.of("parado-diagnostico", "systemctl")
    assert (status["code"], "active (running)" in status["out"]) == (0, True)
    assert replayed.of("parado-diagnostico", "psql")["code"] == 0
    journal = replayed.of("parado-diagnostico", "journalctl")
    assert '"service": "api"' in journal["out"]
    for begins in ("sudo systemctl restart", "cat", "sudo systemctl stop", "sudo systemctl start"):
        assert replayed.of("parado-resolucao", begins)["code"] == 0
    assert '"conecta' not in replayed.of("parado-resolucao", "cat")["out"]
    assert "etl-service" in replayed.of("parado-resolucao", "tail")["out"]


@pytest.mark.row("R-086", "B-044", "B-045")
def test_a_degraded_performance(replayed: Replayed) -> None:
    assert replayed.of("degradacao-diagnostico", "htop")["code"] is None
    slow = replayed.of("degradacao-diagnostico", "psql")
    assert (slow["code"], "mean_time" in slow["out"]) == (0, True)
    assert replayed.of("degradacao-diagnostico", "grep")["code"] == 0


@pytest.mark.row("R-086", "B-048", "B-049", "B-050", "B-051")
def test_the_week(replayed: Replayed) -> None:
    for begins in ("find", "psql -f /opt/etl/scripts/archive", "psql -f /opt/etl/scripts/weekly",
                   "tar"):  # fmt: skip
        assert replayed.of("semanal", begins)["code"] == 0, begins
    assert "Arquivos recebidos: 1" in replayed.state["report"]
    ((name, _mode),) = replayed.state["backup"]
    assert re.fullmatch(r"etl-config-\d{8}\.tar\.gz", name)
    for name in ("etl-service.log", "errors.log", "metrics.log", "audit.log"):
        assert name in replayed.state["logs"]


@pytest.mark.row("R-086", "B-053", "B-054", "B-055", "B-056")
def test_the_month(replayed: Replayed) -> None:
    for begins in ('psql -c "REINDEX', 'psql -c "ANALYZE', "psql -f", "grep"):
        one = replayed.of("mensal", begins)
        assert one["code"] == 0, one


@pytest.mark.row("R-086", "B-078", "B-079", "B-080", "B-081")
def test_the_log_analysis(replayed: Replayed) -> None:
    for begins in ("awk '/ERROR/", 'grep "PROCESSING_TIME', "awk -v"):
        fence = "ultimas-4-horas" if begins == "awk -v" else "comandos-uteis"
        assert replayed.of(fence, begins)["code"] == 0
    average = replayed.of("comandos-uteis", 'grep "PROCESSING_TIME')["out"]
    assert re.fullmatch(r"Average: [\d.]+ms\n", average)
    assert replayed.of("comandos-uteis", "multitail")["code"] is None


@pytest.mark.row("R-086", "B-019", "B-039", "B-040")
@pytest.mark.skipif(
    "/dlq" not in {getattr(r, "path", "") for d in catalog.domains() if d.name == "cattle"
                   for r in catalog.brought(d.router).routes},
    reason="the routes of the intake are not here yet",
)  # fmt: skip
def test_the_files_and_the_dead_letters_over_http(replayed: Replayed) -> None:
    for fence, begins in (
        ("reprocessar", "curl"),
        ("dlq-resolucao", "curl -X POST"),
        ("dlq-resolucao", "curl -X GET"),
    ):
        one = replayed.of(fence, begins)
        assert one["code"] == 0
        assert '"/problems/' not in one["out"], one["out"]


@pytest.mark.row("B-028", "B-052", "B-057")
def test_the_units_are_well_formed(replayed: Replayed) -> None:
    code, said = replayed.state["units"]
    ours = [line for line in said.splitlines() if "etl-" in line]
    assert (code, ours) == (0, [])
