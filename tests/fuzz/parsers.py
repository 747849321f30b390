"""Every parser of ours behind one door: bytes in, and only what it says it raises comes out.

    python -m tests.fuzz.parsers NAME --runs 500000 --seconds 600 --seed 1 --corpus FOLDER

runs one under atheris, guided by coverage. A file of bytes that once broke a parser is kept in
tests/fuzz/corpus/NAME/ and is tried by every `make test`.
"""

from __future__ import annotations

import argparse
import faulthandler
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SLOWEST_SECONDS = 1.0
KEPT = Path(__file__).parent / "corpus"
Act = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Parser:
    """`load` imports what is needed and returns the act; `seeds` are good examples to begin with,
    `raises` what a bad one may come to. A very hot one is called many times."""

    load: Callable[[Path], Act]
    seeds: tuple[bytes, ...]
    instrument: tuple[str, ...]  # modules whose coverage guides


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _refusing(act: Callable[[bytes], Any], *refusals: type[Exception]) -> Act:
    def safe(data: bytes) -> None:
        try:
            act(data)
        except refusals as error:
            message = str(getattr(error, "message", "x"))
            assert message, "a refusal says what is wrong"

    return safe


def _csv(folder: Path) -> Act:
    from atalaia.kernel.base.errors import ContractBroken
    from atalaia.kernel.ingest.contract import Column, Contract
    from atalaia.kernel.ingest.files import csv_batches

    contract = Contract(
        1, {"d": {"a": Column("integer"), "b": Column(), "c": Column("date", required=False)}}
    )
    file = folder / "payload"

    def act(data: bytes) -> None:
        file.write_bytes(data)
        for frame in csv_batches(file, "d", contract, delimiter=";"):
            accepted, rejected = contract.split("d", frame)
            assert accepted.height + rejected.height == frame.height

    return _refusing(act, ContractBroken)


def _ibge(folder: Path) -> Act:
    from atalaia.domains.territory.sources import ibge
    from atalaia.kernel.base.errors import ContractBroken, NotPublished, SourceFailed

    file = folder / "payload"

    def act(data: bytes) -> None:
        file.write_bytes(data)
        ibge.judge_list(file)
        ibge.frame(ibge.read_list(file, "d"), {"id", "nome", "microrregiao.id"})

    return _refusing(act, ContractBroken, NotPublished, SourceFailed)


def _sidra(folder: Path) -> Act:
    from atalaia.domains.territory.sources.ibge_indicators import _of_agregados, _of_sidra
    from atalaia.kernel.base.errors import ContractBroken
    from atalaia.kernel.base.reading import Unreadable, json_of

    def act(data: bytes) -> None:
        found = json_of(data[1:])
        if isinstance(found, list) and all(isinstance(one, dict) for one in found):
            list(_of_sidra(found) if data[:1] > b"a" else _of_agregados(found))

    return _refusing(act, ContractBroken, Unreadable, UnicodeDecodeError)


def _collection(folder: Path) -> Act:
    from atalaia.domains.territory.sources import ibge
    from atalaia.kernel.base.errors import SourceFailed

    file = folder / "payload"

    def act(data: bytes) -> None:
        file.write_bytes(data)
        ibge.judge_feature_collection(file)

    return _refusing(act, SourceFailed)


def _gate(folder: Path) -> Act:
    from atalaia.kernel.base.errors import FileRefused
    from atalaia.kernel.ingest.gate import _KINDS, admit

    file, kinds = folder / "payload", sorted(_KINDS)

    def act(data: bytes) -> None:
        kind = kinds[data[0] % len(kinds)] if data else kinds[0]
        file.write_bytes(data[1:])
        admit(file, f"x{kind}" if kind.startswith(".") else f"x.{kind}")

    return _refusing(act, FileRefused)


def _runbook(_folder: Path) -> Act:
    from atalaia.kernel.base.errors import UsageError
    from atalaia.kernel.watch.runbook import parse

    return _refusing(lambda data: parse("x/y", _text(data)), UsageError)


def _archive(folder: Path) -> Act:
    from atalaia.kernel.base.errors import Tampered
    from atalaia.kernel.keep.archive import reading

    file = folder / "payload"

    def act(data: bytes) -> None:
        file.write_bytes(data)
        with reading(file) as (_head, members):
            for _name, member in members:
                member.read(1 << 20)

    return _refusing(act, Tampered)


