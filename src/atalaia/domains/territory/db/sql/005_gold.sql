-- What dbt fills from silver, and the version that tells the API its bytes are old.

-- Tables dbt makes anew on its way to gold. Only dbt reads them; nothing may depend on them.
CREATE SCHEMA gold_steps;

-- What SQL needs to know of indicators.yml; dbt_build brings it to what that file says.
CREATE TABLE gold.indicator_catalogue (
    indicator_code text PRIMARY KEY,
    polarity       text NOT NULL CHECK (polarity IN ('higher_is_better', 'lower_is_better', 'neutral')),
    ranked         boolean NOT NULL,
    unranked_years text[] NOT NULL,                 -- years none of whose periods can bear a rank
    sum_rule       text CHECK (sum_rule IN ('reported', 'complete'))
    -- how municipalities add up to states and the country: what was reported, only when all
    -- reported, or (null) not by the model place_sums
);

-- Derived values: sums, areas, excesses. dbt brings it to what its models say, in one transaction.
-- A value that the data cannot bear is not here: no row, and `gold.indicator_missing` says why.
CREATE TABLE gold.indicator_derived (
    territory_id     text NOT NULL,
    indicator_code   text NOT NULL,
    reference_period text NOT NULL,
    source           text NOT NULL,
    dataset          text NOT NULL,
    category         text NOT NULL DEFAULT '',
    value            numeric NOT NULL,
    unit             text NOT NULL,
    baseline         numeric,                       -- what the value is compared with
    coverage         numeric CHECK (coverage BETWEEN 0 AND 1),  -- share of the inputs present
    note             text,                          -- pt-BR: never show the value without it
    method           text NOT NULL,                 -- the dbt model that made it
    run_id           uuid NOT NULL,                 -- newest run among its inputs
    PRIMARY KEY (indicator_code, reference_period, territory_id, source, dataset, category)
);
-- A number with a source in doubt is never shown without its sentence, so there must be one.
ALTER TABLE gold.indicator_derived ADD CONSTRAINT excess_says_how
    CHECK (indicator_code <> 'deaths_excess_jan_apr'
           OR (baseline IS NOT NULL AND coverage IS NOT NULL
               AND (length(territory_id) = 7 OR note IS NOT NULL)));

-- Holes worth naming: a number a reader would look for here, and why there is none.
CREATE TABLE gold.indicator_missing (
    territory_id     text NOT NULL,
    indicator_code   text NOT NULL,
    reference_period text NOT NULL,
    reason           text NOT NULL,                 -- pt-BR
    verdict          ops.verdict NOT NULL,
    PRIMARY KEY (territory_id, indicator_code, reference_period)
);

-- The mesh a light shape was made from, so that a shape of an older mesh is not taken for it.
CREATE FUNCTION gold.mesh_hash(mesh public.geometry) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN md5(public.ST_AsBinary(mesh));

-- Light shapes with shared borders, made by atalaia.domains.territory.shapes.
CREATE TABLE gold.territory_shape (
    territory_id text PRIMARY KEY,
    tolerance    double precision NOT NULL,         -- degrees
    method       integer NOT NULL,                  -- version of the way it was drawn
    mesh_hash    text,                              -- null: dissolved from its parts
    geometry     geometry(MultiPolygon, 4674) NOT NULL
);

CREATE TABLE gold.data_version (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version      bigint NOT NULL,
    refreshed_at timestamptz NOT NULL
);
INSERT INTO gold.data_version (version, refreshed_at) VALUES (1, clock_timestamp());
