"""The five layouts of feeding software: their columns, what each must hold, and their tables."""

from __future__ import annotations

from dataclasses import dataclass, field

from atalaia.domains.cattle import limits
from atalaia.kernel.ingest.connector import Table
from atalaia.kernel.ingest.contract import Column, Contract, Type, Written

DATASET = "linha"  # in dead letters: 'linha:17' is the 17th row of its file
_TIME = r"^([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"
_SQL: dict[Type, str] = {
    "text": "text",
    "integer": "integer",
    "number": "numeric",
    "date": "date",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a layout. `aliases` are other headers it comes under; `told` ones are in the file
    but not in the table: they are recomputed. A `made` one is in the table only."""

    name: str
    column: Column = field(default_factory=Column)
    aliases: tuple[str, ...] = ()
    required: bool = False  # the file must have it
    told: bool = False
    made: bool = False
    sql: str = ""

    @property
    def sql_type(self) -> str:
        """Its type as the catalog spells it."""
        return self.sql or _SQL[self.column.type]


@dataclass(frozen=True, slots=True)
class Layout:
    """One of the five: `number` is the vendor's, `key` what makes a row the same row."""

    name: str
    number: str
    title: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def read(self) -> dict[str, Field]:
        """What may stand in a file, by name."""
        return {one.name: one for one in self.fields if not one.made}

    @property
    def required(self) -> frozenset[str]:
        """What a file must have."""
        return frozenset(one.name for one in self.fields if one.required)

    def contract(self, written: Written | None = None) -> Contract:
        """What a file agreed to, written in its way."""
        columns = {name: one.column for name, one in self.read.items()}
        return Contract(version=1, datasets={DATASET: columns}, written=written)

    def table(self, tenant_id: str = "", file_seq: int = 0) -> Table:
        """Its table, as the rows of one file go into it."""
        types = {one.name: one.sql_type for one in self.fields if not one.told}
        fixed = {"tenant_id": tenant_id, "file_seq": str(file_seq)}
        return Table(
            name=f"etl.{self.name}",
            types={"tenant_id": "text", **types, "file_row": "integer", "file_seq": "bigint"},
            key=("tenant_id", *self.key),
            constants=fixed,
            place="file_row",
            newest_by="file_seq",
            near="data",
        )


def _text(name: str, *aliases: str, required: bool = False) -> Field:
    return Field(name, Column(required=required), aliases, required=required)


def _kg(name: str, *aliases: str, required: bool = False, most: float | None = None) -> Field:
    column = Column("number", required=required, minimum=0, maximum=most)
    return Field(name, column, aliases, required=required)


def _weight(name: str, *aliases: str) -> Field:
    least, most = limits.span("rows", "weight_kg")
    return Field(name, Column("number", required=False, minimum=least, maximum=most), aliases)


def _percent(name: str, *aliases: str, required: bool = False) -> Field:
    column = Column("number", required=required, minimum=0, maximum=100)
    return Field(name, column, aliases, required=required)


def _count(name: str, *aliases: str, required: bool = False) -> Field:
    column = Column("integer", required=required, minimum=0, maximum=1_000_000)
    return Field(name, column, aliases, required=required)


_LEAST_GAIN, _MOST_GAIN = limits.span("rows", "gain_kg_per_day")
DATA = Field("data", Column("date"), ("dt", "dia", "data do trato"), required=True)
HORA = Field(
    "hora", Column(pattern=_TIME), ("hr", "horario", "hora do trato"), required=True,
    sql="time without time zone",
)  # fmt: skip
CURRAL = _text("curral", "baia", "piquete", "pen", "cod curral", "curral codigo", required=True)
LOTE = _text("lote", "cod lote", "lote codigo", "n lote", required=True)
TRATO = _text("trato", "n trato", "numero do trato", "nr trato", required=True)
CARREGAMENTO = _text(
    "carregamento", "n carregamento", "numero carregamento", "nr carregamento", "carga",
    "n do carregamento", required=True,
)  # fmt: skip
INGREDIENTE = _text("ingrediente", "insumo", "alimento", "nome ingrediente", required=True)
DIETA = _text("dieta", "racao", "nome dieta", "formula")
SEXO = _text("sexo")
QTD = _count(
    "qtd_animais", "qtd animais", "quantidade animais", "animais", "cabecas", "n animais", "qtde",
    "qtd cabecas", "qtde animais", "quantidade de animais",
)  # fmt: skip
PREVISTO = _kg(
    "previsto_kg", "previsto", "kg previsto", "peso previsto", "programado kg", required=True
)
REALIZADO = _kg(
    "realizado_kg", "realizado", "kg realizado", "peso realizado", "fornecido kg", required=True
)
_LOOSE = Column("number", required=False)
TOLD_KG = Field(
    "desvio_kg_lido", _LOOSE,
    ("desvio kg", "diferenca kg", "diferenca", "dif kg"), told=True,
)  # fmt: skip
TOLD_PC = Field(
    "desvio_pc_lido", _LOOSE,
    ("desvio pc", "desvio percentual", "perc desvio", "desvio perc"), told=True,
)  # fmt: skip
TOLD_STATUS = Field("status_lido", Column(required=False), ("status", "situacao"), told=True)
MADE = (
    Field("desvio_kg", Column("number"), made=True),
    Field("desvio_pc", Column("number", required=False), made=True),
    Field("status", Column(required=False), made=True),
)
CARGA = _kg("carga_kg", "carga kg", "total carga", "peso da carga", "total kg", "peso total")
IDENTIFIERS = (
    _text("sisbov", "n sisbov", "numero sisbov"),
    _text("gta", "n gta", "numero gta"),
    _text("car", "n car", "numero car", "cadastro ambiental rural"),
)

LAYOUTS = (
    Layout(
        "historico_consumo", "01", "Histórico de consumo", ("data", "curral", "lote"),
        (
            DATA, CURRAL, LOTE,
            _text("raca"), SEXO, _text("grupo_genetico", "grupo genetico"), _text("setor", "linha"),
            DIETA,
            Field("escore_cocho", Column("number", required=False, minimum=-1, maximum=5),
                  ("escore cocho", "escore de cocho", "leitura de cocho", "nota de cocho")),
            _count("qtd_animais", *QTD.aliases, required=True),
            _weight("peso_entrada_kg", "peso entrada", "peso de entrada"),
            _weight("peso_estimado_kg", "peso estimado", "peso atual", "peso medio estimado"),
            _count("dias_confinados", "dias confinados", "dias de confinamento", "dias cocho"),
            _kg("consumo_mn_kg", "consumo mn", "consumo materia natural", "cmn"),
            _kg("consumo_ms_kg", "consumo ms", "consumo materia seca", "cms"),
            _kg("cms_previsto_kg", "cms previsto", "cms previsto kg"),
            _kg("cms_realizado_kg", "cms realizado", "cms realizado kg"),
            _percent("cms_pv_pc", "cms pv", "cms pc pv", "cms perc pv", "cms do pv", "cms pv perc"),
            Field("gmd_kg", Column("number", required=False, minimum=_LEAST_GAIN,
                                   maximum=_MOST_GAIN),
                  ("gmd", "ganho medio diario", "gmd kg dia")),
            _text("movimento", "movimentacao", "entrada saida"),
            *IDENTIFIERS,
        ),
    ),
    Layout(
        "desvio_carregamento", "02", "Desvio de carregamento",
        ("data", "vagao", "carregamento", "ingrediente", "hora"),
        (
            DATA, HORA, _text("vagao", "vagao codigo", "equipamento", "vagao n", required=True),
            CARREGAMENTO, INGREDIENTE, _text("pazeiro", "operador", "operador pa", "carregador"),
            DIETA, _text("tipo", "tipo ingrediente"), PREVISTO, REALIZADO,
            TOLD_KG, TOLD_PC, TOLD_STATUS, *MADE, CARGA,
        ),
    ),
    Layout(
        "desvio_distribuicao", "03", "Desvio de distribuição", ("data", "curral", "trato", "hora"),
        (DATA, HORA, TRATO, CURRAL, DIETA, PREVISTO, REALIZADO, TOLD_KG, TOLD_PC, TOLD_STATUS,
         *MADE),
    ),
    Layout(
        "itens_trato", "04", "Itens de trato", ("data", "carregamento", "ingrediente"),
        (
            DATA, CARREGAMENTO, INGREDIENTE, _text("vagao", "equipamento"), DIETA, REALIZADO,
            _percent("ms_pc", "ms", "perc ms", "pc ms", "materia seca", "ms perc", required=True),
            _percent("ndt_pc", "ndt", "perc ndt", "pc ndt", "ndt perc"), CARGA,
        ),
    ),
    Layout(
        "trato_curral", "05", "Trato por curral", ("data", "curral", "lote", "trato"),
        (DATA, TRATO, CURRAL, LOTE, SEXO, QTD, DIETA, PREVISTO, REALIZADO, TOLD_KG, TOLD_PC,
         TOLD_STATUS, *MADE, *IDENTIFIERS),
    ),
)  # fmt: skip
BY_NAME = {one.name: one for one in LAYOUTS}
