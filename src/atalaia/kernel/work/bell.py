"""The bell: rung once accepted work is committed, so that a worker looks at once.

Who serves hangs it up (`serve.worker.wake`); where nobody did, or nobody hears, the scheduler finds
what is due within seconds. Nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Callable

_hung: list[Callable[[], object]] = []


def hang(how: Callable[[], object]) -> None:
    """Ring by calling `how`, from now on."""
    _hung[:] = [how]


def ring() -> None:
    """Have a worker look at what is due. Call it after the commit."""
    for how in _hung:
        how()
