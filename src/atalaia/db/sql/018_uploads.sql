-- Files that people send: whose each run is, and uploads that are under way.

-- Whose rows a run writes. A job of the house runs for the house.
ALTER TABLE ops.pipeline_runs
    ADD COLUMN tenant_id text NOT NULL DEFAULT 'default' REFERENCES tenants;

-- An upload that comes in pieces: what was announced. The bytes that came are in
-- data/uploads/{upload_id}; how many they are is the length of that file, and nothing else.
--
-- open → complete | ended
-- complete: the file was received whole and is `received_as`. ended: refused, called off, or too old.
CREATE TYPE ops.upload_status AS ENUM ('open', 'complete', 'ended');
CREATE TABLE ops.uploads (
    upload_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id   text NOT NULL REFERENCES tenants,
    purpose     text NOT NULL,                      -- who receives it: 'cattle'
    filename    text NOT NULL,
    size_bytes  bigint NOT NULL CHECK (size_bytes >= 0),
    details     jsonb NOT NULL DEFAULT '{}',        -- what else was said of it
    actor       text NOT NULL,
    status      ops.upload_status NOT NULL DEFAULT 'open',
    received_as text,                               -- what became of it, in its receiver's words
    ended_why   text,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    touched_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT received_when_complete CHECK ((status = 'complete') = (received_as IS NOT NULL)),
    CONSTRAINT said_why_when_ended CHECK ((status = 'ended') = (ended_why IS NOT NULL))
);
CREATE INDEX uploads_open ON ops.uploads (touched_at) WHERE status = 'open';
