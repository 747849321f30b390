"""IBGE's data service, in its own formats: localidades v1, malhas v3, agregados v3 and apisidra.

Names and codes are real; regions below the state, shapes and populations are made up. The default
country is small and has every trap of the real one: names that repeat across states, codes whose
last digit is no check digit, a municipality without microrregião, an archipelago, two lagoons,
values that are words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tests.sources.server import Answer, Asked, SourceServer

REGIONS = {"1": "Norte", "2": "Nordeste", "3": "Sudeste", "4": "Sul", "5": "Centro-Oeste"}
STATES = {
    "11": ("RO", "Rondônia"),
    "22": ("PI", "Piauí"),
    "24": ("RN", "Rio Grande do Norte"),
    "25": ("PB", "Paraíba"),
    "26": ("PE", "Pernambuco"),
    "29": ("BA", "Bahia"),
    "31": ("MG", "Minas Gerais"),
    "42": ("SC", "Santa Catarina"),
    "43": ("RS", "Rio Grande do Sul"),
    "51": ("MT", "Mato Grosso"),
    "52": ("GO", "Goiás"),
    "53": ("DF", "Distrito Federal"),
}
MUNICIPALITIES = {
    "1100015": "Alta Floresta D'Oeste",
    "2201903": "Bom Jesus",
    "2201919": "Bom Princípio do Piauí",
    "2201988": "Brejo do Piauí",
    "2202251": "Canavieira",
    "2401701": "Bom Jesus",
    "2502201": "Bom Jesus",
    "2605459": "Fernando de Noronha",
    "2611533": "Quixaba",
    "3106200": "Belo Horizonte",
    "3117836": "Cônego Marinho",
    "3121605": "Diamantina",
    "3152131": "Ponto Chique",
    "4202537": "Bom Jesus",
    "4302303": "Bom Jesus",
    "4305871": "Coronel Barros",
    "5101837": "Boa Esperança do Norte",
    "5106240": "Nova Ubiratã",
    "5203939": "Buriti de Goiás",
    "5203962": "Buritinópolis",
    "5300108": "Brasília",
}
LAGOONS = ("4300001", "4300002")
BAD_CHECK_DIGITS = [
    "2201919",
    "2201988",
    "2202251",
    "2611533",
    "3117836",
    "3152131",
    "4305871",
    "5203939",
    "5203962",
]
WITHOUT_MICROREGION = "5101837"  # younger than the regional division of 2017
ISLANDS = "2605459"


class IbgeServer(SourceServer):
    """The service. Change `names`, `values` or `limit` and it answers accordingly."""

    def __init__(self) -> None:
        super().__init__(self._answers)
        self.names = dict(MUNICIPALITIES)
        self.values: dict[tuple[str, str], str] = {}  # (code, year) → as SIDRA writes it
        self.years = {"2021", "2024", "2025"}  # that have an estimate
        self.limit = 50_000

    def __enter__(self) -> IbgeServer:
        super().__enter__()
        return self

    def _answers(self, asked: Asked) -> Answer | None:
        for pattern, answer in (
            (r"/api/v1/localidades/municipios", self._municipios),
            (r"/api/v1/localidades/municipios/(\d{7})", self._municipio),
            (r"/api/v1/localidades/estados", self._estados),
            (r"/api/v3/malhas/paises/BR", self._malhas),
            (r"/api/v3/agregados/(\d+)/periodos/([^/]+)/variaveis/(\d+)", self._agregados),
            (r"/values/t/(\d+)/n(\d)/all/v/(\d+)/p/(\d+)", self._sidra),
        ):
            found = re.fullmatch(pattern, asked.path)
            if found:
                return answer(asked, *found.groups())
        return None

    # localidades v1

    def _municipios(self, _asked: Asked) -> Answer:
        return Answer.json([self.municipality(code) for code in self.names])

    def _municipio(self, _asked: Asked, code: str) -> Answer | None:
        return Answer.json(self.municipality(code)) if code in self.names else None

    def _estados(self, _asked: Asked) -> Answer:
        return Answer.json([state(code) for code in STATES])

    def municipality(self, code: str) -> dict[str, Any]:
        """A municipality as localidades tells it: codes are numbers, keys have hyphens."""
        place, of = int(code[:2]) * 1000 + 1, state(code[:2])
        meso = {"id": int(code[:2]) * 100 + 1, "nome": f"Mesorregião {code[:2]}", "UF": of}
        micro = {"id": place, "nome": f"Microrregião {place}", "mesorregiao": meso}
        inter = {"id": int(code[:2]) * 100 + 1, "nome": f"Intermediária {code[:2]}", "UF": of}
        return {
            "id": int(code),
            "nome": self.names[code],
            "microrregiao": None if code == WITHOUT_MICROREGION else micro,
            "regiao-imediata": {
                "id": place * 10,
                "nome": f"Imediata {place}",
                "regiao-intermediaria": inter,
            },
        }

    # malhas v3

    def _malhas(self, asked: Asked) -> Answer | None:
        if asked.query.get("intrarregiao") != "municipio":
            return None
        features = [feature(code) for code in (*self.names, *LAGOONS)]
        answer = Answer.json({"type": "FeatureCollection", "features": features})
        return Answer(answer.body, "application/vnd.geo+json")

    # agregados v3

    def _agregados(self, asked: Asked, table: str, period: str, variable: str) -> Answer:
        places = list(self._places(asked.query["localidades"]))
        if len(places) > self.limit:
            return _too_much(len(places), self.limit)
        if period not in self.years and table == "6579":
            return Answer.json([])
        series = [
            {
                "localidade": {
                    "id": code,
                    "nivel": {"id": level, "nome": _LEVELS[level]},
                    "nome": self._title(code, " - "),
                },
                "serie": {period: self.value(code, period)},
            }
            for level, code in places
        ]
        result = {"classificacoes": [], "series": series}
        name = "População residente" + (" estimada" if table == "6579" else "")
        about = {"id": variable, "variavel": name, "unidade": "Pessoas"}
        return Answer.json([{**about, "resultados": [result]}])

    def _places(self, localities: str) -> Iterable[tuple[str, str]]:
        for one in localities.split("|"):
            within = re.fullmatch(r"(N1|N3|N6)\[(?:all|N3\[(\d{2})\])\]", one)
            assert within, f"not a question to agregados v3: {one}"
            level, only = within.groups()
            codes = {"N1": ["1"], "N3": list(STATES), "N6": list(self.names)}[level]
            yield from ((level, code) for code in codes if code.startswith(only or ""))

    def value(self, code: str, year: str) -> str:
        """Made up, the same every time, unless `values` has it."""
        return self.values.get((code, year), str(int(code) % 90_000 + 1_000))

    # apisidra

    def _sidra(self, _asked: Asked, table: str, level: str, variable: str, year: str) -> Answer:
        return Answer.json(self.sidra(table, level, variable, year))

    def sidra(
        self,
        table: str,
        level: str,
        variable: str,
        year: str,
        order: str = "localidade|variável|ano",
    ) -> list[dict[str, str]]:
        """apisidra's rows, row 0 the header; `order` is that of the question's path."""
        assert table in ("6579", "4714")
        title = {"1": "Brasil", "3": "Unidade da Federação", "6": "Município"}[level]
        codes = {"1": ["1"], "3": list(STATES), "6": list(self.names)}[level]
        rows = [_sidra_row(order, "Valor", (title, title), "Variável", "Ano", header=True)]
        for code in codes:
            place = (code, self._title(code, " (") + (")" if level == "6" else ""))
            row = _sidra_row(order, self.value(code, year), place, variable, year)
            rows.append({**row, "NC": level, "NN": title})
        return rows

    def _title(self, code: str, before: str) -> str:
        if len(code) == 7:
            return f"{self.names[code]}{before}{STATES[code[:2]][0]}"
        return STATES[code][1] if code in STATES else "Brasil"


_LEVELS = {"N1": "Brasil", "N3": "Unidade da Federação", "N6": "Município"}


def _too_much(asked: int, limit: int) -> Answer:
    words = f"Quantidade de valores solicitados: {asked} excedeu o limite: {limit}"
    return Answer(words.encode(), "text/plain", 500)


def _sidra_row(
    order: str, value: str, place: tuple[str, str], variable: str, year: str, header: bool = False
) -> dict[str, str]:
    code = " (Código)" if header else ""
    row = {
        "NC": f"Nível Territorial{code}",
        "NN": "Nível Territorial",
        "MC": f"Unidade de Medida{code}" if header else "45",
        "MN": "Unidade de Medida" if header else "Pessoas",
        "V": value,
    }
    dimensions = {
        "localidade": place if not header else (f"{place[0]}{code}", place[1]),
        "variável": (f"{variable}{code}", "Variável" if header else "População"),
        "ano": (f"{year}{code}", year),
    }
    for number, name in enumerate(order.split("|"), start=1):
        row[f"D{number}C"], row[f"D{number}N"] = dimensions[name]
    return row


def state(code: str) -> dict[str, Any]:
    """A state as localidades tells it."""
    letters, name = STATES[code]
    region = {
        "id": int(code[0]),
        "sigla": "SE" if code[0] == "3" else "R",
        "nome": REGIONS[code[0]],
    }
    return {"id": int(code), "sigla": letters, "nome": name, "regiao": region}


def feature(code: str) -> dict[str, Any]:
    """A feature of malhas v3: the code and nothing else; exterior rings counter-clockwise."""
    west, south = -70 + int(code[:2]) / 2, -30 + int(code[2:6]) / 400
    square = [_ring(west, south, 0.2)]
    geometry: dict[str, Any] = {"type": "Polygon", "coordinates": square}
    if code == ISLANDS:
        both = [square, [_ring(west + 1, south, 0.05)]]
        geometry = {"type": "MultiPolygon", "coordinates": both}
    return {"type": "Feature", "geometry": geometry, "properties": {"codarea": code}}


def _ring(west: float, south: float, side: float) -> list[list[float]]:
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]
