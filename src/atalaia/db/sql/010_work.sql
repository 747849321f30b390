-- Work accepted to be done later: written in the transaction of its cause, claimed from here in
-- groups. Redis only wakes who does it; emptied at any moment, it loses nothing.

-- Who does work. Its lease is that of everything it has in hand, on the database's clock.
CREATE TABLE ops.workers (
    worker_id    uuid PRIMARY KEY,
    name         text NOT NULL,                     -- host and process
    started_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    leased_until timestamptz NOT NULL,
    ended_at     timestamptz
);
CREATE INDEX workers_alive ON ops.workers (leased_until) WHERE ended_at IS NULL;

-- What was asked for at once; GET /v1/jobs/{id} reports on it. Asked again under the same key it is
-- the same batch; request_sha256 tells when the key came back with another request.
CREATE TABLE ops.batches (
    batch_id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id       text NOT NULL REFERENCES tenants,
    kind            text NOT NULL,
    idempotency_key text,
    request_sha256  bytea NOT NULL,
    total           integer NOT NULL CHECK (total > 0),
    actor           text NOT NULL,
    trigger         text NOT NULL CHECK (trigger IN ('cli', 'api', 'schedule', 'python', 'up', 'replay')),
    reason          text,
    trace_id        text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX batches_one_per_key ON ops.batches (tenant_id, kind, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- queued → running → done | dead | cancelled
-- running → queued: the attempt failed in a way that may pass, or its worker's lease ran out.
CREATE TYPE ops.work_status AS ENUM ('queued', 'running', 'done', 'dead', 'cancelled');

CREATE TABLE ops.work_items (
    item_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id     uuid NOT NULL REFERENCES ops.batches,
    position     integer NOT NULL,                  -- in its batch, from 0
    kind         text NOT NULL,
    payload      jsonb NOT NULL,
    status       ops.work_status NOT NULL DEFAULT 'queued',
    due_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt      integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL CHECK (max_attempts > 0),
    alone        boolean NOT NULL DEFAULT false,    -- its worker died once: claimed without company
    fence        bigint NOT NULL DEFAULT 0,         -- goes up with each claim; an effect names its own
    worker_id    uuid REFERENCES ops.workers,
    result       jsonb,
    error        text,
    finished_at  timestamptz,
    UNIQUE (batch_id, position),
    CONSTRAINT in_hand_when_running CHECK ((status = 'running') = (worker_id IS NOT NULL)),
    CONSTRAINT finished_when_final
        CHECK ((status IN ('done', 'dead', 'cancelled')) = (finished_at IS NOT NULL)),
    CONSTRAINT tried_at_most CHECK (attempt <= max_attempts)
);
CREATE INDEX work_items_due ON ops.work_items (kind, due_at, item_id) WHERE status = 'queued';
CREATE INDEX work_items_in_hand ON ops.work_items (worker_id) WHERE status = 'running';

-- A dead letter is a row of a payload, put aside by a run, or a work item nobody could finish.
ALTER TABLE ops.dead_letters
    ALTER COLUMN run_id DROP NOT NULL,
    ALTER COLUMN reference_period DROP NOT NULL,
    ADD COLUMN item_id bigint REFERENCES ops.work_items,
    ADD CONSTRAINT of_a_run_or_an_item
        CHECK ((run_id IS NULL) <> (item_id IS NULL)),
    ADD CONSTRAINT a_row_has_its_period CHECK (run_id IS NULL OR reference_period IS NOT NULL);
CREATE UNIQUE INDEX dead_letters_one_open_per_item ON ops.dead_letters (item_id) WHERE NOT resolved;

-- How a batch stands. It ends when its last item does.
CREATE VIEW ops.batch_progress AS
SELECT b.batch_id, b.tenant_id, b.kind, b.total, b.created_at,
       count(*) FILTER (WHERE i.status = 'queued') AS queued,
       count(*) FILTER (WHERE i.status = 'running') AS running,
       count(*) FILTER (WHERE i.status = 'done') AS done,
       count(*) FILTER (WHERE i.status = 'dead') AS dead,
       count(*) FILTER (WHERE i.status = 'cancelled') AS cancelled,
       CASE WHEN bool_and(i.finished_at IS NOT NULL) THEN max(i.finished_at) END AS finished_at
FROM ops.batches b JOIN ops.work_items i USING (batch_id)
GROUP BY b.batch_id;
