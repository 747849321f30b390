-- The watch of the feeding files: what the runbook's SQL stands on, availability minute by minute,
-- how far the log files are written, and where old files go.

-- The runbook rounds doubles to two places, which PostgreSQL does with numeric only (X-01).
CREATE FUNCTION compat.round(double precision, integer) RETURNS numeric
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.round($1::numeric, $2);

-- The alerts of cattle, in the runbook's words. Its rules begin with 'etl-', and no other's do.
CREATE VIEW etl.etl_alert_history AS
SELECT a.alert_id AS id,
       a.rule AS alert_type,
       a.subject,
       a.severity::text AS severity,
       a.title,
       a.says AS message,
       a.value AS current_value,
       a.threshold,
       a.first_seen_at AS triggered_at,
       a.last_seen_at,
       a.count AS times,
       a.resolved_at IS NOT NULL AS resolved,
       a.resolved_at,
       a.acknowledged_at,
       a.acknowledged_by,
       a.runbook,
       a.arguments
FROM ops.alerts AS a
WHERE a.rule LIKE 'etl-%';

-- Resolved by hand, in SQL; one whose cause still holds is open again in the next round. Nothing
-- but the decision can be changed, and what is resolved is not opened by hand.
CREATE FUNCTION etl.decide_alert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.resolved AND NOT NEW.resolved THEN
        RAISE EXCEPTION 'alert % is resolved: its rule opens it again when its cause is back', OLD.id
            USING ERRCODE = 'check_violation';
    END IF;
    UPDATE ops.alerts
    SET state = 'ok', flapping = false, follows = NULL,
        resolved_at = coalesce(NEW.resolved_at, clock_timestamp())
    WHERE alert_id = OLD.id AND NEW.resolved AND resolved_at IS NULL;
    RETURN NEW;
END $$;
CREATE TRIGGER decide_alert INSTEAD OF UPDATE ON etl.etl_alert_history
    FOR EACH ROW EXECUTE FUNCTION etl.decide_alert();

-- Could files be processed in this minute? null: nobody could tell.
CREATE TABLE etl.availability (
    minute timestamptz PRIMARY KEY CHECK (minute = date_trunc('minute', minute)),
    up     boolean,
    why    text NOT NULL DEFAULT ''
);

-- What the log files have: events are marked, because ids are not committed in order; of the audit
-- log, whose records are, up to which.
ALTER TABLE etl.etl_file_event ADD COLUMN logged_at timestamptz;
CREATE INDEX etl_file_event_to_log ON etl.etl_file_event (event_id) WHERE logged_at IS NULL;
CREATE TABLE etl.audit_logged (
    stream text PRIMARY KEY,
    seq    bigint NOT NULL
);

-- Files that ended long ago, with how they came to be so. Their rows stay where they are.
CREATE TABLE etl.etl_file_archive (
    LIKE etl.etl_file,
    archived_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (id)
);
CREATE INDEX etl_file_archive_seq ON etl.etl_file_archive (seq);
CREATE TABLE etl.etl_file_event_archive (LIKE etl.etl_file_event, PRIMARY KEY (event_id));
CREATE INDEX etl_file_event_archive_file ON etl.etl_file_event_archive (file_id, event_id);

-- Move what was loaded more than so long ago; what waits for somebody stays, and so does what a
-- younger file is a duplicate of. Moved or not at all, and a second time there is nothing to move.
CREATE FUNCTION etl.archive_old_data(older_than interval DEFAULT '90 days')
RETURNS TABLE (files bigint, events bigint) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE archived_now ON COMMIT DROP AS
    WITH RECURSIVE old AS (
        SELECT id FROM etl.etl_file
        WHERE status = 'loaded' AND completed_at < now() - older_than),
    needed AS (                                     -- the firsts of what stays
        SELECT duplicate_of AS id FROM etl.etl_file
        WHERE duplicate_of IS NOT NULL AND id NOT IN (SELECT id FROM old)
        UNION
        SELECT f.duplicate_of FROM etl.etl_file f JOIN needed USING (id)
        WHERE f.duplicate_of IS NOT NULL)
    SELECT id FROM old WHERE id NOT IN (SELECT id FROM needed);

    INSERT INTO etl.etl_file_event_archive
    SELECT e.* FROM etl.etl_file_event e JOIN archived_now a ON a.id = e.file_id;
    GET DIAGNOSTICS events = ROW_COUNT;
    DELETE FROM etl.etl_file_event WHERE file_id IN (SELECT id FROM archived_now);
    INSERT INTO etl.etl_file_archive
    SELECT f.*, clock_timestamp() FROM etl.etl_file f JOIN archived_now USING (id);
    GET DIAGNOSTICS files = ROW_COUNT;
    DELETE FROM etl.etl_file WHERE id IN (SELECT id FROM archived_now);
    DROP TABLE archived_now;
    RETURN NEXT;
END $$;

-- Every file there ever was, archived or not.
CREATE VIEW etl.etl_file_ever AS
SELECT id, seq, tenant_id, filename, status, state, layout, sha256, size_bytes, bronze_id,
       uploaded_at, processing_started_at, completed_at, updated_at, error_message, error_class,
       rows_read, rows_loaded, rows_rejected, rows_duplicate, run_id, duplicate_of,
       NULL::timestamptz AS archived_at
