-- The audit log: what was done, by whom and why, in hash chains that can only grow.
-- What is hashed, byte for byte: docs/audit.md. `atalaia audit verify` follows the chains.

CREATE TABLE ops.audit_log (
    stream    text NOT NULL CHECK (stream <> ''),   -- one chain each: runs, access, …
    seq       bigint NOT NULL CHECK (seq >= 1),     -- 1, 2, 3 … without a gap inside a stream
    at        timestamptz NOT NULL,                 -- this server's clock, never going back
    actor     text NOT NULL CHECK (actor <> ''),
    trigger   text NOT NULL CHECK (trigger <> ''),  -- cli, api, schedule, python, up, replay …
    action    text NOT NULL CHECK (action <> ''),   -- thing.happened: run.opened, key.created
    subject   text NOT NULL,                        -- the id of the thing
    reason    text,
    tenant_id text NOT NULL,
    trace_id  text NOT NULL,
    details   json NOT NULL CHECK (json_typeof(details) = 'object'),  -- json, not jsonb: kept as it came
    previous  bytea NOT NULL CHECK (octet_length(previous) = 32),     -- hash of seq - 1; zeros for 1
    hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (stream, seq)
);
CREATE INDEX audit_log_recent ON ops.audit_log (at DESC);

CREATE FUNCTION ops.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ops.audit_log only grows: a record is added, never changed or removed';
END $$;
CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON ops.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_audit_change();
-- ALWAYS: session_replication_role = replica would otherwise switch it off without a trace.
ALTER TABLE ops.audit_log ENABLE ALWAYS TRIGGER audit_only_grows;

-- The one way in. It runs with its owner's rights, so that an application's role needs none to write
-- the table itself, and in its caller's transaction, so that a record and what it is about are
-- committed together or not at all. A stream has one writer at a time: the lock is held until that
-- transaction ends. (Locking a row of a table of heads measured the same, and left a dead row
-- behind each record.)
CREATE FUNCTION ops.append_audit(
    in_stream text, in_actor text, in_trigger text, in_action text, in_subject text,
    in_reason text, in_tenant_id text, in_trace_id text, in_details text
) RETURNS ops.audit_log
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- a plan made while the table was small must not be kept when it is large
SET enable_bitmapscan = off
AS $$
DECLARE
    last ops.audit_log;
    made ops.audit_log;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(in_stream, 1635083369));  -- 'audi'
    SELECT * INTO last FROM ops.audit_log AS log
    WHERE log.stream = in_stream ORDER BY log.seq DESC LIMIT 1;

    made.stream := in_stream;
    made.seq := coalesce(last.seq, 0) + 1;
    made.at := greatest(clock_timestamp(), last.at);
    made.actor := in_actor;
    made.trigger := in_trigger;
    made.action := in_action;
    made.subject := in_subject;
    made.reason := in_reason;
    made.tenant_id := in_tenant_id;
    made.trace_id := in_trace_id;
    made.details := in_details;
    made.previous := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
    made.hash := sha256(convert_to((
        SELECT string_agg(coalesce(octet_length(field) || ':' || field, '-') || ',', '' ORDER BY place)
        FROM unnest(ARRAY[
            'atalaia.audit/1', made.stream, made.seq::text,
            to_char(made.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            made.actor, made.trigger, made.action, made.subject, made.reason, made.tenant_id,
            made.trace_id, made.details::text, encode(made.previous, 'hex')
        ]) WITH ORDINALITY AS fields (field, place)), 'UTF8'));
    INSERT INTO ops.audit_log SELECT made.*;
    RETURN made;
END $$;
REVOKE ALL ON ops.audit_log FROM PUBLIC;
REVOKE ALL ON FUNCTION ops.append_audit(text, text, text, text, text, text, text, text, text)
    FROM PUBLIC;
