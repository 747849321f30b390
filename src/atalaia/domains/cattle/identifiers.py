"""Identifiers a feeding file may carry: SISBOV (the animal), GTA (its transport), CAR (the farm).

SISBOV: 105, the state's IBGE code, nine digits and a check digit (weights 2…9 from the right, sum
mod 11; remainders 0 and 1 give 0). GTA: state, series and number; none of them alone is unique.
CAR: state, IBGE code of the municipality, 32 hexadecimal digits; the state must be the code's own.
"""

from __future__ import annotations

import re

_STATES = {
    "RO": 11, "AC": 12, "AM": 13, "RR": 14, "PA": 15, "AP": 16, "TO": 17, "MA": 21, "PI": 22,
    "CE": 23, "RN": 24, "PB": 25, "PE": 26, "AL": 27, "SE": 28, "BA": 29, "MG": 31, "ES": 32,
    "RJ": 33, "SP": 35, "PR": 41, "SC": 42, "RS": 43, "MS": 50, "MT": 51, "GO": 52, "DF": 53,
}  # fmt: skip
_SISBOV = re.compile(r"105([0-9]{2})[0-9]{9}([0-9])")
_GTA = re.compile(r"([A-Z]{2})[-/ ]?([A-Z]{1,2})[-/ ]?([0-9]{1,7})")
_CAR = re.compile(r"([A-Z]{2})-([0-9]{2})[0-9]{5}-[0-9A-F]{32}")


def sisbov_fault(value: str) -> str | None:
    """What is wrong with a SISBOV number, or None."""
    digits = re.sub(r"[ .-]", "", value)
    if re.fullmatch(r"(076|9[0-9]{2})[0-9]{12}", digits):
        return "é o número de um chip (ISO 11784), não um SISBOV"
    found = _SISBOV.fullmatch(digits)
    if found is None:
        return "não são 15 dígitos que começam por 105"
    if int(found[1]) not in _STATES.values():
        return f"{found[1]} não é o código de um estado"
    if sisbov_digit(digits[:14]) != int(found[2]):
        return "o dígito verificador não confere"
    return None


def sisbov_digit(base: str) -> int:
    """The check digit of the first 14 digits."""
    total = sum(int(digit) * (2 + place % 8) for place, digit in enumerate(reversed(base)))
    rest = total % 11
    return 0 if rest < 2 else 11 - rest


def gta_fault(value: str) -> str | None:
    """What is wrong with a GTA, or None."""
    found = _GTA.fullmatch(value.strip().upper())
    if found is None:
        return "não tem estado, série e número (MS-Q-596380)"
    return None if found[1] in _STATES else f"{found[1]} não é um estado"


def car_fault(value: str) -> str | None:
    """What is wrong with a CAR registration, or None."""
    plain = value.strip().upper()
    state, _, rest = plain.partition("-")
    code, _, digits = rest.partition("-")
    found = _CAR.fullmatch(f"{state}-{code}-{digits.replace('.', '')}")
    if found is None:
        return "não é UF-código-32 dígitos hexadecimais"
    return None if _STATES.get(found[1]) == int(found[2]) else "o estado não é o do código"
