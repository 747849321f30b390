"""Verifying the audit log: every chain followed, every anchor met, the table's guard in place."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg.rows import TupleRow

from atalaia.kernel.base.errors import NotFound, Tampered
from atalaia.kernel.keep import anchor as anchoring
from atalaia.kernel.keep.anchor import Anchor
from atalaia.kernel.keep.audit import Head, heads, records, snapshot
from atalaia.kernel.keep.chain import Chain, Finding

_GUARDED = """
    SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'ops.audit_log'::regclass
                   AND tgname = 'audit_only_grows' AND tgenabled = 'A'),
           EXISTS (SELECT FROM ops.audit_log WHERE stream IS NULL)
"""


def verify(*, stream: str | None = None, since_anchor: bool = False) -> list[Finding]:
    """What following every chain finds, or that of `stream`; with `since_anchor`, only from each
    one's newest anchor on. When nothing fails, the heads are anchored. Raises NotFound for a stream
    that neither the database nor an anchor knows."""
    # Anchors first: what they say was committed before the snapshot that must have it.
    anchors, about_anchors = known_anchors()
    with snapshot() as connection:
        names = {head.stream for head in heads(connection)} | {one.stream for one in anchors}
        if stream is not None:
            if stream not in names:
                known = ", ".join(sorted(names)) or "nenhuma"
                raise NotFound(f"Não há a cadeia '{stream}'.", todo=f"Há: {known}.")
            names = {stream}
        found = [followed(connection, name, anchors, since_anchor) for name in sorted(names)]
        others = [*about_anchors, *guard(connection)]
    sound = all(finding.status != "fail" for finding in (*others, *found))
    if sound and found and anchoring.has_key():
        anchoring.write(Head(one.stream or "", one.seq, one.hash) for one in found)
        if not anchors:
            others.append(_first_anchors())
    return [*others, *found]


def known_anchors() -> tuple[list[Anchor], list[Finding]]:
    """The anchors that can be trusted, and what there is to say when some cannot."""
    if not anchoring.has_key():
        return [], [
            Finding(
                None,
                "warn",
                problem="sem AUDIT_ANCHOR_KEY nenhuma âncora é conferida: um fim cortado ou uma "
                "cadeia inteira reescrita não seriam vistos",
            )
        ]
    try:
        return anchoring.anchors(), []
    except Tampered as error:
        return [], [Finding(None, "fail", problem=str(error))]


def guard(connection: psycopg.Connection[TupleRow]) -> list[Finding]:
    """Nothing when the trigger that refuses changes is on and no row is outside the chains."""
    guarded, stray = connection.execute(_GUARDED).fetchone() or (False, False)
    problems = []
    if not guarded:
        problems.append("a proteção audit_only_grows de ops.audit_log foi desligada ou retirada")
    if stray:
        problems.append("há linhas de ops.audit_log fora de qualquer cadeia")
    return [Finding(None, "fail", problem=problem) for problem in problems]


def followed(
    connection: psycopg.Connection[TupleRow],
    stream: str,
    anchors: Sequence[Anchor],
    since_anchor: bool,
) -> Finding:
    """What following one chain finds; with `since_anchor`, from its newest anchor on."""
    of_stream = [one for one in anchors if one.stream == stream]
    newest = max(of_stream, key=lambda one: one.seq, default=None)
    since = newest if since_anchor else None
    chain = Chain(stream, of_stream, since)
    for record in records(connection, stream, since.seq if since else None):
        if not chain.follow(record):
            break
    return chain.end()


def _first_anchors() -> Finding:
    return Finding(
        None,
        "warn",
        problem="não havia âncora com que comparar; estas são as primeiras. Se já houve alguma, o "
        "arquivo foi retirado",
    )


def anchor() -> list[Finding]:
    """Verify what is new since the newest anchors and anchor the heads. Raises Tampered, having
    anchored nothing, when a chain does not hold: an anchor would vouch for it. Raises UsageError
    without a key."""
    anchoring.require_key()
    findings = verify(since_anchor=True)
    bad = next((one for one in findings if one.status == "fail"), None)
    if bad:
        where = f"'{bad.stream}', linha {bad.bad_seq}: " if bad.stream else ""
        raise Tampered(
            f"A auditoria não confere: {where}{bad.problem}. Nada foi ancorado.",
            todo="'atalaia audit verify' confere tudo, desde a primeira linha.",
        )
    return [one for one in findings if one.stream]
