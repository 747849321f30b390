"""No secret is in the tree, in its fixtures or in its history; and the search would find one."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator

import pytest
from tests.docs.secret_search import found
from tests.docs.test_docs import ROOT, files

_MOST_BYTES = 2_000_000
# What looks like a secret and is none: a made-up one that a test had in it once.
KNOWN = {"sk_live" + "_51H8xXyZabcdef0123456789abcdef"}


def planted() -> dict[str, str]:
    """One fresh secret of each kind, made here so that none stands in this file."""
    letters = "a1B2c3" + secrets.token_urlsafe(48).replace("-", "a").replace("_", "B") + "aB12"
    upper = (secrets.token_hex(10).upper() + "ABCDEFGHIJKLMNOP")[:16]
    return {
        "private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
        "key of ours": f"atl_{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}",
        "AWS": "AKIA" + upper,
        "GitHub": "ghp_" + letters[:36],
        "GitLab": "glpat-" + letters[:20],
        "Slack": "xoxb-" + letters[:24],
        "Google": "AIza" + letters[:35],
        "Stripe": "sk_live" + "_" + letters[:24],
        "npm": "npm_" + letters[:36],
        "PyPI": "pypi-" + letters[:52],
        "JWT": "eyJ" + letters[:20] + ".eyJ" + letters[:30] + "." + letters[:40],
        "key of an AI service": "sk-" + letters[:40],
        "password in an address": f"postgresql://atalaia:{letters[:20]}@db:5432/x",
        "assigned": f'KEY_PEPPER="{letters[:44]}"',
        "random": f"  - {secrets.token_urlsafe(64)}12a3B4",
    }


@pytest.mark.row("R-061")
@pytest.mark.parametrize("turn", range(5))
def test_a_planted_secret_of_each_kind_is_found(turn: int) -> None:
    for kind, secret in planted().items():
        text = f"first line\nx = {secret}\n"
        kinds = {(line, name) for line, name, _ in found(text)}
        assert (2, kind) in kinds or (kind == "assigned" and kinds), (kind, secret)


@pytest.mark.row("R-061")
def test_what_is_no_secret_is_none() -> None:
    for text in (
        "sha256:" + secrets.token_hex(32),
        'integrity "sha512-' + secrets.token_urlsafe(64) + '"',
        "postgresql://atalaia:${POSTGRES_PASSWORD:-atalaia}@db:5432/atalaia",
        "redis://default:{password}@127.0.0.1",
        "token = settings().atalaia_token",
        "https://example.org/a/very/long/path/with/Many/Parts/2019/and/more",
    ):
        assert list(found(text)) == [], text


def suspicious(name: str, content: bytes) -> list[str]:
    if b"\0" in content[:8000] or len(content) > _MOST_BYTES:
        return [f"{name}: private key"] if b"PRIVATE KEY-----" in content else []
    hits = found(content.decode("utf-8", errors="replace"))
    return [f"{name}:{line}: {kind}" for line, kind, what in hits if what not in KNOWN]


@pytest.mark.row("R-061")
def test_no_secret_is_in_the_tree() -> None:
    looked = [path for path in files() if path.is_file()]
    assert len(looked) > 300
    hits = [
        hit for path in looked for hit in suspicious(str(path.relative_to(ROOT)), path.read_bytes())
    ]
    assert hits == []


def blobs() -> Iterator[tuple[str, bytes]]:
    """(name, content) of everything any commit ever had."""
    listed = subprocess.check_output(
        ["git", "-C", str(ROOT), "rev-list", "--objects", "--all"], text=True
    )
    names = dict(line.split(" ", 1) for line in listed.splitlines() if " " in line)
    with subprocess.Popen(
        ["git", "-C", str(ROOT), "cat-file", "--batch"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as reader:  # fmt: skip
        assert reader.stdin
        assert reader.stdout
        for sha, name in names.items():
            reader.stdin.write(f"{sha}\n".encode())
            reader.stdin.flush()
            _, kind, size = reader.stdout.readline().decode().split()
            content = reader.stdout.read(int(size) + 1)[:-1]
            if kind == "blob":
                yield f"{name} ({sha[:8]})", content
        reader.stdin.close()


@pytest.mark.night("access")
@pytest.mark.row("R-061")
@pytest.mark.timeout(600)
def test_no_secret_is_in_the_history() -> None:
    looked, hits = 0, []
    for name, content in blobs():
        looked += 1
        hits += suspicious(name, content)
    assert hits == []
    assert looked > 300
