"""The shape of every answer, for OpenAPI. Answers are sent as the database and `service` made them;
a test holds each one against its model here, so neither can change without the other.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Literal["municipality", "state", "country"]
PeriodKind = Literal["year", "month", "window"]
Verdict = Literal["we_failed", "source_failed", "not_published"]
Number = int | float


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IndicatorWords(_Answer):
    name: str
    unit: str
    theme: str
    source: str
    note: str
    coverage_note: str | None
    license: str


class Indicator(_Answer):
    code: str
    name: str
    unit: str
    theme: str
    polarity: Literal["higher_is_better", "lower_is_better", "neutral"]
    source: str
    dataset: str
    decimals: int
    scale: Literal["sequential", "diverging"]
    center: Number | None
    levels: list[Level]
    periods: list[str]
    period_kind: PeriodKind
    classes: Annotated[list[Number], Field(description="edges, at the first level drawn")]
    classes_by_level: dict[str, list[Number]]
    ranked: bool
    unranked_years: Annotated[list[str], Field(description="no period of these bears a rank")]
    note: str
    coverage_note: str | None
    partial_periods: dict[str, str]
    license: str
    fetched_at: str | None
    cumulative: Annotated[bool, Field(description="the parts add up to the whole")]
    en: IndicatorWords


class Indicators(_Answer):
    items: list[Indicator]
    count: int
    data_version: int


class Source(_Answer):
    name: str
    dataset: str
    license: str
    fetched_at: str | None
    note: str | None


class MapValue(_Answer):
    territory_id: str
    value: Number | None
    note: str | None = None
    coverage: Number | None = None


class Missing(_Answer):
    reason: str
    verdict: Verdict


class Choropleth(_Answer):
    indicator: str
    period: str
    level: Level
    unit: str
    data_version: int
    count: int
    classes: list[Number]
    source: Source
    missing: Missing | None = None
    items: list[MapValue]


class ShapeProperties(_Answer):
    id: str
    kind: Literal["municipality", "water", "state", "country"]


class Geometry(_Answer):
    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[Any]


class Shape(_Answer):
    type: Literal["Feature"]
    properties: ShapeProperties
    geometry: Geometry


class Shapes(_Answer):
    type: Literal["FeatureCollection"]
    features: list[Shape]


class Territory(_Answer):
    territory_id: str
    level: str
    name: str
    uf: str | None
    parent_id: str | None
    has_mesh: bool
    valid_from: str | None
    valid_to: str | None


class Territories(_Answer):
    items: list[Territory]
    count: Annotated[int, Field(description="on this page")]
    total: Annotated[int, Field(description="that fit the filters")]
    page: int
    page_size: int


class TerritoryIndex(_Answer):
    columns: list[str]
    rows: list[tuple[str, str, str | None, bool]]


class Point(_Answer):
    period: str
    value: Number | None


class ProfileIndicator(_Answer):
    code: str
    name: str
    unit: str
    theme: str
    period: str
    value: Number | None
    marker: str | None
    rank: int | None
    rank_of: int | None
    baseline: Number | None
    coverage: Number | None
    state_value: Number | None
    country_value: Number | None
    freshness: str | None
    source: str
    dataset: str
    note: str | None
    series: list[Point]
    explain: str


class MissingNumber(_Answer):
    code: str
    name: str
    period: str | None
    reason: str
    verdict: Verdict | None


class Profile(_Answer):
    territory: Territory
    headline: str
    indicators: list[ProfileIndicator]
    missing: list[MissingNumber]
    data_version: int


class ComparedSeries(_Answer):
    territory_id: str
    name: str
    kind: Literal["self", "state", "country", "peer", "other"]
    points: list[Point]


class Comparison(_Answer):
    indicator: str
    unit: str
    series: list[ComparedSeries]


class Peer(_Answer):
    territory_id: str
    name: str
    uf: str | None
    value: Number | None
    distance: Annotated[Number, Field(description="natural logarithm of the ratio of sizes")]
    size: Number


class Peers(_Answer):
    items: list[Peer]
    count: int
    rule: str
    indicator: str
    period: str | None


class NationalFigure(_Answer):
    code: str
    name: str
    unit: str
    theme: str
    period: str
    value: Number | None
    coverage: Number | None
    note: str | None
    source: Source
    explain: str


class Places(_Answer):
    municipalities: int
    municipalities_without_mesh: int
    states: int


class Overview(_Answer):
    items: list[NationalFigure]
    count: int
    data_version: int
    refreshed_at: str
    territories: Places


class Layer(_Answer):
    id: str
    title: str
    level: Level
    mesh_version: str
    mesh_year: int
    shapes: str
    drawn: int
    water: int
    undrawn: int
    box: tuple[Number, Number, Number, Number]
    crs: str


class Layers(_Answer):
    items: list[Layer]
    count: int
    data_version: int


class LayerClasses(_Answer):
    indicator: str
    level: Level
    scale: Literal["sequential", "diverging"]
    center: Number | None
    classes: list[Number]


class StyleMetadata(_Answer):
    data_version: int
    palettes: dict[str, dict[str, list[str]]]
    no_data: dict[str, str]
    water: dict[str, str]
    items: list[LayerClasses]


class Input(_Answer):
    uri: str
    value: Number | None


class Derivation(_Answer):
    method: str
    sql_model: str
    inputs: list[Input]


class Bronze(_Answer):
    path: str
    sha256: str
    size: int
    source: str
    dataset: str
    reference_period: str
    extracted_at: str


class Exchange(_Answer):
    url: str
    fetched_at: str
    status: int


class Contract(_Answer):
    connector: str
    version: int
    table_name: str
    columns: dict[str, str]


class Explanation(_Answer):
    uri: str
    value: Number | None
    unit: str
    territory: Territory
    indicator: dict[str, str] | None = None
    period: str
    reason: str | None = None
    verdict: Verdict | None = None
    row: dict[str, Any] | None = None
    derivation: Derivation | None = None
    others: list[dict[str, Any]] | None = None
    run: dict[str, Any] | None = None
    contract: Contract | None = None
    bronze: Bronze | None = None
    files: list[Bronze] | None = None
    exchange: Exchange | None = None
    package: dict[str, Any] | None = None
