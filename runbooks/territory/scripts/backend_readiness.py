"""Diz se o backend está pronto: 0 sim, 2 não; com --strict, 1 quando há avisos."""

import argparse
import json

from _command import finish

from atalaia.kernel.watch.readiness import assess


def readiness() -> int:
    """Pergunta tudo e mostra cada achado numa linha, ou o JSON inteiro."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="avisos reprovam")
    parser.add_argument("--output-json", action="store_true", help="imprime JSON")
    parser.add_argument(
        "--include-blocked-as-success",
        action="store_true",
        help="no SLO-1, perdoa fontes sabidamente fora do ar",
    )
    given = parser.parse_args()
    found = assess(include_blocked_as_success=given.include_blocked_as_success)
    if given.output_json:
        print(json.dumps(found.as_dict(), ensure_ascii=False, default=str))
    else:
        for line in found.hard_failures:
            print(f"■ {line}")
        for line in found.warnings:
            print(f"▲ {line}")
        print(f"readiness: {found.status}")
    return found.exit_code(strict=given.strict)


finish(readiness)
