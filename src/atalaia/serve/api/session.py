"""Who am I: sign in with a one-time link, the present session, sign out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import sessions
from atalaia.kernel.keep.doors import Caller
from atalaia.serve.api.access import COOKIE, Body, guesses_counted, needs, require_our_page
from atalaia.serve.api.answers import answer
from atalaia.serve.api.refusals import refusal

router = APIRouter(prefix="/v1/session", tags=["acesso"])
Anyone = Annotated[Caller, Depends(needs("viewer", clients=True))]
_PATH = "/v1"  # pages and files need no cookie


class Link(Body):
    """The secret of a link that `atalaia sign-in` printed."""

    link: str = Field(min_length=1, max_length=64)


@router.post(
    "",
    status_code=201,
    summary="Entra com um link de uso único",
    responses={status: refusal(str(status)) for status in (401, 403, 429)},
)
def sign_in(request: Request, given: Link) -> Response:
    """Opens a session for this browser, in a cookie that no script can read."""
    require_our_page(request)
    with guesses_counted(request), transaction() as connection:
        made = sessions.open_session(connection, given.link)
    signed_in = answer(_session(made.session), 201)
    signed_in.set_cookie(
        COOKIE,
        made.secret,
        max_age=int((made.session.expires_at - now()).total_seconds()),
        **_cookie(),
    )
    return signed_in


@router.get("", summary="Quem sou eu para o Atalaia")
def who_am_i(who: Anyone) -> Response:
    """Name, role and tenant; of a session also until when, and what its changes must send as
    `X-Atalaia-Form`."""
    if who.session:
        return answer(_session(who.session))
    told = {"kind": "key", "name": who.name, "role": who.role, "tenant_id": who.tenant_id}
    return answer({**told, "prefix": who.subject})


@router.delete("", status_code=204, summary="Sai: encerra esta sessão")
def sign_out(who: Anyone) -> Response:
    """The session is over, here and in the database."""
    if who.session is None:
        raise NotFound("Uma chave não tem sessão que se encerre. Nada foi mudado.")
    with transaction() as connection:
        sessions.end(connection, who.session.session_id, who=who.because("saiu"))
    gone = Response(status_code=204)
    gone.delete_cookie(COOKIE, **_cookie())
    return gone


def _cookie() -> Any:
    """Strict: no other site's link or form brings it along. Over https it goes over https only."""
    secure = settings().atalaia_url.startswith("https:")
    return {"path": _PATH, "httponly": True, "samesite": "strict", "secure": secure}


def _session(session: sessions.Session) -> dict[str, Any]:
    return {
        "kind": "session",
        "name": session.name,
        "role": session.role,
        "tenant_id": session.tenant_id,
        "expires_at": session.expires_at,
        "form_token": session.form_token,
    }
