"""The equivalence service under load: `evaluate` at 20 requests a second, and a batch of 10,000
items drawn from 500 syllabi of about 120 words, with the evaluation's time meanwhile.

Limits are those of the checklist (R-091: 400 ms, R-092: 600 s) made harder: 100 ms and 180 s;
beside each stands the same with nothing remembered (a cold cache). One API, one worker, the private
servers, all on this machine; ratios hold when it is busy, figures when it is not.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from rig import Line, report
from service import Service, p95, private_house, resident_mb

RATE, SECONDS = 20, 30
ITEMS, SYLLABI, WORDS = 10_000, 500, 120
EVALUATE, BATCH = "/v1/equivalences/evaluate", "/v1/equivalences/batch"
_DICE = random.Random(20261130)  # noqa: S311


def syllabi() -> list[str]:
    """As many as wanted, of sentences of the bundled taxonomies' own terms."""
    from atalaia.domains.equivalence import data

    terms = [
        term.replace("*", "")
        for taxonomy in data.taxonomies().values()
        for concept in taxonomy.concepts
        for term in (concept.label, *concept.terms)
    ]
    return [_syllabus(terms) for _ in range(SYLLABI)]


def _syllabus(terms: list[str]) -> str:
    words: list[str] = []
    while len(words) < WORDS:
        words += f"{', '.join(_DICE.sample(terms, 4)).capitalize()}.".split()
    return " ".join(words)


def requests(count: int, mark: str, texts: list[str]) -> list[dict[str, Any]]:
    """Questions between syllabi drawn with replacement."""
    return [
        {
            "request_id": f"{mark}-{n}",
            "origem": {
                "nome": "Origem", "carga_horaria": 60, "ementa": _DICE.choice(texts),
                "aprovado": True, "ano_conclusao": 2024,
            },
            "destino": {"nome": "Destino", "carga_horaria": 60, "ementa": _DICE.choice(texts)},
        }
        for n in range(count)
    ]  # fmt: skip


@contextmanager
def service(folder: Path) -> Iterator[Service]:
    """Seeded, with a tenant that may ask as often as it likes."""
    from atalaia.domains.equivalence.seed import seed
    from atalaia.kernel.base.database import transaction
    from atalaia.kernel.keep import keys
    from atalaia.kernel.keep.keys import Who

    seed()
    who = Who("benchmark", "python", "benchmark")
    made = Service(folder)
    with transaction() as connection:
        keys.create_tenant(connection, "bench", name="bench", who=who)
        for quota in ("equivalence.evaluate", "equivalence.batch"):
            keys.set_quota(connection, "bench", quota, 1_000_000, who=who)
        made.key = keys.create(
            connection, name="bench", role="client", tenant_id="bench", who=who
        ).secret
    try:
        made.start_api()
        yield made
    finally:
        made.stop()


def at_rate(
    client: httpx.Client, asked: list[dict[str, Any]], stop: threading.Event
) -> list[float]:
    """Milliseconds each took from the moment it was due: who waits for a slow one is counted."""
    times: list[float] = []

    def ask(body: dict[str, Any], due: float) -> None:
        answer = client.post(EVALUATE, json=body)
        assert answer.status_code == 200, answer.text
        times.append((time.perf_counter() - due) * 1000)

    began = time.perf_counter()
    with ThreadPoolExecutor(32) as pool:
        for number, body in enumerate(asked):
            due = began + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            if stop.is_set():
                break
            pool.submit(ask, body, due)
    return times


def main() -> int:
    """Evaluate cold and warm, then a batch with evaluations meanwhile."""
    with private_house() as folder, service(folder) as made:
        return measured(made)


def measured(made: Service) -> int:
    """Both parts, reported."""
    texts, never = syllabi(), threading.Event()
    with made.client() as client:
        client.post(EVALUATE, json=requests(1, "first", texts)[0])
        cold = at_rate(client, requests(RATE * SECONDS, "cold", texts), never)
        warm = at_rate(client, requests(RATE * SECONDS, "warm", texts), never)
        worker = made.start("worker")
        body = b"".join(json.dumps(one).encode() + b"\n" for one in requests(ITEMS, "b", texts))
        began = time.perf_counter()
        accepted = client.post(BATCH, content=body)
        accepting = (time.perf_counter() - began) * 1000
        job = accepted.json()["status_url"]
        done, meanwhile, peak = threading.Event(), list[float](), [0.0]
        asking = threading.Thread(
            target=lambda: meanwhile.extend(
                at_rate(client, requests(RATE * 600, "during", texts), done)
            )
        )
        asking.start()
        while (state := client.get(job).json())["finished_at"] is None:
            peak[0] = max(peak[0], resident_mb(worker.pid))
            time.sleep(1)
        seconds = time.perf_counter() - began
        done.set()
        asking.join()
        assert state["done"] == ITEMS, state
    notes = {"items": ITEMS, "syllabi": SYLLABI, "rate": RATE, "evaluations": len(cold) + len(warm),
             "p50 warm ms": round(sorted(warm)[len(warm) // 2], 1),
             "items a second": round(ITEMS / seconds, 1)}  # fmt: skip
    lines = [
        Line("evaluate p95, warm / cold", p95(warm), p95(cold), "ms", p95(warm) / 100, 1.0),
        Line("evaluate p95 beside the batch / alone", p95(meanwhile), p95(warm), "ms",
             p95(meanwhile) / 300, 1.0),
        Line("batch of 10,000 / its promise", seconds, 180, "s", seconds / 180, 1.0),
        Line("batch of 10,000 accepted", accepting, 300, "ms", accepting / 300, 1.0),
        Line("worker's memory, peak", peak[0], 1000, "MB", peak[0] / 1000, 1.0),
    ]  # fmt: skip
    return 0 if report("equivalence_load", lines, notes) else 1


if __name__ == "__main__":
    sys.exit(main())
