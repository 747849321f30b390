"""One attempt to tell a mailbox: a message nobody can put a header into, by SMTP or Amazon SES.

The server is the operator's own choice (SMTP_HOST), so it may be inside the house; nothing that an
event says is looked up or connected to.
"""

from __future__ import annotations

import html
import re
import smtplib
import socket
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.tell.queue import Delivery
from atalaia.kernel.tell.schedule import Outcome

_MAILBOX = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}"
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LONGEST_SUBJECT = 150


def checked_mailbox(address: str) -> str:
    """`address`, if it is one plain mailbox. Raises UsageError: nothing that could be a header, a
    second address or a path to a program."""
    local = address.partition("@")[0]
    odd = ".." in local or "=?" in local or local.startswith(".")
    if len(address) > 254 or not _MAILBOX.fullmatch(address) or odd:
        raise UsageError("Não é um endereço de e-mail. Nada foi mudado.", todo="Assim: a@b.gov.br.")
    return address


def message(delivery: Delivery) -> EmailMessage:
    """The e-mail, in plain text and in HTML that shows it as typed. It is the same in every
    attempt, its Message-ID too, so that a mailbox can tell a repetition."""
    lines = _lines(delivery)
    made = EmailMessage(policy=SMTP)
    made["Subject"] = f"[Atalaia] {_subject(_title(delivery))}"
    made["From"] = _sender()
    made["To"] = Address(addr_spec=checked_mailbox(delivery.address))
    made["Date"] = format_datetime(delivery.happened_at)
    domain = _sender().rpartition("@")[2]
    made["Message-ID"] = f"<{delivery.event_id}.{delivery.channel_id}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content("\n".join(lines) + "\n")
    shown = "<br>\n".join(html.escape(line) for line in lines)
    made.add_alternative(f"<!doctype html>\n<html lang=pt-BR><p>{shown}</p></html>\n", "html")
    return made


def _title(delivery: Delivery) -> str:
    return str(delivery.data.get("title") or delivery.event_type)


def _lines(delivery: Delivery) -> list[str]:
    """What is told, one line each: title, text, then every other field by its name."""
    data = {name: value for name, value in delivery.data.items() if name not in ("title", "text")}
    text = str(delivery.data.get("text") or "").splitlines()
    told = [f"{_line(name)}: {_line(str(value))}" for name, value in data.items()]
    when = f"{delivery.event_type} · {delivery.happened_at:%Y-%m-%d %H:%M:%S} UTC"
    return [_line(_title(delivery)), *map(_line, text), "", *told, "", when]


def _line(text: str) -> str:
    """One line, whatever was in it: a line's end is a blank."""
    return _UNPRINTABLE.sub(" ", text).strip()


def _subject(title: str) -> str:
    """One line without encoded words: the library would decode one, and a line's end inside it
    would end the header."""
    return _line(title).replace("=?", "= ?")[:_LONGEST_SUBJECT]


def _sender() -> str:
    return checked_mailbox(settings().ses_sender_email or settings().smtp_from)


def send(delivery: Delivery) -> Outcome:
    """Send it once. Never raises for what a server or a network does."""
    try:
        made = message(delivery)
    except (UsageError, MessageError, ValueError):
        return Outcome(error="not_configured" if not _can_send() else "address_refused",
                       fault="ours")  # fmt: skip
    if settings().ses_sender_email:
        return _by_ses(made)
    return _by_smtp(made) if settings().smtp_host else Outcome(error="not_configured", fault="ours")


def _can_send() -> bool:
    try:
        return bool(_sender())
    except UsageError:
        return False


def _by_smtp(made: EmailMessage) -> Outcome:
    try:
        with _server() as server:
            if settings().smtp_user:
                server.login(settings().smtp_user, settings().smtp_password)
            server.send_message(made)
    except smtplib.SMTPException as error:
        return _refused(error)
    except socket.gaierror:
        return Outcome(error="unreachable", fault="network")
    except ssl.SSLError:
        return Outcome(error="certificate", fault="recipient")
    except TimeoutError:
        return Outcome(error="timeout", fault="recipient")
    except OSError:
        return Outcome(error="connection", fault="recipient")
    return Outcome(250)


def _server() -> smtplib.SMTP:
    """A session with the server, under TLS unless the settings say otherwise."""
    host, port, wait = (
        settings().smtp_host,
        settings().smtp_port,
        settings().webhook_timeout_seconds,
    )
    if settings().smtp_security == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=wait, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port, timeout=wait)
    if settings().smtp_security == "starttls":
        try:
            server.starttls(context=ssl.create_default_context())
        except BaseException:
            server.close()
            raise
    return server


def _refused(error: smtplib.SMTPException) -> Outcome:
    """What a server's no means: 5xx about this mailbox or message will not pass (a bounce), 4xx
    may; a no to who we are is ours to mend."""
    code: int
    said: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, said = error.smtp_code, error.smtp_error
    else:  # it hung up, or speaks no STARTTLS
        return Outcome(error=type(error).__name__, fault="recipient")
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPSenderRefused):
        return Outcome(code, f"smtp_{code}", "ours", text)
    bounced = 500 <= code < 600 and not isinstance(
        error, smtplib.SMTPConnectError | smtplib.SMTPHeloError
    )
    return Outcome(code, f"smtp_{code}", "recipient", text, final=bounced)


def _by_ses(made: EmailMessage) -> Outcome:
    try:
        import boto3  # type: ignore[import-not-found]
        from botocore.exceptions import (  # type: ignore[import-not-found]
            BotoCoreError,
            ClientError,
        )
    except ImportError:
        return Outcome(error="not_configured", fault="ours", answer="boto3 não está instalado")
    try:
        client: Any = boto3.client("sesv2")
        client.send_email(Content={"Raw": {"Data": made.as_bytes()}})
    except ClientError as error:
        return _refused_by_ses(error.response)
    except BotoCoreError as error:
        return Outcome(error=type(error).__name__, fault="network")
    return Outcome(200)


def _refused_by_ses(response: dict[str, Any]) -> Outcome:
    code = str(response.get("Error", {}).get("Code", "unknown"))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) or None
    bounced = code in ("MessageRejected", "BadRequestException")
    ours = code in ("MailFromDomainNotVerifiedException", "AccessDeniedException")
    return Outcome(status, f"ses_{code}"[:80], "ours" if ours else "recipient", final=bounced)
