"""The SQL of the territory's reads. Large answers leave the database as ready JSON text."""

from __future__ import annotations

from typing import Any

from atalaia.kernel.base.database import row, rows

Row = dict[str, Any]


def _one(found: Row | None) -> Row:
    assert found is not None  # noqa: S101  an aggregate without GROUP BY always gives its row
    return found


def data_version() -> int:
    """The version of gold now."""
    return int(_one(row("SELECT version FROM gold.data_version"))["version"])


def published() -> Row:
    """Editions and meshes of the present data version, in one statement and so of one version."""
    return _one(
        row(
            """WITH fetched AS (
                   SELECT run_id, max(extracted_at) AS at
                   FROM ops.run_bronze JOIN bronze.manifest USING (bronze_id) GROUP BY run_id),
               edition AS (
                   SELECT indicator_code, level, reference_period, source, dataset, category,
                          unit, count(value) AS counted, count(note) AS noted,
                          max(fetched.at) AS fetched_at
                   FROM gold.mv_map_choropleth LEFT JOIN fetched USING (run_id)
                   WHERE is_headline
                   GROUP BY indicator_code, level, reference_period, source, dataset, category,
                            unit),
               mesh AS (
                   SELECT level,
                          concat_ws('-', max(mesh_year),
                              left(md5(string_agg(md5(ST_AsBinary(geometry)), ''
                                                  ORDER BY territory_id)), 12)) AS version,
                          max(mesh_year) AS year,
                          count(*) FILTER (WHERE kind = 'land' AND geometry IS NOT NULL) AS drawn,
                          count(*) FILTER (WHERE kind = 'water') AS water,
                          count(*) FILTER (WHERE geometry IS NULL) AS undrawn,
                          ST_Extent(geometry) AS extent
                   FROM gold.mv_territory_map_summary GROUP BY level
                   HAVING count(geometry) > 0)
               SELECT v.version, to_json(v.refreshed_at) #>> '{}' AS refreshed_at,
                   coalesce((SELECT json_agg(edition) FROM edition), '[]') AS editions,
                   coalesce((SELECT json_agg(json_build_object(
                       'level', level, 'version', version, 'drawn', drawn, 'water', water,
                       'undrawn', undrawn,
                       'year', coalesce(year, (SELECT max(year) FROM mesh)),
                       'box', json_build_array(ST_XMin(extent), ST_YMin(extent),
                                               ST_XMax(extent), ST_YMax(extent)))) FROM mesh),
                       '[]') AS meshes
               FROM gold.data_version AS v"""
        )
    )


def choropleth(indicator: str, period: str, level: str, decimals: int | None) -> Row:
    """Values of one map: `items` is JSON text, in the order of the codes, `version` the data's.

    Answered from an index alone. Codes are digits or 'BR', so they need no escaping. `decimals`
    rounds (None: as stored)."""
    return _one(
        row(
            """SELECT (SELECT version FROM gold.data_version) AS version, count(*) AS count,
                   '[' || coalesce(string_agg(
                       '{"territory_id":"' || territory_id || '","value":'
                       || coalesce((CASE WHEN %(decimals)s::int IS NULL THEN value
                                    ELSE round(value, %(decimals)s::int) END)::text, 'null')
                       || '}', ','), '') || ']' AS items
               FROM (SELECT territory_id, value FROM gold.mv_map_choropleth
                     WHERE indicator_code = %(indicator)s AND reference_period = %(period)s
                       AND level = %(level)s::silver.territory_level AND is_headline
                     ORDER BY territory_id) AS shown""",
            {"indicator": indicator, "period": period, "level": level, "decimals": decimals},
        )
    )


def choropleth_with_notes(indicator: str, period: str, level: str, decimals: int | None) -> Row:
    """`choropleth` where some values come with a note (and so not from the index alone)."""
    return _one(
        row(
            """SELECT (SELECT version FROM gold.data_version) AS version, count(*) AS count,
                   coalesce(json_agg(json_strip_nulls(json_build_object(
                       'territory_id', territory_id,
                       'note', note, 'coverage', coverage))::jsonb || jsonb_build_object(
                       'value', CASE WHEN %(decimals)s::int IS NULL THEN value
                                ELSE round(value, %(decimals)s::int) END)), '[]')::text AS items
               FROM (SELECT territory_id, value, note, round(coverage, 4) AS coverage
                     FROM gold.mv_map_choropleth
                     WHERE indicator_code = %(indicator)s AND reference_period = %(period)s
                       AND level = %(level)s::silver.territory_level AND is_headline
                     ORDER BY territory_id) AS shown""",
            {"indicator": indicator, "period": period, "level": level, "decimals": decimals},
        )
    )


