-- Runs of runbooks and what each of their cells said: the evidence of what was done, and by whom.
-- A run is written whole as it stands, also after the fact: a runbook is often followed while the
-- database is away. Its times are of the machine's clock; recorded_at is of the database's.

-- running → succeeded | failed; running → waiting: a cell marked danger asks for a second person;
-- waiting | failed → running: somebody goes on where it stopped.
CREATE TYPE ops.runbook_status AS ENUM ('running', 'waiting', 'succeeded', 'failed');

-- pending → running → passed | failed; pending → waiting → running; skipped: not asked for.
CREATE TYPE ops.runbook_cell_status AS ENUM
    ('pending', 'running', 'waiting', 'passed', 'failed', 'skipped');

CREATE TABLE ops.runbook_runs (
    runbook_run_id uuid PRIMARY KEY,
    runbook        text NOT NULL,                   -- platform/source-failed
    sha256         text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    text           text NOT NULL,                   -- as it was then; sha256 is its hash
    arguments      jsonb NOT NULL,
    status         ops.runbook_status NOT NULL,
    error          text,                            -- why it stopped, in words for people
    actor          text NOT NULL,
    trigger        text NOT NULL CHECK (trigger IN ('cli', 'api')),
    reason         text NOT NULL CHECK (btrim(reason) <> ''),
    trace_id       text NOT NULL,
    started_at     timestamptz NOT NULL,
    finished_at    timestamptz,
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT finished_when_over
        CHECK ((status IN ('succeeded', 'failed')) = (finished_at IS NOT NULL))
);
CREATE INDEX runbook_runs_recent ON ops.runbook_runs (started_at DESC);

CREATE TABLE ops.runbook_cells (
    runbook_run_id uuid NOT NULL REFERENCES ops.runbook_runs,
    position       integer NOT NULL,                -- in the runbook, from 0
    name           text NOT NULL,
    status         ops.runbook_cell_status NOT NULL,
    attempts       integer NOT NULL CHECK (attempts >= 0),
    exit_code      integer,
    why            text,                            -- what of `expect` was not met
    output         text NOT NULL,                   -- redacted, and no more than fits
    output_sha256  text NOT NULL,                   -- of `output`
    output_bytes   bigint NOT NULL,                 -- of what it said, before any of it was left out
    approved_by    text,
    started_at     timestamptz,
    finished_at    timestamptz,
    PRIMARY KEY (runbook_run_id, position)
);

-- A second person lets one cell of one run be executed, once.
CREATE TABLE ops.runbook_approvals (
    approval_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    runbook_run_id uuid NOT NULL REFERENCES ops.runbook_runs,
    position       integer NOT NULL,
    actor          text NOT NULL,
    reason         text NOT NULL CHECK (btrim(reason) <> ''),
    approved_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    spent_at       timestamptz
);
CREATE UNIQUE INDEX runbook_approvals_one_unspent
    ON ops.runbook_approvals (runbook_run_id, position) WHERE spent_at IS NULL;
