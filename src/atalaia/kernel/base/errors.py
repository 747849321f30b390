"""Everything that can go wrong, in one tree.

    AtalaiaError
    ├── UsageError               the caller asked for what cannot be          exit 64, HTTP 400
    │   ├── UnknownJob           no job has that name
    │   ├── BadPeriod            the reference period is not YYYY, YYYY-MM …
    │   ├── NotFound             the thing asked for does not exist           HTTP 404
    │   └── AlreadySo            nothing to change: it is over, paused, …     HTTP 409
    ├── NotAuthenticated         no key, or a key that is not ours            HTTP 401
    │   └── LinkNotValid         the one-time link was used or is too old     HTTP 401
    ├── NotAllowed               the key is good, its role is not enough      HTTP 403
    ├── TooMany                  more requests than a key or address may      HTTP 429
    ├── Unavailable              what we stand on is away; it may come back   exit 2, HTTP 503
    │   ├── DatabaseUnavailable
    │   ├── Busy                 another one holds the lock for too long
    │   ├── SchemaIncomplete     a migration is missing, or failed
    │   ├── PortTaken
    │   └── Unrecorded           the audit log did not take the record: not done
    ├── SourceError              a source did not give us what we asked
    │   ├── SourceFailed         it answered wrongly, or not at all       verdict source_failed
    │   │   └── TooMuchAsked     it says: ask for less at a time
    │   ├── NotPublished         it says it has nothing for this period   verdict not_published
    │   ├── Unreachable          we could not leave the house             verdict we_failed
    │   └── AddressRefused       its address is not one we may call       verdict we_failed
    ├── ContractBroken           a payload does not have the agreed shape: nothing was loaded
    ├── FileRefused              a file a person brought is not one we read
    ├── AlreadyRunning           another run holds this job's lock
    ├── Conflict                 an idempotency key came back with another request
    ├── LeaseLost                a work item was taken over by another worker
    ├── TimedOut                 the run used up its timeout_seconds
    │   └── SourceTooSlow        … waiting for its source                 verdict source_failed
    ├── Cancelled                someone asked the run to stop
    ├── NotGuarded               no verified backup of the last day: not done
    ├── Tampered                 stored bytes are not the bytes that were stored
    └── NoSpace                  the disk is full

A message says what happened, why if known, what was kept and what to do next. `CATALOGUE`
maps a class to its HTTP status, problem type and exit code; it is the only such table.
"""

from __future__ import annotations

from dataclasses import dataclass


class AtalaiaError(Exception):
    """Algo deu errado."""

    # The docstring of a class is its message when none is given, so it is in Portuguese.

    retryable = False

    def __init__(self, message: str = "", *, todo: str = "") -> None:
        self.message = message or (self.__doc__ or "").strip().splitlines()[0]
        self.todo = todo
        super().__init__(f"{self.message} {todo}".strip())


class UsageError(AtalaiaError):
    """O pedido não pode ser atendido como está."""


class UnknownJob(UsageError):
    """Não há job com esse nome."""


class BadPeriod(UsageError):
    """Um período de referência é um ano (2024), um mês (2024-07) ou um dia (2024-07-31)."""


class NotFound(UsageError):
    """Isso não existe aqui."""


class AlreadySo(UsageError):
    """Não há o que mudar: já está assim."""


class NotAuthenticated(AtalaiaError):
    """É preciso uma chave: envie-a em 'Authorization: Bearer' ou em 'X-API-Key'."""


class LinkNotValid(NotAuthenticated):
    """Este endereço de entrada não vale mais: serve uma vez, e por pouco tempo."""


class NotAllowed(AtalaiaError):
    """O papel da chave não alcança isto."""


class TooMany(AtalaiaError):
    """Foram pedidos demais em pouco tempo."""

    retryable = True

    def __init__(self, message: str = "", *, todo: str = "", retry_after: float = 1.0) -> None:
        super().__init__(message, todo=todo)
        self.retry_after = retry_after  # seconds


class Unavailable(AtalaiaError):
    """Uma parte de que o Atalaia depende não responde."""

    retryable = True


class DatabaseUnavailable(Unavailable):
    """O banco de DATABASE_URL não responde."""


class Busy(Unavailable):
    """Outro trabalho ocupa o que este pedido usa. Nada foi mudado; tente de novo."""


class SchemaIncomplete(Unavailable):
    """O banco não tem o esquema desta versão."""

    retryable = False


class PortTaken(Unavailable):
    """Outro programa usa a porta."""

    retryable = False


class Unrecorded(Unavailable):
    """A auditoria não aceitou o registro da ação; por isso ela não foi feita."""


class SourceError(AtalaiaError):
    """Uma fonte não entregou o que se pediu."""

    verdict = "source_failed"

    def __init__(
        self,
        message: str = "",
        *,
        todo: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        answer: str = "",
    ) -> None:
        super().__init__(message, todo=todo)
        self.status = status
        self.retry_after = retry_after
        self.answer = answer  # how the body of a refusal begins


class SourceFailed(SourceError):
    """A fonte respondeu errado, ou não respondeu."""

    retryable = True


class TooMuchAsked(SourceFailed):
    """A fonte não entrega tanto de uma vez."""

    retryable = False


