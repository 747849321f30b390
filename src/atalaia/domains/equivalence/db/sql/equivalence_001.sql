-- Policies and taxonomies as they were agreed, which of them a tenant uses, and every evaluation.
-- Tenants and keys are the kernel's; work that waits is in ops.work_items.

-- A version says what it says for ever: another text is another version. What the house ('default')
-- has, every tenant may use; what a tenant has, only itself.
CREATE TABLE equivalence.policy_versions (
    tenant_id  text NOT NULL REFERENCES tenants,
    code       text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    version    text NOT NULL CHECK (version ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$'),
    document   jsonb NOT NULL,                      -- all of the policy, with its code and version
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    active     boolean NOT NULL DEFAULT false,      -- the one that is used when no version is named
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL,
    PRIMARY KEY (tenant_id, code, version)
);
CREATE UNIQUE INDEX policy_versions_one_active
    ON equivalence.policy_versions (tenant_id, code) WHERE active;

CREATE TABLE equivalence.taxonomy_versions (
    tenant_id  text NOT NULL REFERENCES tenants,
    code       text NOT NULL CHECK (code ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),   -- the area
    version    text NOT NULL CHECK (version ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$'),
    document   jsonb NOT NULL,
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    active     boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL,
    PRIMARY KEY (tenant_id, code, version)
);
CREATE UNIQUE INDEX taxonomy_versions_one_active
    ON equivalence.taxonomy_versions (tenant_id, code) WHERE active;

CREATE FUNCTION equivalence.refuse_version_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.active := OLD.active;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NULL;
        END IF;
    END IF;
    RAISE EXCEPTION '%.% only grows: write another version', TG_TABLE_SCHEMA, TG_TABLE_NAME;
END $$;
-- AFTER, so that what is compared is what would be kept; only `active` may change.
CREATE TRIGGER a_version_stays AFTER UPDATE OR DELETE ON equivalence.policy_versions
    FOR EACH ROW EXECUTE FUNCTION equivalence.refuse_version_change();
CREATE TRIGGER a_version_stays AFTER UPDATE OR DELETE ON equivalence.taxonomy_versions
    FOR EACH ROW EXECUTE FUNCTION equivalence.refuse_version_change();

-- Which policy a tenant uses for a course ('' for all that have none of their own), and the area
-- whose taxonomy it is read with when the request names none.
CREATE TABLE equivalence.bindings (
    tenant_id  text NOT NULL REFERENCES tenants,
    course     text NOT NULL CHECK (char_length(course) <= 80),
    policy     text NOT NULL,
    taxonomy   text,
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_by text NOT NULL,
    PRIMARY KEY (tenant_id, course)
);

-- Every evaluation, once per tenant and request_id. `answer` is what was answered, byte for byte.
CREATE TABLE equivalence.equivalence_results (
    evaluation_id    uuid PRIMARY KEY,
    seq              bigint GENERATED ALWAYS AS IDENTITY UNIQUE,  -- lists go by it: it does not move
    tenant_id        text NOT NULL REFERENCES tenants,
    request_id       text NOT NULL,
    request_sha256   bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
    batch_id         uuid REFERENCES ops.batches,
    curso            text,
    origem           text NOT NULL,                 -- names of the subjects, for lists
    destino          text NOT NULL,
    decisao          text NOT NULL CHECK (decisao IN ('DEFERIDO', 'ANALISE_HUMANA', 'INDEFERIDO')),
    score            numeric NOT NULL CHECK (score BETWEEN 0 AND 100),
    degraded         boolean NOT NULL,
    mapper           text NOT NULL,
    policy           text NOT NULL,
    policy_version   text NOT NULL,
    taxonomy         text,
    taxonomy_version text,
    answer           text NOT NULL,
    actor            text NOT NULL,
    trace_id         text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tenant_id, request_id),
    CONSTRAINT nothing_is_approved_degraded CHECK (NOT (degraded AND decisao = 'DEFERIDO'))
);
CREATE INDEX equivalence_results_of_tenant ON equivalence.equivalence_results (tenant_id, seq DESC);
CREATE INDEX equivalence_results_recent ON equivalence.equivalence_results (created_at DESC);

-- As the manual calls them.
CREATE VIEW equivalence.jobs AS
SELECT batch_id AS job_id, tenant_id, total, queued, running, done, dead, cancelled, created_at,
       finished_at,
       CASE WHEN finished_at IS NOT NULL THEN CASE WHEN dead > 0 THEN 'failed' ELSE 'done' END
            WHEN queued = total THEN 'queued' ELSE 'running' END AS status
FROM ops.batch_progress WHERE kind = 'equivalence.evaluate';

CREATE VIEW equivalence.job_items AS
SELECT item_id, batch_id AS job_id, position, status::text AS status, attempt, error,
       result ->> 'request_id' AS request_id, result ->> 'decisao' AS decisao,
       (result ->> 'score')::numeric AS score, finished_at
FROM ops.work_items WHERE kind = 'equivalence.evaluate';
