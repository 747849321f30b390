-- Indexes of the dimension: where is it, what is it called, what does a map need of it.
-- silver.fact_indicator gets none beyond its key: every index there is paid by each load, and the
-- materialized views answer what maps and profiles ask.

CREATE INDEX dim_territory_geometry_gist ON silver.dim_territory USING gist (geometry);

-- ILIKE '%diam%' on the name as written, and on the folded one for people who leave accents out.
CREATE INDEX dim_territory_name_trgm ON silver.dim_territory USING gin (name gin_trgm_ops);
CREATE INDEX dim_territory_name_search_trgm
    ON silver.dim_territory USING gin (name_search gin_trgm_ops);

-- A map's join: the territories of a level with their labels, without touching the wide rows that
-- carry geometries.
CREATE INDEX dim_territory_map
    ON silver.dim_territory (level, territory_id) INCLUDE (name, uf, parent_id, kind);
