"""Addresses: nothing inside is reached, however it is written, named or redirected to."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import PEPPER
from tests.kernel.base import ground

import atalaia
from atalaia.kernel.base.address import is_public, look_up, place, require_open
from atalaia.kernel.base.errors import AddressRefused, Unreachable

ROOT = Path(__file__).resolve().parents[3]
# Who may open a connection, and why.
_DOORS = {
    "kernel/base/outbound.py": "the client",
    "kernel/base/transport.py": "its connections",
    "kernel/base/ftp.py": "its FTP",
    "kernel/tell/mail.py": "speaks to the server of SMTP_HOST, and to no other",
    "kernel/base/address.py": "its look-up",
    "kernel/ai/service.py": "takes an address apart; asks by the client",
    "serve/local/parts.py": "asks our own API whether it is up",
    "serve/local/process.py": "looks for a free port",
}
_OPENERS = {
    "httpx", "httpcore", "requests", "urllib3", "urllib.request", "http.client", "ftplib",
    "aiohttp", "smtplib", "telnetlib", "socketserver", "websockets", "pycurl", "asyncssh",
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the outbound client did in a network of its own, with a DNS of its own."""
    names = tmp_path_factory.mktemp("names") / "resolv.conf"
    names.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", encoding="ascii")
    inside = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
    unshare = ["unshare", "--map-root-user", "--net", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces here")
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    done = subprocess.run(
        [*unshare, "sh", "-c", inside, str(names), sys.executable, "-m", ground.__name__],
        cwd=ROOT,
        env={**clean, "KEY_PEPPER": PEPPER, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.row("R-072")
def test_no_spelling_name_or_redirect_leads_inside(house: dict[str, Any]) -> None:
    assert house["urls"] >= 200
    assert house["canaries"] >= 10, "the canaries sing when somebody does come"
    assert (house["public_before"], house["public_after"]) == ("public", "public")
    assert house["reached"] == {
        name: [] for name in (*ground.FIELDS, *ground.WEBHOOKS, "turning", "webhook turning")
    }
    tried: dict[str, dict[str, int]] = house["tried"]
    assert set(tried["address"]) <= {"AddressRefused", "Unreachable"}
    assert set(tried["redirect"]) <= {"AddressRefused", "Unreachable", "SourceFailed", "public"}
    assert tried["redirect"].get("public", 0) <= 1  # `//host/path` is a path of the same machine
    assert set(tried["redirect nobody asked for"]) == {"SourceFailed"}


@pytest.mark.row("R-044", "R-072")
def test_no_webhook_leads_inside_when_it_is_kept_or_when_it_is_sent(house: dict[str, Any]) -> None:
    assert house["urls"] >= 200
    assert [house["reached"][field] for field in ground.WEBHOOKS] == [[], [], []]
    kept, sent, openly = (house["tried"][field] for field in ground.WEBHOOKS)
    # A name that nobody knows is kept: an attempt will say whether it leads anywhere.
    assert set(kept) <= {"AddressRefused", "kept"}
    assert kept["AddressRefused"] >= 200
    assert set(sent) <= {"address_refused", "unreachable", "certificate"}
    assert sent.get("certificate", 0) <= 1  # under TLS, public.test:443 is where it should lead
    assert set(openly) == {"address_refused"}, "nothing is sent in the open"
    assert house["webhook public"] == ["kept", "certificate"], "the public one is reached"
    assert house["webhook reached"] == [[ground.PUBLIC, 443]]
    turning = house["webhook turning"]
    assert turning.count("certificate") == 5, "once each: then the name led inside"
    assert set(turning) == {"certificate", "address_refused"}


@pytest.mark.row("R-072")
def test_a_name_that_turns_inside_is_not_followed_there(house: dict[str, Any]) -> None:
    turning: list[str] = house["turning"]
    assert turning.count("public") >= 10, "what it led to when it was looked up was reached"
    assert set(turning) <= {"public", "AddressRefused"}


@pytest.mark.row("R-072")
def test_nothing_else_opens_a_connection() -> None:
    package = Path(atalaia.__file__).parent
    opening = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if _opens(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert opening == set(_DOORS)


def _opens(tree: ast.AST) -> bool:
    """Whether a module imports what connects, or does more with `socket` than ask its own name."""
    imported, harmless = set(), True
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            harmless &= node.value.id != "socket" or node.attr == "gethostname"
    sockets = "socket" in imported and not harmless
    from_socket = any(name.startswith("socket.") for name in imported)
    dynamic = any(
        isinstance(node, ast.Constant) and node.value in _OPENERS for node in ast.walk(tree)
    ) and any(isinstance(n, ast.Name) and n.id == "import_module" for n in ast.walk(tree))
    known = {
        name
        for name in imported
        for opener in _OPENERS
        if name == opener or name.startswith(f"{opener}.")
    }
    return bool(known) or sockets or from_socket or dynamic


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True), ("2606:4700:4700::1111", True), ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True), ("2002:808:808::1", True), ("200.152.38.155", True),
        ("127.0.0.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("168.63.129.16", False), ("192.0.0.192", False), ("224.0.0.1", False),
        ("255.255.255.255", False), ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
        ("fe80::1", False), ("fd00::1", False), ("ff02::1", False), ("::", False),
    ],
)  # fmt: skip
def test_whose_address_it_is(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("url", ["https://servicodados.ibge.gov.br/a", "http://a.gov.br:8080"])
def test_a_public_address_is_where_it_says(url: str) -> None:
    found = place(url)
    require_open(found)
    assert found.host in url


def test_names_are_one_however_written() -> None:
    assert place("HTTPS://Serviços.gov.BR./x") == place("https://xn--servios-yxa.gov.br:443/y")


def test_a_name_that_leads_nowhere() -> None:
    with pytest.raises(Unreachable):
        look_up("no-such-host.invalid", 80, 5, inside=False)
    with pytest.raises(AddressRefused):
        look_up("localhost", 80, 5, inside=False)
    assert look_up("localhost", 80, 5, inside=True)
