-- The manifest of bronze: one row per raw payload, never changed. The bytes are in
-- data/bronze/{source}/{dataset}/{period}/extracted_at=…/; manifest.json beside them says the same.
CREATE TABLE bronze.manifest (
    bronze_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source           text NOT NULL,
    dataset          text NOT NULL,
    reference_period text NOT NULL,
    path             text NOT NULL UNIQUE,          -- below data_dir
    sha256           text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size             bigint NOT NULL CHECK (size >= 0),
    extracted_at     timestamptz NOT NULL,
    exchange         jsonb,                         -- {url, status, fetched_at, headers}
    package          jsonb,                         -- {name, version, file, sha256, license}
    CHECK ((exchange IS NULL) <> (package IS NULL) OR source LIKE 'manual%' OR exchange IS NULL)
);
CREATE INDEX manifest_newest
    ON bronze.manifest (source, dataset, reference_period, extracted_at DESC);

CREATE FUNCTION bronze.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'bronze.manifest is immutable: a payload is added, never changed or removed';
END $$;
CREATE TRIGGER manifest_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON bronze.manifest
    FOR EACH STATEMENT EXECUTE FUNCTION bronze.refuse_change();

-- Which payloads a run read: the link from a row (run_id) to its bytes.
CREATE TABLE ops.run_bronze (
    run_id    uuid NOT NULL REFERENCES ops.pipeline_runs,
    bronze_id bigint NOT NULL REFERENCES bronze.manifest,
    connector text NOT NULL,
    PRIMARY KEY (run_id, bronze_id)
);
