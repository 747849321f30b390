-- The three materialized views the API reads, and how they are refreshed.

-- Every value there is: what sources published, and what was derived where they published nothing.
CREATE VIEW gold.indicator_value AS
SELECT territory_id, indicator_code, reference_period, source, dataset, category,
       value, marker, unit, NULL::numeric AS baseline, NULL::numeric AS coverage,
       NULL::text AS note, NULL::text AS method, run_id
FROM silver.fact_indicator
UNION ALL
SELECT territory_id, indicator_code, reference_period, source, dataset, category,
       value, NULL, unit, baseline, coverage, note, method, run_id
FROM gold.indicator_derived AS derived
WHERE NOT EXISTS (
    SELECT FROM silver.fact_indicator AS published
    WHERE (published.indicator_code, published.reference_period, published.territory_id,
           published.source, published.dataset, published.category)
        = (derived.indicator_code, derived.reference_period, derived.territory_id,
           derived.source, derived.dataset, derived.category));

-- Values with their place and rank. Rank 1 is the best by the indicator's polarity, the largest
-- when it has none; only among territories of one level, one source, one dataset, one category.
-- is_headline: of several sources of one indicator, level and period, the one a map shows: totals
-- before categories, then the one with most territories, then by name.
CREATE VIEW gold.indicator_ranked AS
WITH placed AS (
    SELECT v.*, t.level, t.uf,
           coalesce(c.polarity, 'neutral') AS polarity,
           v.value IS NOT NULL AND coalesce(
               c.ranked AND NOT left(v.reference_period, 4) = ANY (c.unranked_years), true)
               AS is_ranked
    FROM gold.indicator_value AS v
    JOIN silver.dim_territory AS t USING (territory_id)
    LEFT JOIN gold.indicator_catalogue AS c USING (indicator_code)
    WHERE t.kind = 'land'
), groups AS (                                      -- a number sorts faster than six texts
    SELECT indicator_code, level, reference_period, source, dataset, category,
           row_number() OVER () AS group_id,
           row_number() OVER (
               PARTITION BY indicator_code, level, reference_period
               ORDER BY category <> '', count(value) DESC, source, dataset, category) = 1
               AS is_headline
    FROM placed
    GROUP BY indicator_code, level, reference_period, source, dataset, category
)
SELECT p.*, g.is_headline,
       CASE WHEN is_ranked THEN rank() OVER peers END AS rank,
       CASE WHEN is_ranked THEN count(*) OVER all_peers END AS rank_of
FROM placed AS p
JOIN groups AS g USING (indicator_code, level, reference_period, source, dataset, category)
WINDOW all_peers AS (PARTITION BY g.group_id, p.is_ranked),
       peers AS (all_peers
           ORDER BY CASE p.polarity WHEN 'lower_is_better' THEN p.value ELSE -p.value END);

CREATE MATERIALIZED VIEW gold.mv_map_choropleth AS
SELECT indicator_code, reference_period, level, territory_id, uf, source, dataset, category,
       value, marker, unit, baseline, coverage, note, method, rank, is_headline, run_id
FROM gold.indicator_ranked;

-- REFRESH … CONCURRENTLY needs a unique index; territory first, so that profiles use it too.
CREATE UNIQUE INDEX mv_map_choropleth_key ON gold.mv_map_choropleth
    (territory_id, indicator_code, reference_period, source, dataset, category);
-- The map's question, answered from the index alone.
CREATE INDEX mv_map_choropleth_map ON gold.mv_map_choropleth
    (indicator_code, reference_period, level, territory_id) INCLUDE (value) WHERE is_headline;

-- (A column that is null in most rows, as note is, spares CONCURRENTLY its search for doubles among
-- rows without any null: half of its time.)
CREATE MATERIALIZED VIEW gold.mv_territory_ranking AS
SELECT indicator_code, reference_period, level, territory_id, uf, source, dataset, category,
       value, unit, note, polarity, rank, rank_of, is_headline, run_id
FROM gold.indicator_ranked
WHERE is_ranked;

CREATE UNIQUE INDEX mv_territory_ranking_key ON gold.mv_territory_ranking
    (territory_id, indicator_code, reference_period, source, dataset, category);
CREATE INDEX mv_territory_ranking_list ON gold.mv_territory_ranking
    (indicator_code, reference_period, level, rank, territory_id);

-- Light shapes. A territory whose present mesh has none yet is simplified on its own: its borders
-- may not meet its neighbours', but it is there. No shape has more points than the mesh.
CREATE MATERIALIZED VIEW gold.mv_territory_map_summary AS
WITH drawn AS (
    SELECT t.territory_id, t.level, t.kind, t.name, t.uf, t.parent_id, t.mesh_year,
           CASE WHEN s.territory_id IS NULL
                THEN ST_Multi(ST_SimplifyPreserveTopology(t.geometry, 0.01))
                ELSE s.geometry END AS geometry,
           s.territory_id IS NOT NULL AS shares_borders
    FROM silver.dim_territory AS t
    LEFT JOIN gold.territory_shape AS s
        ON s.territory_id = t.territory_id
       AND (s.mesh_hash = gold.mesh_hash(t.geometry)
            OR (s.mesh_hash IS NULL AND t.level <> 'municipality'))
)
SELECT territory_id, level, kind, name, uf, parent_id, mesh_year, shares_borders,
       geometry::geometry(MultiPolygon, 4674) AS geometry,
       ST_PointOnSurface(geometry)::geometry(Point, 4674) AS point_on_surface
FROM drawn
ORDER BY level, territory_id;

CREATE UNIQUE INDEX mv_territory_map_summary_key ON gold.mv_territory_map_summary (territory_id);
CREATE INDEX mv_territory_map_summary_level
    ON gold.mv_territory_map_summary (level, territory_id);

-- Refreshes the three and tells the API by NOTIFY data_version. Readers see the old rows until it
-- commits and are not kept waiting. A view that was never populated, which CONCURRENTLY refuses, or
-- that is empty, has nothing to show meanwhile and is refreshed plainly: half the time.
-- Returns the new version.
CREATE FUNCTION gold.refresh_materialized_views() RETURNS bigint LANGUAGE plpgsql
SET work_mem = '64MB' SET jit = off AS $$
DECLARE
    view_name text;
    has_rows boolean;
    new_version bigint;
BEGIN
    FOREACH view_name IN ARRAY
        ARRAY['mv_map_choropleth', 'mv_territory_ranking', 'mv_territory_map_summary']
    LOOP
        SELECT ispopulated INTO STRICT has_rows
        FROM pg_catalog.pg_matviews WHERE schemaname = 'gold' AND matviewname = view_name;
        IF has_rows THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM gold.%I)', view_name) INTO has_rows;
        END IF;
        EXECUTE format('REFRESH MATERIALIZED VIEW %s gold.%I',
                       CASE WHEN has_rows THEN 'CONCURRENTLY' ELSE '' END, view_name);
    END LOOP;
    UPDATE gold.data_version SET version = version + 1, refreshed_at = clock_timestamp()
    RETURNING version INTO STRICT new_version;
    PERFORM pg_notify('data_version', new_version::text);
    RETURN new_version;
END $$;
