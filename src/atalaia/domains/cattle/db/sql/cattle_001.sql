-- Feeding files: each file, how it fares, and the rows it brought.

-- The runbook's four words, and the finer state beside them.
CREATE TYPE etl.file_status AS ENUM ('uploaded', 'processing', 'loaded', 'error');
CREATE TYPE etl.file_state AS ENUM (
    'received',          -- uploaded    its bytes are in bronze, its work is accepted
    'awaiting_mapping',  -- uploaded    a person must say what its columns are
    'requeued',          -- processing  asked for again
    'processing',        -- processing  a run has it
    'retrying',          -- processing  its run failed in a way that may pass; another one follows
    'loaded',            -- loaded      every row stands in its table
    'partly_loaded',     -- loaded      some rows wait, with their reasons, in the dead letters
    'duplicate',         -- loaded      the very bytes were here already (duplicate_of)
    'refused',           -- error       it is not a file we read; a person must change it
    'failed'             -- error       we could not; asked for again it may go well
);

CREATE FUNCTION etl.status_of(state etl.file_state) RETURNS etl.file_status
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
    WHEN state IN ('received', 'awaiting_mapping') THEN 'uploaded'
    WHEN state IN ('requeued', 'processing', 'retrying') THEN 'processing'
    WHEN state IN ('loaded', 'partly_loaded', 'duplicate') THEN 'loaded'
    ELSE 'error' END::etl.file_status;

-- The state a file is put in by who says only the status.
CREATE FUNCTION etl.state_of(status etl.file_status) RETURNS etl.file_state
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE status WHEN 'uploaded' THEN 'received' WHEN 'processing' THEN 'processing'
                   WHEN 'loaded' THEN 'loaded' ELSE 'failed' END::etl.file_state;

