-- What dbt fills from silver, and the version that tells the API its bytes are old.

-- Derived values: sums, areas, excesses. dbt rewrites it in one transaction (see dbt/models).
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
    method           text NOT NULL,                 -- the dbt model that made it
    run_id           uuid NOT NULL,                 -- newest run among its inputs
    PRIMARY KEY (indicator_code, reference_period, territory_id, source, dataset, category)
);

CREATE TABLE gold.data_version (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version      bigint NOT NULL,
    refreshed_at timestamptz NOT NULL
);
INSERT INTO gold.data_version (version, refreshed_at) VALUES (1, clock_timestamp());