class NotPublished(SourceError):
    """A fonte não publicou nada para este período."""

    verdict = "not_published"


class Unreachable(SourceError):
    """Daqui não se chega à fonte: sem rota, sem nome ou sem rede."""

    verdict = "we_failed"
    retryable = True


class AddressRefused(SourceError):
    """O endereço não é um que se possa chamar daqui. Nada foi enviado."""

    verdict = "we_failed"


class ContractBroken(AtalaiaError):
    """O arquivo não tem o formato combinado. Nada foi carregado; o bruto está guardado."""


class FileRefused(AtalaiaError):
    """O arquivo foi recusado. Nada dele foi lido."""


class AlreadyRunning(AtalaiaError):
    """Outra execução deste job está em andamento."""


class Conflict(AtalaiaError):
    """Essa chave de idempotência já foi usada para outro pedido."""


class LeaseLost(AtalaiaError):
    """O item passou a outro worker. O que este ia gravar foi desfeito."""


class TimedOut(AtalaiaError):
    """O tempo da execução acabou. Nada foi carregado; o que veio está guardado no bronze."""

    verdict = "we_failed"


class SourceTooSlow(TimedOut):
    """O tempo da execução acabou esperando a fonte. Nada foi carregado."""

    verdict = "source_failed"


class Cancelled(AtalaiaError):
    """A execução foi cancelada. Nada foi carregado; o que veio está guardado no bronze."""


class NotGuarded(AtalaiaError):
    """Não há backup verificado recente; por isso a ação não foi feita."""


class Tampered(AtalaiaError):
    """Bytes guardados não têm mais o hash com que foram guardados."""


class NoSpace(AtalaiaError):
    """O disco está cheio. Nada ficou pela metade; libere espaço e rode de novo."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an error means to a caller: HTTP status, problem type slug, exit code, title."""

    status: int
    slug: str
    exit_code: int
    title: str


CATALOGUE: dict[type[AtalaiaError], Outcome] = {
    UsageError: Outcome(400, "usage", 64, "O pedido não pode ser atendido como está"),
    UnknownJob: Outcome(404, "unknown-job", 64, "Não há job com esse nome"),
    BadPeriod: Outcome(422, "bad-period", 64, "Período de referência inválido"),
    NotFound: Outcome(404, "not-found", 64, "Não encontrado"),
    AlreadySo: Outcome(409, "already-so", 64, "Já está assim"),
    NotAuthenticated: Outcome(401, "not-authenticated", 2, "É preciso uma chave"),
    LinkNotValid: Outcome(401, "link-not-valid", 2, "Este endereço de entrada não vale mais"),
    NotAllowed: Outcome(403, "not-allowed", 2, "A chave não alcança isto"),
    TooMany: Outcome(429, "too-many-requests", 1, "Pedidos demais"),
    Unavailable: Outcome(503, "unavailable", 2, "Uma parte do sistema não responde"),
    DatabaseUnavailable: Outcome(503, "database-unavailable", 2, "O banco de dados não responde"),
    Busy: Outcome(503, "busy", 2, "Ocupado por outro trabalho"),
    SchemaIncomplete: Outcome(503, "schema-incomplete", 2, "O esquema do banco está incompleto"),
    PortTaken: Outcome(503, "port-taken", 2, "A porta já está em uso"),
    Unrecorded: Outcome(503, "unrecorded", 2, "A auditoria não aceitou o registro"),
    SourceError: Outcome(502, "source", 2, "A fonte não entregou"),
    SourceFailed: Outcome(502, "source-failed", 2, "A fonte falhou"),
    NotPublished: Outcome(404, "not-published", 1, "A fonte não publicou"),
    Unreachable: Outcome(502, "unreachable", 2, "Não chegamos à fonte"),
    AddressRefused: Outcome(422, "address-refused", 2, "O endereço não pode ser chamado"),
    ContractBroken: Outcome(422, "contract-broken", 2, "O arquivo não tem o formato combinado"),
    FileRefused: Outcome(422, "file-refused", 2, "O arquivo foi recusado"),
    AlreadyRunning: Outcome(409, "already-running", 1, "Já há uma execução em andamento"),
    Conflict: Outcome(409, "conflict", 64, "A chave já foi usada para outro pedido"),
    LeaseLost: Outcome(409, "lease-lost", 2, "O item passou a outro worker"),
    TimedOut: Outcome(504, "timed-out", 2, "O tempo acabou"),
    Cancelled: Outcome(409, "cancelled", 1, "A execução foi cancelada"),
    NotGuarded: Outcome(412, "not-guarded", 2, "Falta um backup verificado"),
    Tampered: Outcome(500, "tampered", 2, "Bytes guardados foram alterados"),
    NoSpace: Outcome(507, "no-space", 2, "Sem espaço em disco"),
    AtalaiaError: Outcome(500, "internal", 2, "Algo deu errado"),
}


def outcome(error: BaseException) -> Outcome:
    """The outcome of `error`: its own class's, else its nearest ancestor's."""
    for cls in type(error).__mro__:
        if cls in CATALOGUE:
            return CATALOGUE[cls]
    return CATALOGUE[AtalaiaError]