-- What may follow what; anything else is refused by the trigger below.
CREATE TABLE etl.file_transition (
    from_state etl.file_state NOT NULL,
    to_state   etl.file_state NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO etl.file_transition (from_state, to_state) VALUES
    ('received', 'processing'), ('received', 'awaiting_mapping'), ('received', 'refused'),
    ('received', 'failed'),
    ('awaiting_mapping', 'requeued'), ('awaiting_mapping', 'refused'),
    ('requeued', 'processing'), ('requeued', 'failed'),
    ('processing', 'loaded'), ('processing', 'partly_loaded'), ('processing', 'awaiting_mapping'),
    ('processing', 'retrying'), ('processing', 'refused'), ('processing', 'failed'),
    ('retrying', 'processing'), ('retrying', 'failed'),
    ('loaded', 'requeued'), ('loaded', 'processing'),
    ('partly_loaded', 'requeued'), ('partly_loaded', 'processing'),
    ('refused', 'requeued'), ('refused', 'processing'),
    ('failed', 'requeued'), ('failed', 'processing');

CREATE TABLE etl.etl_file (
    id                    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    seq                   bigint GENERATED ALWAYS AS IDENTITY UNIQUE, -- the order they came in
    tenant_id             text NOT NULL DEFAULT 'default' REFERENCES tenants,
    filename              text NOT NULL,               -- as it may be shown, not as it is kept
    status                etl.file_status NOT NULL DEFAULT 'uploaded',
    state                 etl.file_state NOT NULL,
    origin                text NOT NULL DEFAULT 'http'
        CHECK (origin IN ('http', 'resumable', 'folder', 'cli')),
    layout                text,                        -- which of the five it is, once known
    sha256                text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size_bytes            bigint CHECK (size_bytes >= 0),
    bronze_id             bigint REFERENCES bronze.manifest,
    encoding              text,
    delimiter             text,
    decimal_mark          text CHECK (decimal_mark IN (',', '.')),
    date_format           text,                        -- 'DD/MM/YYYY'
    detected              jsonb NOT NULL DEFAULT '{}', -- what else was seen, and by what
    mapping               jsonb NOT NULL DEFAULT '[]', -- [{header, column, how, score}]
    questions             jsonb NOT NULL DEFAULT '[]', -- what a person must say first
    uploaded_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    processing_started_at timestamptz,
    completed_at          timestamptz,
    updated_at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    error_message         text,
    error_class           text CHECK (error_class IN ('validation', 'connection', 'resource', 'data')),
    rows_read             bigint NOT NULL DEFAULT 0 CHECK (rows_read >= 0),
    rows_loaded           bigint NOT NULL DEFAULT 0 CHECK (rows_loaded >= 0),
    rows_rejected         bigint NOT NULL DEFAULT 0 CHECK (rows_rejected >= 0),
    rows_duplicate        bigint NOT NULL DEFAULT 0 CHECK (rows_duplicate >= 0),
    run_id                uuid,                        -- of the newest run of it
    batch_id              uuid REFERENCES ops.batches, -- of the newest work accepted for it
    duplicate_of          uuid REFERENCES etl.etl_file,
    changed_by            text NOT NULL DEFAULT 'sql', -- who brought it into its state, and why
    change_reason         text,
    CONSTRAINT state_refines_status CHECK (status = etl.status_of(state)),
    CONSTRAINT duplicate_names_the_first CHECK ((state = 'duplicate') = (duplicate_of IS NOT NULL)),
    CONSTRAINT error_says_why CHECK (status <> 'error' OR error_message IS NOT NULL),
    CONSTRAINT rows_balance CHECK (
        status <> 'loaded' OR rows_read = rows_loaded + rows_rejected + rows_duplicate)
);
-- The same bytes of a tenant are one file.
CREATE UNIQUE INDEX etl_file_one_per_bytes ON etl.etl_file (tenant_id, sha256)
    WHERE duplicate_of IS NULL AND bronze_id IS NOT NULL;
CREATE INDEX etl_file_listed ON etl.etl_file (tenant_id, seq DESC);
CREATE INDEX etl_file_open ON etl.etl_file (uploaded_at) WHERE status IN ('uploaded', 'processing');
CREATE INDEX etl_file_changed ON etl.etl_file (updated_at);

-- How each file came to be as it is.
CREATE TABLE etl.etl_file_event (
    event_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    file_id   uuid NOT NULL REFERENCES etl.etl_file,
    state     etl.file_state NOT NULL,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor     text NOT NULL,
    reason    text,
    run_id    uuid,
    error     text
);
CREATE INDEX etl_file_event_file ON etl.etl_file_event (file_id, event_id);

-- Who says only the status means its plain state; times follow the state; what is not in
-- etl.file_transition is refused.
CREATE FUNCTION etl.file_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.state := coalesce(NEW.state, etl.state_of(NEW.status));
        NEW.status := etl.status_of(NEW.state);
    ELSE
        IF NEW.status IS DISTINCT FROM OLD.status AND NEW.state = OLD.state THEN
            NEW.state := etl.state_of(NEW.status);
        END IF;
        NEW.status := etl.status_of(NEW.state);
        NEW.updated_at := greatest(clock_timestamp(), NEW.updated_at);
        IF NEW.state <> OLD.state AND NOT EXISTS (
            SELECT FROM etl.file_transition
            WHERE (from_state, to_state) = (OLD.state, NEW.state)) THEN
            RAISE EXCEPTION 'etl_file: % cannot become %', OLD.state, NEW.state
                USING ERRCODE = 'check_violation', HINT = 'See etl.file_transition.';
        END IF;
    END IF;
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
        IF NEW.state = 'processing' AND (TG_OP = 'UPDATE' OR NEW.processing_started_at IS NULL) THEN
            NEW.processing_started_at := coalesce(
                CASE WHEN TG_OP = 'INSERT' OR OLD.state = 'retrying'
                     THEN NEW.processing_started_at END, clock_timestamp());
        END IF;
        IF NEW.status IN ('uploaded', 'processing') THEN
            NEW.completed_at := NULL;
        ELSE
            NEW.completed_at := CASE WHEN TG_OP = 'INSERT'
                THEN coalesce(NEW.completed_at, clock_timestamp()) ELSE clock_timestamp() END;
        END IF;
        IF NEW.status IN ('loaded', 'processing', 'uploaded') AND NEW.state <> 'retrying' THEN
            NEW.error_message := NULL;
            NEW.error_class := NULL;
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER etl_file_changes BEFORE INSERT OR UPDATE ON etl.etl_file
    FOR EACH ROW EXECUTE FUNCTION etl.file_changes();

CREATE FUNCTION etl.file_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.state <> OLD.state THEN
        INSERT INTO etl.etl_file_event (file_id, state, actor, reason, run_id, error)
        VALUES (NEW.id, NEW.state, NEW.changed_by, NEW.change_reason, NEW.run_id,
                NEW.error_message);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER etl_file_changed AFTER INSERT OR UPDATE ON etl.etl_file
    FOR EACH ROW EXECUTE FUNCTION etl.file_changed();

-- What a person said once of a header or a format, for every later file of that tenant and layout.
-- kind 'column': of the header `said_of` (folded), its column, or '' for none of ours.
-- kind 'layout': of the folded headers, which layout they are. kind 'format': decimal_mark, date_format.
CREATE TABLE etl.file_answer (
    tenant_id  text NOT NULL REFERENCES tenants,
    layout     text NOT NULL,                       -- '' for kind 'layout'
    kind       text NOT NULL CHECK (kind IN ('column', 'layout', 'format')),
    said_of    text NOT NULL,
    answer     text NOT NULL,
    actor      text NOT NULL,
    reason     text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, layout, kind, said_of)
);

