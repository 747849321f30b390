-- The ledger: what ran, what it found, what was put aside.

-- running → success | failed | blocked | manual_required | cancelled; nothing leaves a final state.
-- blocked: no layer of the cascade had the data. manual_required: only a person can fetch it.
CREATE TYPE ops.run_status AS ENUM
    ('running', 'success', 'failed', 'blocked', 'manual_required', 'cancelled');
CREATE TYPE ops.source_type AS ENUM ('web', 'api', 'ftp', 'bronze_cache', 'manual');
-- falhamos | a fonte falhou | a fonte não publicou
CREATE TYPE ops.verdict AS ENUM ('we_failed', 'source_failed', 'not_published');
CREATE TYPE ops.check_status AS ENUM ('pass', 'warn', 'fail');
-- planned → partial → implemented → retired
CREATE TYPE ops.connector_status AS ENUM ('planned', 'partial', 'implemented', 'retired');

CREATE TABLE ops.pipeline_runs (
    run_id           uuid PRIMARY KEY,
    job_name         text NOT NULL,
    domain           text NOT NULL,
    reference_period text NOT NULL,
    run_status       ops.run_status NOT NULL DEFAULT 'running',
    status           text GENERATED ALWAYS AS (
        CASE run_status WHEN 'running' THEN 'running' WHEN 'success' THEN 'success'
                        WHEN 'failed' THEN 'failed' WHEN 'blocked' THEN 'blocked'
                        WHEN 'manual_required' THEN 'manual_required' ELSE 'cancelled' END) STORED,
    source_type      ops.source_type,
    verdict          ops.verdict,
    rows_read        bigint NOT NULL DEFAULT 0 CHECK (rows_read >= 0),
    rows_loaded      bigint NOT NULL DEFAULT 0 CHECK (rows_loaded >= 0),
    rows_rejected    bigint NOT NULL DEFAULT 0 CHECK (rows_rejected >= 0),
    rows_duplicate   bigint NOT NULL DEFAULT 0 CHECK (rows_duplicate >= 0),
    attempt          integer NOT NULL DEFAULT 1 CHECK (attempt >= 1),
    started_at_utc   timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at_utc  timestamptz,
    actor            text NOT NULL,
    trigger          text NOT NULL CHECK (trigger IN ('cli', 'api', 'schedule', 'python', 'up', 'replay')),
    reason           text,
    trace_id         text NOT NULL,
    error            text,
    cancel_requested_at timestamptz,
    steps            jsonb NOT NULL DEFAULT '[]',   -- [{name, started_at, seconds, detail}]
    details          jsonb NOT NULL DEFAULT '{}',   -- bronze, warnings, rows inserted/updated/unchanged
    CONSTRAINT rows_balance CHECK (
        run_status <> 'success' OR rows_read = rows_loaded + rows_rejected + rows_duplicate),
    CONSTRAINT finished_when_final CHECK ((run_status = 'running') = (finished_at_utc IS NULL))
);
CREATE INDEX pipeline_runs_job ON ops.pipeline_runs (job_name, started_at_utc DESC);
CREATE INDEX pipeline_runs_recent ON ops.pipeline_runs (started_at_utc DESC);
-- At most one run of a job and period at a time; the advisory lock decides, this proves it.
CREATE UNIQUE INDEX pipeline_runs_one_running
    ON ops.pipeline_runs (job_name, reference_period) WHERE run_status = 'running';

CREATE TABLE ops.pipeline_checks (
    check_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id         uuid NOT NULL REFERENCES ops.pipeline_runs,
    check_name     text NOT NULL,
    status         ops.check_status NOT NULL,
    observed       text,
    threshold      text,
    details        jsonb NOT NULL DEFAULT '{}',     -- reason, samples of failed rows
    created_at_utc timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX pipeline_checks_run ON ops.pipeline_checks (run_id);
CREATE INDEX pipeline_checks_status ON ops.pipeline_checks (status, created_at_utc DESC);

-- A check that fails opens one action; it closes when the same check passes again (T-059).
CREATE TABLE ops.corrective_actions (
    action_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    check_name    text NOT NULL,
    opened_by     bigint NOT NULL REFERENCES ops.pipeline_checks,
    closed_by     bigint REFERENCES ops.pipeline_checks,
    action        text NOT NULL,
    opened_at_utc timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at_utc timestamptz
);
CREATE UNIQUE INDEX corrective_actions_one_open
    ON ops.corrective_actions (check_name) WHERE closed_at_utc IS NULL;

CREATE TABLE ops.connector_registry (
    connector      text PRIMARY KEY,
    job_name       text NOT NULL,
    domain         text NOT NULL,
    wave           text NOT NULL,
    source         text NOT NULL,
    status         ops.connector_status NOT NULL,
    updated_at_utc timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE ops.source_schema_contracts (
    connector      text NOT NULL,
    version        integer NOT NULL CHECK (version >= 1),
    table_name     text NOT NULL,                   -- schema.table the connector fills
    columns        jsonb NOT NULL,                  -- {target column: type as in the catalog}
    payload        jsonb NOT NULL,                  -- {source column: type}; unknown key = error
    active         boolean NOT NULL DEFAULT true,
    created_at_utc timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (connector, version)
);
CREATE UNIQUE INDEX source_schema_contracts_one_active
    ON ops.source_schema_contracts (connector) WHERE active;

CREATE TABLE ops.dead_letters (
    dead_letter_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain         text NOT NULL,
    entity_type    text NOT NULL,                   -- the connector whose row this is
    entity_id      text NOT NULL,                   -- where the row stands in its payload
    error_type     text NOT NULL CHECK (error_type IN ('transient', 'rate_limited', 'resource', 'permanent')),
    reason         text NOT NULL,
    payload        jsonb NOT NULL,                  -- the row as it came
    run_id         uuid NOT NULL REFERENCES ops.pipeline_runs,
    reference_period text NOT NULL,
    resolved       boolean NOT NULL DEFAULT false,
    resolved_at    timestamptz,
    resolved_by    text,
    notes          text,
    created_at_utc timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (resolved = (resolved_at IS NOT NULL))
);
CREATE INDEX dead_letters_open ON ops.dead_letters (domain, entity_type) WHERE NOT resolved;
CREATE INDEX dead_letters_run ON ops.dead_letters (run_id);

CREATE TABLE tenants (
    tenant_id  text PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO tenants (tenant_id, name) VALUES ('default', 'Atalaia');

-- A key is shown once and kept as a hash; its prefix tells which one it was.
CREATE TABLE api_keys (
    key_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  text NOT NULL REFERENCES tenants,
    name       text NOT NULL,
    role       text NOT NULL CHECK (role IN ('viewer', 'auditor', 'operator', 'admin', 'client')),
    prefix     text NOT NULL,
    key_sha256 bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz
);
