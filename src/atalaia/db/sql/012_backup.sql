-- Backups of the whole platform, and the drills that prove that they restore.
-- The archives are files; what is known of each is here (docs/backup.md).

CREATE TABLE ops.backups (
    backup_id       uuid PRIMARY KEY,
    file            text NOT NULL,                       -- absolute path on the machine that made it
    sha256          text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size            bigint NOT NULL CHECK (size > 0),
    created_at_utc  timestamptz NOT NULL,                -- the one moment the archive shows
    seconds         numeric NOT NULL CHECK (seconds >= 0),
    row_count       bigint NOT NULL CHECK (row_count >= 0),
    data_hash       text NOT NULL,                       -- of every table, as restored ones must have
    missing_files   integer NOT NULL DEFAULT 0,          -- bronze objects whose bytes were lost before
    actor           text NOT NULL,
    trigger         text NOT NULL,
    reason          text,
    verified_at_utc timestamptz,                         -- restored into a scratch database, and equal
    verify_seconds  numeric,
    problem         text,                                -- what the last verification found, if not
    removed_at_utc  timestamptz                          -- by retention
);
CREATE INDEX backups_newest ON ops.backups (created_at_utc DESC);

-- backup → restore elsewhere → compare all of it, timed from end to end.
CREATE TABLE ops.restore_drills (
    drill_id        uuid PRIMARY KEY,
    backup_id       uuid NOT NULL,
    started_at_utc  timestamptz NOT NULL,
    backup_seconds  numeric NOT NULL,
    restore_seconds numeric NOT NULL,                    -- the recovery time: archive → database
    compare_seconds numeric NOT NULL,
    database_bytes  bigint NOT NULL,
    row_count       bigint NOT NULL,
    passed          boolean NOT NULL,
    problem         text,
    CHECK (passed = (problem IS NULL))
);
CREATE INDEX restore_drills_newest ON ops.restore_drills (started_at_utc DESC);