def shapes(level: str) -> str:
    """The light shapes of a level as a GeoJSON FeatureCollection. Coordinates are written as they
    were drawn (two to seven decimals), so that neighbours keep the very same border."""
    return str(
        _one(
            row(
                """SELECT '{"type":"FeatureCollection","features":[' || coalesce(string_agg(
                       '{"type":"Feature","properties":{"id":"' || territory_id || '","kind":"'
                       || CASE WHEN kind = 'water' THEN 'water' ELSE level::text END
                       || '"},"geometry":' || ST_AsGeoJSON(geometry, 7, 0) || '}', ','), '')
                       || ']}' AS body
                   FROM (SELECT territory_id, kind, level, geometry
                         FROM gold.mv_territory_map_summary
                         WHERE level = %s::silver.territory_level AND geometry IS NOT NULL
                         ORDER BY territory_id) AS drawn""",
                (level,),
            )
        )["body"]
    )


def territory(territory_id: str) -> Row | None:
    """One territory, without its geometry."""
    return row(
        """SELECT t.territory_id, t.level::text AS level, t.name, t.uf, t.parent_id,
                  coalesce(t.geometry, s.geometry) IS NOT NULL AS has_mesh,
                  t.valid_from, t.valid_to
           FROM silver.dim_territory AS t LEFT JOIN gold.territory_shape AS s USING (territory_id)
           WHERE territory_id = %s AND t.kind = 'land'""",
        (territory_id,),
    )


def territories(
    *, level: str | None, uf: str | None, q: str | None, limit: int, offset: int
) -> str:
    """A page of territories as JSON text. With `q`, best first: the name itself, then names that
    begin with it, then names that hold it, then names like it; accents and case do not count."""
    return str(
        _one(
            row(
                """WITH asked AS (SELECT public.fold(%(q)s::text) AS words),
                   fitting AS (
                       SELECT territory_id, level, name, uf, parent_id,
                              coalesce(t.geometry, s.geometry) IS NOT NULL AS has_mesh,
                              valid_from, valid_to,
                              CASE WHEN words IS NULL THEN 0
                                   WHEN name_search = words THEN 0
                                   WHEN name_search LIKE words || '%%' THEN 1
                                   WHEN name_search LIKE '%% ' || words || '%%' THEN 2
                                   WHEN name_search LIKE '%%' || words || '%%' THEN 3
                                   ELSE 4 END AS nearness,
                              coalesce(public.similarity(name_search, words), 0) AS likeness,
                              CASE WHEN words IS NULL THEN '' ELSE name_search END AS name_search
                       FROM silver.dim_territory AS t
                       LEFT JOIN gold.territory_shape AS s USING (territory_id) CROSS JOIN asked
                       WHERE kind = 'land'
                         AND (%(level)s::silver.territory_level IS NULL OR level = %(level)s)
                         AND (%(uf)s::text IS NULL OR uf = %(uf)s)
                         AND (words IS NULL OR words <> '' AND (
                              name_search LIKE '%%' || words || '%%'
                              OR name_search OPERATOR(public.%%) words))),
                   page AS (
                       SELECT territory_id, level, name, uf, parent_id, has_mesh, valid_from,
                              valid_to
                       FROM fitting
                       ORDER BY nearness, CASE WHEN nearness = 4 THEN -likeness ELSE 0 END,
                                name_search, territory_id
                       LIMIT %(limit)s OFFSET %(offset)s)
                   SELECT json_build_object(
                       'items', coalesce((SELECT json_agg(page) FROM page), '[]'),
                       'count', (SELECT count(*) FROM page),
                       'total', (SELECT count(*) FROM fitting))::text AS body""",
                {"level": level, "uf": uf, "q": q, "limit": limit, "offset": offset},
            )
        )["body"]
    )


def territory_index(level: str) -> str:
    """Every territory of a level that exists today, as JSON rows of id, name, uf, has_mesh."""
    return str(
        _one(
            row(
                """SELECT '[' || coalesce(string_agg(
                       '["' || territory_id || '",' || to_json(name) || ','
                       || coalesce(to_json(uf)::text, 'null') || ','
                       || (coalesce(t.geometry, s.geometry) IS NOT NULL) || ']', ','
                       ORDER BY territory_id), '') || ']' AS body
                   FROM silver.dim_territory AS t
                   LEFT JOIN gold.territory_shape AS s USING (territory_id)
                   WHERE t.level = %s::silver.territory_level AND t.kind = 'land'
                     AND t.valid_to IS NULL""",
                (level,),
            )
        )["body"]
    )


