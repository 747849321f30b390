-- Territories that ever existed, their meshes by year, and their facts with provenance.

CREATE TYPE silver.territory_level AS ENUM (
    'country', 'state', 'municipality', 'district', 'census_sector',
    'electoral_zone', 'electoral_section');

-- territory_id is the official code: BR, 31, 3121605, 9-digit district, 15-digit sector.
CREATE TABLE silver.dim_territory (
    territory_id text PRIMARY KEY,
    level        silver.territory_level NOT NULL,
    name         text NOT NULL,
    name_search  text GENERATED ALWAYS AS (public.fold(name)) STORED,
    uf           text CHECK (uf ~ '^[A-Z]{2}$'),
    parent_id    text REFERENCES silver.dim_territory DEFERRABLE INITIALLY DEFERRED,
    ibge6        text GENERATED ALWAYS AS (         -- the two lagoons would share 430000
        CASE WHEN territory_id ~ '^[0-9]{7}$' AND kind = 'land' THEN left(territory_id, 6) END) STORED,
    tse_code     text,
    valid_from   date,                              -- null: before our registries begin
    valid_to     date,
    predecessors text[] NOT NULL DEFAULT '{}',
    kind         text NOT NULL DEFAULT 'land' CHECK (kind IN ('land', 'water')),
    geometry     geometry(MultiPolygon, 4674),      -- newest mesh; null: 'sem malha'
    mesh_year    integer,
    run_id       uuid REFERENCES ops.pipeline_runs,
    CHECK (valid_to IS NULL OR valid_from IS NULL OR valid_to > valid_from),
    CHECK ((geometry IS NULL) = (mesh_year IS NULL))
);
CREATE INDEX dim_territory_parent ON silver.dim_territory (parent_id);
CREATE UNIQUE INDEX dim_territory_ibge6 ON silver.dim_territory (ibge6) WHERE ibge6 IS NOT NULL;

CREATE TABLE silver.dim_territory_geometry (
    territory_id text NOT NULL REFERENCES silver.dim_territory,
    mesh_year    integer NOT NULL,
    geometry     geometry(MultiPolygon, 4674) NOT NULL,
    source       text NOT NULL,
    dataset      text NOT NULL,
    run_id       uuid NOT NULL REFERENCES ops.pipeline_runs,
    PRIMARY KEY (territory_id, mesh_year)
);

-- One value of one indicator. value is null exactly when marker says why. Each source has a
-- partition, which its first load fills before the key's index is built (decision 0002).
CREATE TABLE silver.fact_indicator (
    territory_id     text NOT NULL,
    indicator_code   text NOT NULL,
    reference_period text NOT NULL,                 -- 2019, 2019-07
    source           text NOT NULL,
    dataset          text NOT NULL,
    category         text NOT NULL DEFAULT '',
    value            numeric,
    marker           text CHECK (marker IN ('unavailable', 'not_applicable', 'suppressed')),
    unit             text NOT NULL,
    run_id           uuid NOT NULL,
    CONSTRAINT fact_indicator_pkey PRIMARY KEY
        (territory_id, reference_period, indicator_code, source, dataset, category),
    CONSTRAINT value_or_marker CHECK ((value IS NULL) = (marker IS NOT NULL))
) PARTITION BY LIST (source);

CREATE TABLE silver.fact_electorate (
    territory_id     text NOT NULL,
    reference_period text NOT NULL,
    sex              text NOT NULL DEFAULT '',
    age_range        text NOT NULL DEFAULT '',
    education        text NOT NULL DEFAULT '',
    voters           bigint NOT NULL CHECK (voters >= 0),
    source           text NOT NULL,
    dataset          text NOT NULL,
    run_id           uuid NOT NULL,
    CONSTRAINT fact_electorate_pkey PRIMARY KEY
        (reference_period, territory_id, sex, age_range, education, source, dataset)
);

CREATE TABLE silver.fact_election_result (
    territory_id     text NOT NULL,
    reference_period text NOT NULL,
    election         text NOT NULL,
    round            smallint NOT NULL DEFAULT 1,
    office           text NOT NULL,
    metric           text NOT NULL,
    candidate        text NOT NULL DEFAULT '',
    party            text NOT NULL DEFAULT '',
    value            bigint NOT NULL CHECK (value >= 0),
    source           text NOT NULL,
    dataset          text NOT NULL,
    run_id           uuid NOT NULL,
    CONSTRAINT fact_election_result_pkey PRIMARY KEY
        (reference_period, territory_id, election, round, office, metric, candidate, party, source, dataset)
);
