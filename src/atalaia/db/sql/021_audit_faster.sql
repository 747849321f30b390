-- Appending to the audit log takes a fifth less of the server's processor: a stream's other writers
-- wait meanwhile. The records are the same, byte for byte (009_audit.sql, docs/audit.md); the hashed
-- text is put together by expressions instead of a query with an array and an aggregate.
CREATE OR REPLACE FUNCTION ops.append_audit(
    in_stream text, in_actor text, in_trigger text, in_action text, in_subject text,
    in_reason text, in_tenant_id text, in_trace_id text, in_details text
) RETURNS ops.audit_log
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- a plan made while the table was small must not be kept when it is large
SET enable_bitmapscan = off
AS $$
DECLARE
    made ops.audit_log;
    moment text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(in_stream, 1635083369));  -- 'audi'
    -- A statement of its own, so that it sees what the writer before committed.
    SELECT log.seq + 1, greatest(clock_timestamp(), log.at), log.hash
    INTO made.seq, made.at, made.previous
    FROM ops.audit_log AS log WHERE log.stream = in_stream ORDER BY log.seq DESC LIMIT 1;

    IF made.seq IS NULL THEN
        made.seq := 1;
        made.at := clock_timestamp();
        made.previous := '\x0000000000000000000000000000000000000000000000000000000000000000';
    END IF;
    moment := to_char(made.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    made.hash := sha256(convert_to(
        '15:atalaia.audit/1,'
        || octet_length(in_stream) || ':' || in_stream || ','
        || octet_length(made.seq::text) || ':' || made.seq || ','
        || octet_length(moment) || ':' || moment || ','
        || octet_length(in_actor) || ':' || in_actor || ','
        || octet_length(in_trigger) || ':' || in_trigger || ','
        || octet_length(in_action) || ':' || in_action || ','
        || octet_length(in_subject) || ':' || in_subject || ','
        || coalesce(octet_length(in_reason) || ':' || in_reason, '-') || ','
        || octet_length(in_tenant_id) || ':' || in_tenant_id || ','
        || octet_length(in_trace_id) || ':' || in_trace_id || ','
        || octet_length(in_details) || ':' || in_details || ','
        || '64:' || encode(made.previous, 'hex') || ',',
        'UTF8'));
    INSERT INTO ops.audit_log VALUES (
        in_stream, made.seq, made.at, in_actor, in_trigger, in_action, in_subject, in_reason,
        in_tenant_id, in_trace_id, in_details::json, made.previous, made.hash)
    RETURNING * INTO made;
    RETURN made;
END $$;
