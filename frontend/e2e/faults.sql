-- Ten faults as the rules of the platform see them: what a bad day leaves in the tables. Each job,
-- domain and channel is of this file alone; nothing that stands is changed but that no backup counts
-- as verified. Put in twice, they are the same ten faults.

UPDATE ops.backups SET verified_at_utc = NULL;                               -- backup-late

CREATE TEMP TABLE bad (job text, status text, verdict text, ago interval, error text);
INSERT INTO bad VALUES
    ('ensaio_de_ontem', 'success', NULL, '2 days', NULL),                    -- backup-late, SLO-3
    ('ensaio_fonte', 'blocked', 'source_failed', '1 hour', 'fonte.example respondeu HTTP 500.'),
    ('ensaio_tls', 'blocked', 'source_failed', '1 hour',
     'O certificado de fonte.example não é confiável: certificate has expired.'),
    ('ensaio_nosso', 'failed', 'we_failed', '1 hour', 'As linhas não fecham.');
INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, run_status, verdict,
        error, actor, trigger, trace_id, started_at_utc, finished_at_utc)
    SELECT gen_random_uuid(), job, 'ensaio', '2024', status::ops.run_status,
           verdict::ops.verdict, error, 'ensaio', 'python', '-', now() - ago, now() - ago
    FROM bad;

INSERT INTO ops.pipeline_checks (run_id, check_name, subject, status)        -- check-failing
    SELECT run_id, 'ensaio_totais', 'tudo', 'fail' FROM ops.pipeline_runs
    WHERE job_name = 'ensaio_nosso' LIMIT 1;

INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason, payload,
        reference_period, run_id)                                            -- dead-letters-growing
    SELECT 'ensaio', 'ensaio_linha', n::text, 'permanent', 'coluna a: não é um número', '{"a": "x"}',
           '2024', (SELECT run_id FROM ops.pipeline_runs WHERE job_name = 'ensaio_nosso' LIMIT 1)
    FROM generate_series(1, 101) AS n;

INSERT INTO bronze.manifest (source, dataset, reference_period, path, sha256, size, extracted_at,
        exchange)                                                            -- certificate-changing
    SELECT 'ibge', 'malhas_v3', '2024', 'ensaio/' || gen_random_uuid(), repeat('b', 64), 9, now(),
           jsonb_build_object('url', 'https://fonte.example/', 'status', 200, 'certificate',
               jsonb_build_object('sha256', 'ee', 'expires_at', now() + interval '3 days'));

WITH channel AS (                                                            -- delivery-exhausted
    INSERT INTO ops.channels (tenant_id, kind, name, address, event_types, created_by)
    VALUES ('default', 'webhook', 'ensaio ' || gen_random_uuid(), 'https://exemplo.gov.br/x',
            '{ensaio.nada}', 'ensaio')
    RETURNING channel_id),
event AS (
    INSERT INTO ops.events (tenant_id, event_type, data, trace_id)
    VALUES ('default', 'ensaio.nada', '{}', '-') RETURNING event_id)
INSERT INTO ops.deliveries (tenant_id, event_id, channel_id, status, finished_at, reason)
    SELECT 'default', event_id, channel_id, 'exhausted', now(), 'tentativas esgotadas: http_503'
    FROM event, channel;

WITH batch AS (                                                              -- queue-growing
    INSERT INTO ops.batches (tenant_id, kind, request_sha256, total, actor, trigger, trace_id)
    VALUES ('default', 'ensaio', '', 1, 'ensaio', 'cli', '-') RETURNING batch_id)
INSERT INTO ops.work_items (batch_id, position, kind, payload, max_attempts, due_at)
    SELECT batch_id, 1, 'ensaio', '{}', 3, now() - interval '1 hour' FROM batch;