-- The rows. Of one key the file that came last is believed (file_seq). file_row is the row's place
-- in its file, from 1: with file_seq, the way back to its bytes. kg and % as the file writes them.

-- 01 histórico de consumo: pen × day.
CREATE TABLE etl.historico_consumo (
    tenant_id         text NOT NULL,
    data              date NOT NULL,
    curral            text NOT NULL,
    lote              text NOT NULL,
    raca              text,
    sexo              text,
    grupo_genetico    text,
    setor             text,
    dieta             text,
    escore_cocho      numeric,
    qtd_animais       integer,
    peso_entrada_kg   numeric,
    peso_estimado_kg  numeric,
    dias_confinados   integer,
    consumo_mn_kg     numeric,                      -- matéria natural, por cabeça
    consumo_ms_kg     numeric,                      -- matéria seca, por cabeça
    cms_previsto_kg   numeric,
    cms_realizado_kg  numeric,
    cms_pv_pc         numeric,                      -- recomputed where both sides are there
    gmd_kg            numeric,
    movimento         text,                         -- what the file says of animals in or out
    sisbov            text,
    gta               text,
    car               text,
    file_seq          bigint NOT NULL,
    file_row          integer NOT NULL,
    run_id            uuid NOT NULL,
    PRIMARY KEY (tenant_id, data, curral, lote)
);

-- 02 desvio de carregamento: ingredient × wagon load.
CREATE TABLE etl.desvio_carregamento (
    tenant_id    text NOT NULL,
    data         date NOT NULL,
    hora         time NOT NULL,
    vagao        text NOT NULL,
    carregamento text NOT NULL,
    ingrediente  text NOT NULL,
    pazeiro      text,
    dieta        text,
    tipo         text,
    previsto_kg  numeric NOT NULL,
    realizado_kg numeric NOT NULL,
    desvio_kg    numeric NOT NULL,                  -- realizado − previsto, recomputed
    desvio_pc    numeric,                           -- null when nothing was planned
    status       text,                              -- VERDE | AMARELO | VERMELHO, recomputed
    carga_kg     numeric,                           -- what the whole load weighed, when told
    file_seq     bigint NOT NULL,
    file_row     integer NOT NULL,
    run_id       uuid NOT NULL,
    PRIMARY KEY (tenant_id, data, vagao, carregamento, ingrediente, hora)
);

-- 03 desvio de distribuição: pen × feeding.
CREATE TABLE etl.desvio_distribuicao (
    tenant_id    text NOT NULL,
    data         date NOT NULL,
    hora         time NOT NULL,
    trato        text NOT NULL,
    curral       text NOT NULL,
    dieta        text,
    previsto_kg  numeric NOT NULL,
    realizado_kg numeric NOT NULL,
    desvio_kg    numeric NOT NULL,                  -- the file's diferenca_kg, recomputed
    desvio_pc    numeric,
    status       text,
    file_seq     bigint NOT NULL,
    file_row     integer NOT NULL,
    run_id       uuid NOT NULL,
    PRIMARY KEY (tenant_id, data, curral, trato, hora)
);

