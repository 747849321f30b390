"""Como os scripts terminam: um código de saída e, no erro, uma mensagem clara sem traceback."""

import sys
from collections.abc import Callable
from typing import NoReturn

from atalaia.serve.cli.failure import explain


def finish(act: Callable[[], int]) -> NoReturn:
    """Sai com o que `act` devolve; um erro sai com o código que `errors.CATALOGUE` lhe dá."""
    try:
        code = act()
    except Exception as error:
        code = explain(error)
    sys.exit(code)