FROM etl.etl_file
UNION ALL
SELECT id, seq, tenant_id, filename, status, state, layout, sha256, size_bytes, bronze_id,
       uploaded_at, processing_started_at, completed_at, updated_at, error_message, error_class,
       rows_read, rows_loaded, rows_rejected, rows_duplicate, run_id, duplicate_of, archived_at
FROM etl.etl_file_archive;

-- Remove what nobody needs any more: minutes of availability older than 400 days, uploads that
-- ended without a file more than 30 days ago.
CREATE FUNCTION etl.deep_cleanup() RETURNS TABLE (what text, removed bigint) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM etl.availability WHERE minute < now() - interval '400 days';
    GET DIAGNOSTICS removed = ROW_COUNT;
    what := 'etl.availability';
    RETURN NEXT;
    DELETE FROM ops.uploads
    WHERE purpose = 'cattle' AND status = 'ended' AND touched_at < now() - interval '30 days';
    GET DIAGNOSTICS removed = ROW_COUNT;
    what := 'ops.uploads';
    RETURN NEXT;
END $$;

-- The week in lines of text, for weekly_performance_report.sql and the weekly job alike.
CREATE FUNCTION etl.weekly_report(until timestamptz DEFAULT now())
RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
    since timestamptz := until - interval '7 days';
BEGIN
    RETURN NEXT format('ETL Conecta Boi: semana de %s a %s UTC',
        to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
        to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'));
    RETURN NEXT '';
    RETURN QUERY
    SELECT format('Arquivos recebidos: %s; carregados: %s; com erro: %s; em andamento: %s',
                  count(*), count(*) FILTER (WHERE status = 'loaded'),
                  count(*) FILTER (WHERE status = 'error'),
                  count(*) FILTER (WHERE status IN ('uploaded', 'processing')))
    FROM etl.etl_file_ever WHERE uploaded_at > since AND uploaded_at <= until;
    RETURN QUERY
    SELECT format('Taxa de sucesso: %s', coalesce(pg_catalog.round(100.0 *
                      count(*) FILTER (WHERE status = 'loaded') / nullif(count(*), 0), 2) || ' %',
                      'sem dados'))
    FROM etl.etl_file_ever
    WHERE completed_at > since AND completed_at <= until AND status IN ('loaded', 'error');
    RETURN QUERY
    SELECT format('Linhas: %s lidas = %s carregadas + %s rejeitadas + %s repetidas',
                  coalesce(sum(rows_read), 0), coalesce(sum(rows_loaded), 0),
                  coalesce(sum(rows_rejected), 0), coalesce(sum(rows_duplicate), 0))
    FROM etl.etl_file_ever
    WHERE completed_at > since AND completed_at <= until AND status = 'loaded';
    RETURN NEXT '';
    RETURN NEXT 'Por layout: arquivos, mediana e p95 do envio ao fim (min), mediana do processamento (min)';
    RETURN QUERY
    SELECT format('  %s: %s, %s, %s, %s', coalesce(layout, 'desconhecido'), count(*),
                  pg_catalog.round((percentile_cont(0.5) WITHIN GROUP (ORDER BY
                      extract(epoch FROM completed_at - uploaded_at)) / 60)::numeric, 2),
                  pg_catalog.round((percentile_cont(0.95) WITHIN GROUP (ORDER BY
                      extract(epoch FROM completed_at - uploaded_at)) / 60)::numeric, 2),
                  pg_catalog.round((percentile_cont(0.5) WITHIN GROUP (ORDER BY
                      extract(epoch FROM completed_at - processing_started_at)) / 60)::numeric, 2))
    FROM etl.etl_file_ever
    WHERE completed_at > since AND completed_at <= until AND status = 'loaded'
    GROUP BY layout ORDER BY layout;
    RETURN NEXT '';
    RETURN NEXT 'Erros por classe';
    RETURN QUERY
    SELECT format('  %s: %s', coalesce(error_class, 'sem classe'), count(*))
    FROM etl.etl_file_ever
    WHERE status = 'error' AND updated_at > since AND updated_at <= until
    GROUP BY error_class ORDER BY count(*) DESC, 1;
    RETURN NEXT '';
    RETURN NEXT 'Alertas da semana';
    RETURN QUERY
    SELECT format('  %s: %s', alert_type, sum(times))
    FROM etl.etl_alert_history WHERE last_seen_at > since AND triggered_at <= until
    GROUP BY alert_type ORDER BY sum(times) DESC, 1;
    RETURN QUERY
    SELECT format('Dead letters sem decisão: %s', count(*))
    FROM etl.etl_dead_letter_queue WHERE NOT resolved;
    RETURN QUERY
    SELECT format('Disponibilidade: %s (%s minutos medidos)', coalesce(pg_catalog.round(
                      100.0 * count(*) FILTER (WHERE up) / nullif(count(up), 0), 3) || ' %',
                      'sem dados'), count(up))
    FROM etl.availability WHERE minute > since AND minute <= until;
END $$;
