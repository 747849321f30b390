-- When work is due by the clock, how a batch is called off, what people corrected in a row of a
-- file, and how often a source may be asked. All of it on the database's clock.

-- What comes round: daily, weekly, on the first Sunday. Asked for in the transaction that moves
-- next_due_at on, so a scheduler may die anywhere and there may be several.
CREATE TABLE ops.schedule (
    name         text PRIMARY KEY,
    kind         text NOT NULL,                     -- of the work items it asks for
    payload      jsonb NOT NULL,
    recurrence   text NOT NULL,                     -- 'daily 06:00', in America/Sao_Paulo
    next_due_at  timestamptz NOT NULL,
    paused_at    timestamptz,
    paused_by    text,
    pause_reason text,
    CHECK ((paused_at IS NULL) = (paused_by IS NULL))
);

-- Every moment that was asked for, once. `missed` are the ones before it that nobody was there to
-- ask for: this one caught them up.
CREATE TABLE ops.schedule_asked (
    name     text NOT NULL,
    due_at   timestamptz NOT NULL,
    asked_at timestamptz NOT NULL,
    missed   integer NOT NULL CHECK (missed >= 0),
    batch_id uuid NOT NULL REFERENCES ops.batches,
    PRIMARY KEY (name, due_at)
);

-- A batch called off: what waits is cancelled, what is in hand is not tried again.
ALTER TABLE ops.batches
    ADD COLUMN cancelled_at timestamptz,
    ADD COLUMN cancelled_by text,
    ADD COLUMN cancel_reason text,
    ADD CONSTRAINT cancelled_by_someone CHECK ((cancelled_at IS NULL) = (cancelled_by IS NULL));
CREATE INDEX batches_recent ON ops.batches (created_at DESC);

-- Cells of a file's row as a person says they should be. Bronze keeps the row as it came: a
-- correction is applied on the way, for as long as the row comes as it came when it was corrected.
CREATE TABLE ops.corrections (
    dead_letter_id   bigint PRIMARY KEY REFERENCES ops.dead_letters,
    connector        text NOT NULL,
    reference_period text NOT NULL,
    entity_id        text NOT NULL,                 -- where the row stands: dataset:row
    was              jsonb NOT NULL,                -- the row as it came
    becomes          jsonb NOT NULL,                -- the cells that change
    actor            text NOT NULL,
    reason           text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX corrections_of ON ops.corrections (connector, reference_period);

-- When a source may be asked next, whoever asks.
CREATE TABLE ops.source_pace (
    source  text PRIMARY KEY,
    next_at timestamptz NOT NULL
);
