"""Green, yellow, red, and what the runbook asks for at each; and what the service level says.

Pure: figures in, a colour and its reasons out. The colour and the service level are two rules with
their own limits (X-13), shown side by side. Without a file in the window there is neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from atalaia.domains.cattle.config import Dashboard, Sla

Colour = Literal["green", "yellow", "red", "no_data"]
SlaStatus = Literal["ok", "warning", "breach", "no_data"]
WORDS: dict[Colour, str] = {
    "green": "verde",
    "yellow": "amarelo",
    "red": "vermelho",
    "no_data": "sem dados",
}
ACTIONS: dict[Colour, str] = {
    "green": "Documentar status OK no log operacional.",
    "yellow": "Monitorar o próximo ciclo e preparar ações preventivas.",
    "red": "Executar os procedimentos de correção imediatos.",
    "no_data": "Nenhum arquivo na janela: conferir se os envios pararam.",
}
SLA_WORDS: dict[SlaStatus, str] = {
    "ok": "✅ SLA OK",
    "warning": "⚠️ SLA Warning",
    "breach": "❌ SLA Breach",
    "no_data": "sem dados",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What happened in the window: files that ended (well and not), how long the promised share of
    them took from upload to end, and what is critical now, in words."""

    loaded: int
    failed: int
    minutes: float | None
    critical: tuple[str, ...] = ()

    @property
    def success_percent(self) -> Fraction | None:
        """Of the files that ended; None when none did."""
        return share(self.loaded, self.loaded + self.failed)


@dataclass(frozen=True, slots=True)
class Judged:
    """A colour, why, and what is to be done."""

    colour: Colour
    reasons: tuple[str, ...]

    @property
    def action(self) -> str:
        """What the runbook asks for."""
        return ACTIONS[self.colour]


def share(part: int, whole: int) -> Fraction | None:
    """Per cent, exactly; None of nothing."""
    return Fraction(100 * part, whole) if whole else None


def judge(found: Figures, limits: Dashboard, sla: Sla) -> Judged:
    """Red: below 90 %, over the time, or a critical error. Yellow: 90 to 95 %, or near the time.
    Green: above 95 %, and the time is fine."""
    rate = found.success_percent
    red = [f"erro crítico: {one}" for one in found.critical]
    yellow = []
    if rate is not None:
        told = f"taxa de sucesso {float(rate):.2f} %"
        if rate < _exact(limits.red_below_percent):
            red.append(f"{told}, abaixo de {limits.red_below_percent:g} %")
        elif rate <= _exact(limits.green_above_percent):
            yellow.append(f"{told}, até {limits.green_above_percent:g} %")
    if found.minutes is not None:
        near = sla.processing_minutes * limits.near_sla_percent / 100
        told = f"{found.minutes:.1f} min para {sla.processing_share_percent:g} % dos arquivos"
        if found.minutes > sla.processing_minutes:
            red.append(f"{told}, acima do SLA de {sla.processing_minutes:g} min")
        elif found.minutes >= near:
            yellow.append(f"{told}, perto do SLA de {sla.processing_minutes:g} min")
    if red:
        return Judged("red", (*red, *yellow))
    if rate is None:
        return Judged("no_data", ("nenhum arquivo terminou na janela",))
    if yellow:
        return Judged("yellow", tuple(yellow))
    return Judged("green", (f"taxa de sucesso {float(rate):.2f} %, tempo dentro do SLA",))


def sla_status(loaded: int, total: int, sla: Sla) -> SlaStatus:
    """As the runbook's query says it: of all files uploaded in the window, ended or not."""
    rate = share(loaded, total)
    if rate is None:
        return "no_data"
    if rate >= _exact(sla.success_percent):
        return "ok"
    return "warning" if rate >= _exact(sla.success_warning_percent) else "breach"


def target_met(value: float | Fraction | None, target: float, *, above: bool) -> bool | None:
    """Whether a promise holds: 'more than' and 'less than' are not met at the figure itself."""
    if value is None:
        return None
    exact = Fraction(value) if isinstance(value, Fraction) else _exact(value)
    return exact > _exact(target) if above else exact < _exact(target)


def _exact(number: float) -> Fraction:
    """The decimal a person wrote, not its nearest double."""
    return Fraction(str(number))