-- 04 itens de trato: ingredient × load.
CREATE TABLE etl.itens_trato (
    tenant_id    text NOT NULL,
    data         date NOT NULL,
    carregamento text NOT NULL,
    ingrediente  text NOT NULL,
    vagao        text,
    dieta        text,
    realizado_kg numeric NOT NULL,
    ms_pc        numeric,
    ndt_pc       numeric,
    carga_kg     numeric,
    file_seq     bigint NOT NULL,
    file_row     integer NOT NULL,
    run_id       uuid NOT NULL,
    PRIMARY KEY (tenant_id, data, carregamento, ingrediente)
);

-- 05 trato por curral: pen × feeding.
CREATE TABLE etl.trato_curral (
    tenant_id    text NOT NULL,
    data         date NOT NULL,
    trato        text NOT NULL,
    curral       text NOT NULL,
    lote         text NOT NULL,
    sexo         text,
    qtd_animais  integer,
    dieta        text,
    previsto_kg  numeric NOT NULL,
    realizado_kg numeric NOT NULL,
    desvio_kg    numeric NOT NULL,
    desvio_pc    numeric,
    status       text,
    sisbov       text,
    gta          text,
    car          text,
    file_seq     bigint NOT NULL,
    file_row     integer NOT NULL,
    run_id       uuid NOT NULL,
    PRIMARY KEY (tenant_id, data, curral, lote, trato)
);

-- Which rows a file has, without an index that every load would pay for.
CREATE INDEX historico_consumo_file ON etl.historico_consumo USING brin (file_seq);
CREATE INDEX desvio_carregamento_file ON etl.desvio_carregamento USING brin (file_seq);
CREATE INDEX desvio_distribuicao_file ON etl.desvio_distribuicao USING brin (file_seq);
CREATE INDEX itens_trato_file ON etl.itens_trato USING brin (file_seq);
CREATE INDEX trato_curral_file ON etl.trato_curral USING brin (file_seq);

-- The dead letters of cattle, in the runbook's words: rows that were put aside, and files (kind
-- cattle.file) that nobody could finish.
CREATE VIEW etl.etl_dead_letter_queue AS
SELECT d.dead_letter_id AS id,
       d.entity_type,
       CASE WHEN d.item_id IS NULL THEN d.reference_period || '/' || d.entity_id
            ELSE coalesce(d.payload ->> 'file_id', d.entity_id) END AS entity_id,
       d.error_type,
       d.reason AS original_error,
       coalesce((SELECT greatest(i.attempt - 1, 0) FROM ops.work_items i
                 WHERE i.item_id = d.item_id), 0) AS retry_count,
       coalesce((SELECT i.max_attempts - 1 FROM ops.work_items i
                 WHERE i.item_id = d.item_id), 0) AS max_retries,
       d.resolved,
       d.resolved_at,
       d.resolved_by,
       d.notes,
       d.created_at_utc AS created_at,
       coalesce(
           (SELECT b.tenant_id FROM ops.work_items i JOIN ops.batches b USING (batch_id)
            WHERE i.item_id = d.item_id),
           (SELECT r.tenant_id FROM ops.pipeline_runs r WHERE r.run_id = d.run_id)) AS tenant_id,
       d.run_id,
       d.item_id,
       coalesce(d.payload ->> 'file_id', d.reference_period) AS file_id
FROM ops.dead_letters d
WHERE d.domain = 'cattle';

-- Resolved by hand, in SQL: who and when are filled in; nothing but the decision can be changed.
CREATE FUNCTION etl.decide_dead_letter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ops.dead_letters
    SET resolved = NEW.resolved,
        resolved_at = CASE WHEN NEW.resolved THEN coalesce(NEW.resolved_at, clock_timestamp()) END,
        resolved_by = CASE WHEN NEW.resolved THEN coalesce(NEW.resolved_by, session_user) END,
        notes = NEW.notes
    WHERE dead_letter_id = OLD.id AND domain = 'cattle';
    RETURN NEW;
END $$;
CREATE TRIGGER decide_dead_letter INSTEAD OF UPDATE ON etl.etl_dead_letter_queue
    FOR EACH ROW EXECUTE FUNCTION etl.decide_dead_letter();
