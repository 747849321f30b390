"""The one redactor: what looks like a person's data becomes its kind in brackets.

It is the last net, not the first: lines are made of ids, names of things and counts, an exception
that is not ours is told by its class and place, and what a person typed is not told at all. The
net catches what has a form (CPF, CNPJ, e-mail, phone, card, plate, keys) and what is named
(`nome=…`, `"senha": "…"`); a person's name alone has no form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_GAP = r"(?:[\s.\-/·_–]|\\[nt]|%20|&nbsp;){0,6}"  # between groups of digits
_FOLD = r"(?:\s*(?:\n|\\n)\s*)?"  # a line that ends in the middle of a number


def _grouped(*groups: int) -> str:
    return _GAP.join(_FOLD.join([r"\d"] * count) for count in groups)


def _spaced(count: int) -> str:
    return r"[ .\-]{1,2}".join([r"\d"] * count)


_CNPJ = re.compile(
    rf"(?<![\w.])(?:{_grouped(2, 3, 3, 4, 2)}|{_spaced(14)}"
    r"|[A-Z\d]{2}\.[A-Z\d]{3}\.[A-Z\d]{3}/[A-Z\d]{4}-\d{2})(?![\w])"
)
_CPF = re.compile(rf"(?<![\w])(?:{_grouped(3, 3, 3, 2)}|{_spaced(11)})(?!\w|[.\-]\d)")
_RG = re.compile(r"(?<![\w.])\d{1,2}\.\d{3}\.\d{3}-[\dXx](?!\w)")
_CARD = re.compile(r"(?<![\w\-])\d{4}([ \-])\d{4}\1\d{4}(?:\1\d{1,4})?(?![\w\-])")
_PHONE = re.compile(
    r"(?<![\w\-])(?:(?:\+|00)?55[\s.\-]?)?\(0?[1-9]\d\)\s?9?[\s.\-]?\d{4}[\s.\-]?\d{4}(?!\w)"
    r"|(?<![\w\-])(?:(?:\+|00)55[\s.\-]?)0?[1-9]\d[\s.\-]?9?[\s.\-]?\d{4}[\s.\-]?\d{4}(?!\w)"
    r"|(?<![\w\-])0?[1-9]\d[\s.\-](?:9[\s.\-]?\d{4}[\s.\-]\d{4}|[2-8]\d{3}-\d{4})(?![\w\-])"
    r"|(?<![\w\-])9\d{4}-\d{4}(?![\w\-])"
)
_EMAIL = re.compile(r"[\w.+%\-]{1,64}(?:@|%40)(?:[\w\-]{1,63}\.){1,6}[A-Za-z]{2,24}")
_PLATE = re.compile(r"(?<![\w\-])(?!ISO|RFC|UTF)[A-Z]{3}(?:-\d{4}|\d[A-Z]\d{2}|\d{4})(?![\w\-])")
_KEY = re.compile(r"(?<!\w)(?:atl_[\w\-]{8,}|eyJ[\w\-]{5,}\.[\w\-]{5,}\.[\w\-]*)")
_URL_USER = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)")
_NAMED = (
    r"passwords?|passwd|pwd|senha|secret|segredo|token|api[_-]?key|chave|authorization|cookie|"
    r"cpf|cnpj|rg|identidade|cnh|pis|nis|t[ií]tulo(?:[ _](?:de[ _])?eleitor(?:al)?)?|voter_?id|"
    r"nome|nome_completo|full_?name|e-?mail|telefone|celular|phone|endere[cç]o|address|"
    r"data_nascimento|nascimento|birth_?date|placa|plate|nota|grade|conta|ag[eê]ncia|iban|pix"
)
_VALUE = re.compile(
    rf"(?i)(?<![a-z])({_NAMED})((?:\\?[\"'])?\s*[:=]\s*)"
    r"(\\?\"(?:[^\"\\]|\\[^\"])*\\?\"|'[^']*'|(?:bearer\s+|basic\s+)?[^\s,;&}\]\"']+)"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=\-]{6,}")
_PERSONAL = re.compile(rf"(?i)(?:{_NAMED}|payload|body|query)")
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def redact(text: str) -> str:
    """`text` with what identifies a person, or opens a door, replaced by `[kind]`."""
    if not text or _ID.fullmatch(text):
        return text
    text = _KEY.sub("[chave]", _URL_USER.sub("[senha]", text))
    text = _VALUE.sub(r"\1\2[dado]", text)
    text = _BEARER.sub(r"\1 [chave]", text)
    text = _EMAIL.sub("[e-mail]", text)
    text = _CNPJ.sub("[cnpj]", text)
    text = _CARD.sub("[cartão]", text)
    text = _PHONE.sub("[telefone]", text)
    text = _CPF.sub("[cpf]", text)
    return _PLATE.sub("[placa]", _RG.sub("[rg]", text))


def redacted(value: Any, name: str = "") -> Any:
    """`value` with every text in it redacted; whole when `name` says that it is personal. A field
    that is a number was counted or measured by us, and stays."""
    if name and _PERSONAL.fullmatch(name):
        return "[dado]"
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(str(key)): redacted(one, str(key)) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(one) for one in value]
    return value


def place_of(error: BaseException) -> str:
    """Class and place of an error: no message, which may hold what a person typed."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    if not place:
        return type(error).__name__
    code = place.tb_frame.f_code
    return f"{type(error).__name__} in {code.co_qualname}:{place.tb_lineno}"
