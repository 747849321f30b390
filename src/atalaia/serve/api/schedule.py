"""The schedule over HTTP: looked at by a viewer; paused, resumed and run beside its hour by an
operator, with a reason. It is the house's, that is, the default tenant's.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from atalaia.kernel.base.database import rows
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.work import schedule as due
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import answer
from atalaia.serve.api.work import Decision, accepted_answer

router = APIRouter(prefix="/v1/ops/schedule", tags=["operação"])

Viewer = Annotated[Caller, Depends(needs("viewer"))]
Operator = Annotated[Caller, Depends(needs("operator"))]
Name = Annotated[str, Path(max_length=100, pattern=r"^[a-z][a-z0-9_.:-]*$")]


@router.get("", summary="O que vem de tempo em tempo, e quando")
def listed(_who: Viewer) -> Response:
    """Every entry: when it is due next, and the last time it was asked for."""
    found = rows(due.LISTED)
    told = {"items": found, "count": len(found)}
    return answer(told)


@router.post("/{schedule_name}/pause", summary="Deixa de pedir, até que se retome")
def pause(schedule_name: Name, decision: Decision, who: Operator) -> Response:
    """409 when it is paused already."""
    due.pause(schedule_name, actor=who.actor, reason=decision.reason, trigger="api")
    return answer({"name": schedule_name, "paused": True})


@router.post("/{schedule_name}/resume", summary="Volta a pedir, da próxima vez em diante")
def resume(schedule_name: Name, decision: Decision, who: Operator) -> Response:
    """What fell into the pause is not done; 409 when it is not paused."""
    moment = due.resume(schedule_name, actor=who.actor, reason=decision.reason, trigger="api")
    return answer({"name": schedule_name, "paused": False, "next_due_at": moment})


@router.post("/{schedule_name}/run-now", status_code=202, summary="Pede agora, fora de hora")
def run_now(schedule_name: Name, decision: Decision, who: Operator) -> Response:
    """The batch; the schedule stays as it is."""
    # The API starts without the scheduler's parts.
    from atalaia.serve.scheduler import payload_of, scheduled

    one = scheduled(schedule_name)
    batch = due.run_now(
        one, payload_of(one), actor=who.actor, reason=decision.reason, trigger="api"
    )
    return accepted_answer(batch)