def _redactor(_folder: Path) -> Act:
    from atalaia.kernel.base.redact import redact, redacted

    def act(data: bytes) -> None:
        text = _text(data)
        redact(text)
        redacted({text[:20]: [text, {"x": text}]})

    return act


def _fold(_folder: Path) -> Act:
    from atalaia.kernel.match.text import fold

    def act(data: bytes) -> None:
        once = fold(_text(data))
        assert fold(once) == once
        assert set(once) <= set("abcdefghijklmnopqrstuvwxyz0123456789 ")

    return act


def _period(_folder: Path) -> Act:
    from atalaia.kernel.base.errors import BadPeriod
    from atalaia.kernel.watch.lineage import nominal
    from atalaia.kernel.work.job import checked_period

    return _refusing(lambda data: nominal(checked_period(_text(data))), BadPeriod)


def _recurrence(_folder: Path) -> Act:
    from atalaia.kernel.work.recurrence import Recurrence

    known = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)

    def act(data: bytes) -> None:
        try:
            found = Recurrence.parse(_text(data))
        except ValueError:
            return
        due = found.after(known)
        assert known < due < found.after(due)

    return act


def _log(_folder: Path) -> Act:
    from atalaia.kernel.base.logfiles import Parser as Lines

    def act(data: bytes) -> None:
        lines = Lines("x")
        for text in _text(data).split("\n"):
            line = lines.line(text)
            assert "\n" not in line.text
            assert "\x1b" not in line.text

    return act


def _address(_folder: Path) -> Act:
    from atalaia.kernel.base.address import place, require_open
    from atalaia.kernel.base.errors import AddressRefused

    def act(data: bytes) -> None:
        require_open(place(_text(data), ("http", "https", "ftp")))

    return _refusing(act, AddressRefused)


def _moment(_folder: Path) -> Act:
    from atalaia.kernel.base.errors import UsageError
    from atalaia.serve.cli.moments import moment

    def act(data: bytes) -> None:
        assert moment(_text(data)).tzinfo is not None

    return _refusing(act, UsageError)


def _yaml(folder: Path) -> Act:
    from atalaia.kernel.base.errors import UsageError
    from atalaia.kernel.watch.checks import read_limits
    from atalaia.kernel.watch.contacts import levels

    file = folder / "payload.yml"

    def act(data: bytes) -> None:
        file.write_bytes(data[1:])
        read_limits(file) if data[:1] < b"m" else levels(file)

    return _refusing(act, UsageError)


def _uri(_folder: Path) -> Act:
    from atalaia.kernel.base.trace import trace_id_of
    from atalaia.serve.api.cache import _in_order, _names
    from atalaia.serve.api.encoding import best_coding

    def act(data: bytes) -> None:
        _in_order(data)
        _names(data, b'W/"1"')
        best_coding(data)
        found = trace_id_of(data.decode("latin-1"))
        assert not found or len(found) == 32

    return act


