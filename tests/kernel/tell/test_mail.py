"""E-mail to a real SMTP server that goes away, refuses and is attacked; nothing is lost."""

from __future__ import annotations

import email
import email.policy
import random
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.conftest import PEPPER, forget_settings
from tests.kernel.tell.house import (
    QUICK,
    attempts,
    do,
    happened,
    made,
    rows,
    sending,
    settled,
    statuses,
    until,
)  # fmt: skip

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.keep.keys import Who
from atalaia.kernel.tell import channels
from atalaia.kernel.tell.mail import checked_mailbox
from atalaia.kernel.tell.schedule import Policy


class Post:
    """The server's side: what it took, and what it answers to whom."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.refuse: dict[str, str] = {}  # mailbox → answer to RCPT
        self.refuse_data = ""
        self._lock = threading.Lock()

    def open_at(self, port: int) -> None:
        """Be there."""
        self._controller = Controller(self, hostname="127.0.0.1", port=port)
        self._controller.start()

    def open_again(self) -> None:
        """Be there again, where it was."""
        self.open_at(self._controller.port)

    def close(self) -> None:
        """Be away."""
        self._controller.stop()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Yes, or what was ordered."""
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Keep it."""
        if self.refuse_data:
            return self.refuse_data
        content = envelope.content
        assert isinstance(content, bytes)
        read = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        with self._lock:
            self.taken += [(one, read) for one in envelope.rcpt_tos]
        return "250 taken"


@pytest.fixture
def post(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Post]:
    """A server of our own that house e-mail goes to."""
    handler = Post()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    handler.open_at(port)
    for name, value in {
        "SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(port), "SMTP_SECURITY": "none",
        "SMTP_FROM": "avisos@atalaia.example", "KEY_PEPPER": PEPPER,
        "WEBHOOK_TIMEOUT_SECONDS": "5",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    forget_settings()
    yield handler
    handler.close()
    forget_settings()


SAMPLE = Policy(delays=(0.2,) * 9, poll_seconds=0.2)
_OURS = {
    "subject", "from", "to", "date", "message-id", "auto-submitted", "mime-version", "content-type",
}  # fmt: skip
INJECTIONS = (
    "a\r\nBcc: victim@x.example", "a\nBcc: victim@x.example", "a\rBcc: victim@x.example",
    "a\r\n\r\n<script>alert(1)</script>", "a\u2028Bcc: victim@x.example", "a\x85Bcc: v@x.example",
    "a\x0bBcc: v@x.example", "a\x0cBcc: v@x.example", "=?utf-8?q?a=0D=0ABcc:_v=40x.example?=",
    "a\r\n.\r\nMAIL FROM:<x@y.example>", "ção" * 200, "\ud83d\ude00 x", "a\r\n Bcc: v@x.example",
)  # fmt: skip


@pytest.mark.row("R-045")
@pytest.mark.parametrize(
    ("mails", "injected"),
    [
        (100, 26),
        pytest.param(1000, 260, marks=[pytest.mark.night("webhooks-2"), pytest.mark.timeout(900)]),
    ],
)
def test_a_server_that_was_away_an_hour_gets_everything_once_it_is_back(
    post: Post, mails: int, injected: int
) -> None:
    """The hour is moved by making what waits due; no announcement waited for any of it."""
    made("ana", "ana@x.example", "toy.*", kind="email")
    post.close()
    for number in range(mails - injected):
        happened(title=f"aviso {number}", n=number)
    chance = random.Random(45)  # noqa: S311
    for number in range(injected):
        bad = INJECTIONS[number % len(INJECTIONS)].encode("utf-8", "replace").decode()
        happened(title=bad, text=bad, n=chance.random(), **{"a\nBcc": bad})
    hour = Policy(delays=(3600.0,) * 9, per_channel=16, poll_seconds=0.2)
    with sending(hour):
        until(lambda: len(attempts()) >= 3)
        assert {row["fault"] for row in attempts()} == {"recipient"}
        assert {row["error"] for row in attempts()} == {"connection"}
        post.open_again()
        until(lambda: _moved() or settled(), seconds=300)
        until(lambda: _moved() >= 0 and settled(), seconds=300)
    assert statuses() == {"delivered": mails}
    assert len({read["Message-ID"] for _, read in post.taken}) == mails
    assert {to for to, _ in post.taken} == {"ana@x.example"}
    for _, read in post.taken:
        assert {name.lower() for name in read} <= _OURS, "a header of somebody else's"
        assert str(read["From"]) == "avisos@atalaia.example"
        assert str(read["To"]) == "ana@x.example"


def _moved() -> int:
    """An hour passes."""
    return do(
        """UPDATE ops.deliveries SET due_at = clock_timestamp()
           WHERE status = 'waiting' AND due_at > clock_timestamp()"""
    )


@pytest.mark.row("R-045")
def test_a_bounce_ends_a_delivery_and_a_maybe_does_not(post: Post) -> None:
    for name in ("gone", "full", "well"):
        made(name, f"{name}@x.example", "toy.*", kind="email")
    made("watch", "watch@x.example", "delivery.failed", kind="email")
    post.refuse = {
        "gone@x.example": "550 5.1.1 no such user gone@x.example",
        "full@x.example": "452 4.2.2 mailbox full",
    }
    with sending(SAMPLE):
        happened("toy.made", n=1)
        until(lambda: len([row for row in attempts() if row["status_code"] == 452]) >= 2)
        post.refuse.pop("full@x.example")
        until(settled)
    found = rows(
        """SELECT c.name, e.event_type, d.status::text, d.reason FROM ops.deliveries d
           JOIN ops.channels c USING (channel_id) JOIN ops.events e USING (event_id)
           WHERE e.event_type = 'toy.made' ORDER BY c.name"""
    )
    assert [(row["name"], row["status"]) for row in found] == [
        ("full", "delivered"), ("gone", "failed"), ("well", "delivered")
    ]  # fmt: skip
    assert found[1]["reason"] == "recusada de vez: smtp_550"
    (bounce,) = [row for row in attempts() if row["status_code"] == 550]
    assert bounce["answer"] == "5.1.1 no such user [e-mail]"
    assert bounce["fault"] == "recipient"
    told = [to for to, read in post.taken if "delivery.failed" in read.as_string()]
    assert "watch@x.example" in told


def test_a_message_says_what_happened_and_shows_html_as_typed(
    post: Post,
) -> None:
    made("ana", "ana@x.example", kind="email")
    with sending(SAMPLE):
        happened(
            "alert.opened", title="Fonte parada: {{7*7}}", text="<script>x</script>\n<img src=a>",
            source="IBGE",
        )  # fmt: skip
        until(settled)
    ((_, read),) = post.taken
    assert read["Subject"] == "[Atalaia] Fonte parada: {{7*7}}"
    plain, page = read.get_body(("plain",)), read.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert "<script>x</script>" in plain.get_content()
    assert "source: IBGE" in plain.get_content()
    assert "alert.opened · " in plain.get_content()
    shown = page.get_content()
    assert "&lt;script&gt;x&lt;/script&gt;" in shown
    assert "<script" not in shown
    assert "<img" not in shown


BAD = (
    "", "a", "a@", "@b.example", "a b@x.example", "a@x", "a@@x.example", "a@x.example,b@x.example",
    "a@x.example\r\nBcc: b@x.example", "a@x.example\n", "<a@x.example>", "Ana <a@x.example>",
    "a@x.example;b@y.example", "a@x..example", ".a@x.example", "a..b@x.example", '"a b"@x.example',
    "a@[127.0.0.1]", "a@x.example\x00", "ä@x.example", "a@ä.example", "a@x.example ",
    " a@x.example",
    f"{'a' * 65}@x.example", f"a@{'b' * 64}.example", f"a@{'b.' * 130}example", "a\t@x.example",
    "a@x.example\u2028b", "|sh@x.example\n", "a(comment)@x.example", "a@x.example(comment)",
    "a@x_.example", "a@x.1", "a:b@x.example", "a\\@x.example", "postmaster", "a@localhost",
    "a@x.example%0d%0aBcc:b", "a@x.example\r", "a@x.example\x0b", "a@x.example\x1f",
    "[a]@x.example",
    "a@x.example>", "a@.example", "a@x.", "a@-", "mailto:a@x.example", "a@x.example?bcc=b",
    "=?utf-8?q?a=0D=0ABcc?=@x.example", "a@x.example/../b", "a,@x.example",
)  # fmt: skip


@pytest.mark.row("R-045")
def test_who_complains_is_sent_nothing_more(post: Post) -> None:
    """What a provider reports, an operator carries out; the reason is kept."""
    complains = made("ana", "ana@x.example", kind="email").channel["channel_id"]
    made("rui", "rui@x.example", kind="email")
    who = Who("bia", "cli", "marcou como spam")
    with sending(QUICK):
        happened(n=1)
        until(lambda: len(post.taken) == 2)
        with transaction() as connection:
            channels.disable(connection, "email", complains, tenant="default", who=who)
        happened(n=2)
        until(lambda: len(post.taken) == 3 and settled())
    assert sorted(to for to, _ in post.taken) == ["ana@x.example", "rui@x.example", "rui@x.example"]
    recorded = rows("SELECT actor, reason FROM ops.audit_log WHERE reason = 'marcou como spam'")
    assert recorded == [{"actor": "bia", "reason": "marcou como spam"}]


@pytest.mark.row("R-045")
@pytest.mark.usefixtures("database")
def test_fifty_bad_addresses_are_refused_when_they_are_said() -> None:
    assert len(set(BAD)) >= 50
    for bad in BAD:
        with pytest.raises(UsageError):
            made("x", bad, kind="email")
    assert rows("SELECT FROM ops.channels") == []
    for good in ("a@x.example", "ana.maria+avisos@sub.x.gov.br", "o'neil@x.example"):
        assert checked_mailbox(good) == good


@pytest.mark.usefixtures("database")
def test_without_a_server_a_mail_waits_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_HOST", "")
    forget_settings()
    made("ana", "ana@x.example", kind="email")
    happened(n=1)
    with sending(QUICK):
        until(lambda: statuses().get("exhausted") == 1)
    assert {(row["error"], row["fault"]) for row in attempts()} == {("not_configured", "ours")}
    forget_settings()
