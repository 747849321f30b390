-- Which events about a run were told to the OpenLineage receiver. The runs themselves are the outbox:
-- what is not here is still to be told, however long the receiver was away.
CREATE TABLE ops.lineage_told (
    run_id         uuid NOT NULL REFERENCES ops.pipeline_runs,
    event_type     text NOT NULL CHECK (event_type IN ('START', 'COMPLETE', 'FAIL', 'ABORT')),
    told_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    refused_status integer,                         -- the receiver does not want this one
    PRIMARY KEY (run_id, event_type)
);
-- START, and exactly one of the others.
CREATE UNIQUE INDEX lineage_told_one_end ON ops.lineage_told (run_id) WHERE event_type <> 'START';