_PAGE = (
    b"---\ntitle: T\nowner: o\nseverity: low\n---\n# T\n\n```bash {name=a, interactive=false, "
    b'timeout=30, expect="exit 0; text x"}\natalaia status\n```\n'
)
PARSERS = {
    "csv": Parser(_csv, (b"a;b;c\n1;x;2020-01-01\n", b'a;b;c\n1;"x\n";\n'),
                  ("atalaia.kernel.ingest.files", "atalaia.kernel.ingest.contract")),
    "ibge": Parser(_ibge, (b'[{"id": 1, "nome": "x", "microrregiao": {"id": 2}}]', b"[]"),
                   ("atalaia.domains.territory.sources.ibge",)),
    "sidra": Parser(_sidra, (
        b'x[{"NC": "N", "V": "Valor"}, {"NC": "6", "V": "1"}]',
        b'a[{"id": "93", "resultados": [{"series": [{"localidade": {"id": "1"}, "serie": '
        b'{"2020": "1"}}]}]}]'), ("atalaia.domains.territory.sources.ibge_indicators",)),
    "collection": Parser(_collection, (b'{"type": "FeatureCollection", "features": []}',),
                         ("atalaia.domains.territory.sources.ibge",)),
    "gate": Parser(_gate, (b"\x00a;b\n1;2\n", b"\x05PK\x03\x04", b"\x07%PDF-1.4\n%%EOF"),
                   ("atalaia.kernel.ingest.gate", "atalaia.kernel.ingest.archive")),
    "runbook": Parser(_runbook, (_PAGE,), ("atalaia.kernel.watch.runbook",
                                           "atalaia.kernel.watch.runbook_expect")),
    "archive": Parser(_archive, (b"\x28\xb5\x2f\xfd",), ("atalaia.kernel.keep.archive",)),
    "redactor": Parser(_redactor, (b"CPF 529.982.247-25 nome=Z senha: 'x' a@b.com.br",
                                   b'{"senha": "a\\"b"}'), ("atalaia.kernel.base.redact",)),
    "fold": Parser(_fold, ("Olho-d'Água º ª".encode(),), ("atalaia.kernel.match.text",)),
    "period": Parser(_period, (b"2024", b"2024-07", b"2024-07-31"), ("atalaia.kernel.work.job",)),
    "recurrence": Parser(_recurrence, (b"daily 08:00", b"weekly monday 06:00",
                                       b"first sunday 04:00"), ("atalaia.kernel.work.recurrence",)),
    "log": Parser(_log, (b'{"ts": "2026-01-01T00:00:00+00:00", "level": "INFO", "message": "x"}',
                         b"1:M 01 Jan 2026 00:00:00.000 * x",
                         b"2026-01-01 00:00:00.000 UTC [1] LOG:  x"),
                  ("atalaia.kernel.base.logfiles",)),
    "address": Parser(_address, (b"https://www.ibge.gov.br/x", b"http://127.1/", b"ftp://[::1]/"),
                      ("atalaia.kernel.base.address",)),
    "moment": Parser(_moment, (b"2h", b"2027-01-31T22:00-03:00"), ("atalaia.serve.cli.moments",)),
    "yaml": Parser(_yaml, (b"achecks:\n  x: 1\n", b"zlevels:\n- after_minutes: 0\n"),
                   ("atalaia.kernel.watch.checks", "atalaia.kernel.watch.contacts",
                    "atalaia.kernel.base.reading")),
    "header": Parser(_uri, (b'W/"1", "2"', b"gzip;q=0.5, br", b"00-4bf92f3577b34da6a3ce929d0e0e47"
                            b"36-00f067aa0ba902b7-01"), ("atalaia.serve.api.cache",
                                                        "atalaia.serve.api.encoding")),
}  # fmt: skip


class TooSlow(AssertionError):
    """One input took longer than any may."""


@contextmanager
def watched() -> Iterator[None]:
    """Raise TooSlow inside what takes longer than a second of processor time."""

    def late(*_: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, late)
    signal.setitimer(signal.ITIMER_VIRTUAL, SLOWEST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def kept(name: str) -> list[bytes]:
    """What broke a parser once."""
    return [file.read_bytes() for file in sorted((KEPT / name).glob("*"))]


def main() -> None:
    """Fuzz one parser until its runs and its time are both used up."""
    asked = argparse.ArgumentParser()
    asked.add_argument("name", choices=PARSERS)
    asked.add_argument("--runs", type=int, default=2000)
    asked.add_argument("--seconds", type=float, default=1)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--corpus", type=Path, required=True)
    given = asked.parse_args()
    fuzz(given.name, given.runs, given.seconds, given.seed, given.corpus)


def fuzz(name: str, runs: int, seconds: float, seed: int, corpus: Path) -> None:
    """Run under atheris until `runs` and `seconds` are both used up; prints how many there were."""
    import atheris

    parser = PARSERS[name]
    # Polars, Arrow and the rest are not ours to guide by.
    with atheris.instrument_imports(include=list(parser.instrument)):
        act = parser.load(Path(tempfile.mkdtemp(dir=corpus.parent)))
    faulthandler.enable()
    begin, count = time.monotonic(), 0

    def one(data: bytes) -> None:
        nonlocal count
        with watched():
            act(data)
        count += 1
        if count >= runs and time.monotonic() - begin >= seconds:
            print(f"RUNS {count}", flush=True)
            sys.stdout.flush()
            import os

            os._exit(0)  # libFuzzer knows no other end that is a good one

    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate([*parser.seeds, *kept(name)]):
        (corpus / f"seed-{number}").write_bytes(data)
    sys.argv = [
        "fuzz", f"-seed={seed}", "-max_len=4096", f"-artifact_prefix={corpus.parent}/broke-",
        "-rss_limit_mb=1500", "-timeout=25", str(corpus),
    ]  # fmt: skip
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