def values_of(territory_ids: list[str]) -> list[Row]:
    """Every headline value of some territories, period by period, with its rank."""
    return rows(
        """SELECT v.territory_id, v.indicator_code, v.reference_period, v.value, v.marker, v.unit,
                  v.source, v.dataset, v.note, v.baseline, v.coverage, v.rank, r.rank_of, v.run_id
           FROM gold.mv_map_choropleth AS v
           LEFT JOIN gold.mv_territory_ranking AS r USING
               (territory_id, indicator_code, reference_period, source, dataset, category)
           WHERE v.territory_id = ANY(%s) AND v.is_headline
           ORDER BY v.indicator_code, v.reference_period""",
        (territory_ids,),
    )


def series_values(territory_ids: list[str], indicator: str) -> list[Row]:
    """One indicator's headline values of some territories, period by period."""
    return rows(
        """SELECT territory_id, reference_period, value, marker, note
           FROM gold.mv_map_choropleth
           WHERE territory_id = ANY(%s) AND indicator_code = %s AND is_headline
           ORDER BY reference_period""",
        (territory_ids, indicator),
    )


def missing_of(territory_id: str) -> list[Row]:
    """The holes of a territory that have a reason, the newest period of each indicator first."""
    return rows(
        """SELECT indicator_code, reference_period, reason, verdict::text AS verdict
           FROM gold.indicator_missing WHERE territory_id = %s
           ORDER BY indicator_code, reference_period DESC""",
        (territory_id,),
    )


def missing_everywhere(indicator: str, period: str, level: str) -> Row | None:
    """Why nobody at a level has a number that someone may look for: the commonest reason."""
    return row(
        """SELECT m.reason, m.verdict::text AS verdict, count(*) AS territories
           FROM gold.indicator_missing AS m JOIN silver.dim_territory AS t USING (territory_id)
           WHERE m.indicator_code = %s AND m.reference_period = %s
             AND t.level = %s::silver.territory_level
           GROUP BY m.reason, m.verdict ORDER BY count(*) DESC, m.reason LIMIT 1""",
        (indicator, period, level),
    )


def verdicts_of_sources() -> dict[str, str]:
    """The verdict of the last run of each job that has one, by job."""
    found = rows(
        """SELECT DISTINCT ON (job_name) job_name, verdict::text AS verdict
           FROM ops.pipeline_runs WHERE run_status <> 'running'
           ORDER BY job_name, started_at_utc DESC"""
    )
    return {run["job_name"]: run["verdict"] for run in found if run["verdict"]}


def nearest(
    territory_id: str,
    *,
    size_indicator: str,
    size_period: str,
    uf: str | None,
    indicator: str,
    period: str,
    limit: int,
) -> list[Row]:
    """Territories of the same level nearest in size (by ratio), within `uf` when given."""
    return rows(
        """WITH own AS (
               SELECT value, level FROM gold.mv_map_choropleth
               WHERE territory_id = %(id)s AND indicator_code = %(size)s
                 AND reference_period = %(size_period)s AND is_headline)
           SELECT s.territory_id, t.name, t.uf, v.value,
                  round(abs(ln(s.value / own.value)), 4) AS distance, s.value AS size
           FROM own
           JOIN gold.mv_map_choropleth AS s ON s.level = own.level
                AND s.indicator_code = %(size)s AND s.reference_period = %(size_period)s
                AND s.is_headline AND s.value > 0 AND s.territory_id <> %(id)s
           JOIN silver.dim_territory AS t ON t.territory_id = s.territory_id
           LEFT JOIN gold.mv_map_choropleth AS v ON v.territory_id = s.territory_id
                AND v.indicator_code = %(indicator)s AND v.reference_period = %(period)s
                AND v.is_headline
           WHERE own.value > 0 AND (%(uf)s::text IS NULL OR s.uf = %(uf)s)
           ORDER BY abs(ln(s.value / own.value)), s.territory_id LIMIT %(limit)s""",
        {
            "id": territory_id,
            "size": size_indicator,
            "size_period": size_period,
            "uf": uf,
            "indicator": indicator,
            "period": period,
            "limit": limit,
        },
    )


def names_of(territory_ids: list[str]) -> dict[str, Row]:
    """Name, level, UF and parent of some territories, by id."""
    found = rows(
        """SELECT territory_id, name, level::text AS level, uf, parent_id
           FROM silver.dim_territory WHERE territory_id = ANY(%s) AND kind = 'land'""",
        (territory_ids,),
    )
    return {one["territory_id"]: one for one in found}


def places() -> Row:
    """How many territories there are at each level today, and how many the mesh lacks."""
    return _one(
        row(
            """SELECT count(*) FILTER (WHERE level = 'municipality') AS municipalities,
                      count(*) FILTER (WHERE level = 'municipality' AND geometry IS NULL)
                          AS municipalities_without_mesh,
                      count(*) FILTER (WHERE level = 'state') AS states
               FROM silver.dim_territory WHERE kind = 'land' AND valid_to IS NULL"""
        )
    )
