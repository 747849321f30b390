-- What calls a person, what is done about it, and when nobody is to be called (docs/alerts.md,
-- docs/incidents.md).

-- One scale for everything; docs/alerts.md maps it to the ladders of each system (X-27).
CREATE TYPE ops.severity AS ENUM ('low', 'normal', 'high', 'critical');
-- ok | late | failed | unknown (it could not be asked) | silenced (shown, never kept: a window or a
-- person silences what is late, failed or unknown)
CREATE TYPE ops.watch_state AS ENUM ('ok', 'late', 'failed', 'unknown', 'silenced');

-- The last answer of each rule about each subject (a source, a job, a disk), good ones too.
CREATE TABLE ops.watched (
    rule      text NOT NULL,
    subject   text NOT NULL DEFAULT '',
    state     ops.watch_state NOT NULL CHECK (state <> 'silenced'),
    value     double precision,                     -- as measured; null when it could not be
    threshold double precision,                     -- above it the rule fires
    says      text NOT NULL DEFAULT '',
    since     timestamptz NOT NULL,                 -- it has been in this state since
    asked_at  timestamptz NOT NULL,
    changes   timestamptz[] NOT NULL DEFAULT '{}',  -- when it turned, in the last hour: flapping
    PRIMARY KEY (rule, subject)
);

-- The last round that was completed: what is older than it was not asked.
CREATE TABLE ops.watch_round (
    only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    rules       integer NOT NULL,
    unasked     integer NOT NULL                    -- rules whose watcher failed
);

-- late | failed | unknown → any of them → ok; ok is final, but for one that turns bad again within
-- its cooldown: it is the same alert, opened again.
CREATE TABLE ops.alerts (
    alert_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule               text NOT NULL,
    subject            text NOT NULL DEFAULT '',
    dedup_key          text NOT NULL,
    title              text NOT NULL,
    says               text NOT NULL,               -- what was found, in words
    owner              text NOT NULL,
    severity           ops.severity NOT NULL,
    state              ops.watch_state NOT NULL CHECK (state <> 'silenced'),
    value              double precision,
    threshold          double precision,
    runbook            text NOT NULL,
    arguments          jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(arguments) = 'object'),
    first_seen_at      timestamptz NOT NULL,
    last_seen_at       timestamptz NOT NULL,
    count              integer NOT NULL DEFAULT 1 CHECK (count >= 1),  -- times it turned bad
    flapping           boolean NOT NULL DEFAULT false,
    follows            bigint REFERENCES ops.alerts,  -- the alert of its cause: it is not told
    told               text CHECK (told IN ('opened', 'escalated', 'reminded', 'resolved')),
    told_at            timestamptz,
    told_severity      ops.severity,
    acknowledged_at    timestamptz,
    acknowledged_by    text,
    acknowledge_reason text,
    acknowledged_until timestamptz,
    silenced_by        text,
    silence_reason     text,
    silenced_until     timestamptz,
    resolved_at        timestamptz,
    CONSTRAINT ok_when_resolved CHECK ((state = 'ok') = (resolved_at IS NOT NULL)),
    CONSTRAINT told_once_whole CHECK ((told IS NULL) = (told_at IS NULL)),
    CONSTRAINT acknowledged_by_someone CHECK (
        (acknowledged_at IS NULL) = (acknowledged_by IS NULL)
        AND (acknowledged_at IS NULL) = (acknowledge_reason IS NULL)),
    CONSTRAINT silenced_by_someone CHECK ((silenced_until IS NULL) = (silenced_by IS NULL)),
    CONSTRAINT follows_another CHECK (follows <> alert_id)
);
CREATE UNIQUE INDEX alerts_one_open_per_cause ON ops.alerts (dedup_key) WHERE resolved_at IS NULL;
CREATE INDEX alerts_newest ON ops.alerts (last_seen_at DESC, alert_id DESC);
CREATE INDEX alerts_of_cause ON ops.alerts (dedup_key, alert_id DESC);

-- Work announced beforehand: nobody is called about it, checks go on, SLOs leave it out.
-- Empty lists mean every rule, and every subject. A window called off ends at that moment.
CREATE TABLE ops.maintenance_windows (
    window_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title         text NOT NULL CHECK (btrim(title) <> ''),
    rules         text[] NOT NULL DEFAULT '{}',
    subjects      text[] NOT NULL DEFAULT '{}',
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by    text NOT NULL,
    reason        text NOT NULL,
    cancelled_at  timestamptz,
    cancelled_by  text,
    cancel_reason text,
    CONSTRAINT ends_after_it_starts CHECK (ends_at > starts_at),
    CONSTRAINT cancelled_by_someone CHECK ((cancelled_at IS NULL) = (cancelled_by IS NULL))
);
CREATE INDEX maintenance_windows_when ON ops.maintenance_windows (starts_at, ends_at);

-- When a window really was: [starts_at, until).
CREATE VIEW ops.maintenance AS
SELECT window_id, title, rules, subjects, starts_at,
       greatest(starts_at, least(ends_at, coalesce(cancelled_at, ends_at))) AS until
FROM ops.maintenance_windows;

-- Alerts as they are shown: `shown` is the state with silence in it; `acknowledged` holds until the
-- moment the person said, or until it is resolved.
CREATE VIEW ops.alerts_now AS
SELECT a.*, m.window_id,
       CASE WHEN a.state <> 'ok' AND (a.silenced_until > now() OR m.window_id IS NOT NULL)
            THEN 'silenced' ELSE a.state END AS shown,
       a.acknowledged_at IS NOT NULL
           AND coalesce(a.acknowledged_until > now(), true) AS acknowledged
FROM ops.alerts a
LEFT JOIN LATERAL (
    SELECT w.window_id FROM ops.maintenance w
    WHERE w.starts_at <= now() AND now() < w.until
      AND (w.rules = '{}' OR a.rule = ANY (w.rules))
      AND (w.subjects = '{}' OR a.subject = ANY (w.subjects))
    ORDER BY w.until DESC LIMIT 1) AS m ON true;

-- investigating ⇄ identified ⇄ monitoring, in any order, → resolved; nothing leaves resolved.
CREATE TYPE ops.incident_status AS ENUM ('investigating', 'identified', 'monitoring', 'resolved');

CREATE TABLE ops.incidents (
    incident_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title              text NOT NULL CHECK (btrim(title) <> ''),
    severity           ops.severity NOT NULL,
    status             ops.incident_status NOT NULL DEFAULT 'investigating',
    impact             text NOT NULL DEFAULT '',
    affected           text[] NOT NULL DEFAULT '{}',
    commander          text NOT NULL,
    started_at         timestamptz NOT NULL,        -- when the trouble began, not when it was told
    declared_at        timestamptz NOT NULL,
    declared_by        text NOT NULL,
    escalation_level   smallint NOT NULL DEFAULT 1 CHECK (escalation_level >= 1),
    next_update_due_at timestamptz,
    reminded_at        timestamptz,                 -- of that update
    resolved_at        timestamptz,
    resolved_by        text,
    root_cause         text,
    resolution         text,
    prevention         text,
    postmortem_due_at  timestamptz,
    CONSTRAINT whole_when_resolved CHECK (
        (status = 'resolved') = (resolved_at IS NOT NULL)
        AND (status = 'resolved') = (resolved_by IS NOT NULL)
        AND (status = 'resolved') = (root_cause IS NOT NULL)
        AND (status = 'resolved') = (resolution IS NOT NULL)
        AND (status = 'resolved') = (postmortem_due_at IS NOT NULL)
        AND (status = 'resolved') = (next_update_due_at IS NULL)),
    CONSTRAINT begins_before_it_ends CHECK (started_at <= declared_at AND declared_at <= resolved_at)
);
CREATE INDEX incidents_newest ON ops.incidents (declared_at DESC, incident_id DESC);
CREATE INDEX incidents_open ON ops.incidents (incident_id) WHERE status <> 'resolved';

CREATE FUNCTION ops.keep_incident_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.status = 'resolved' THEN
        RAISE EXCEPTION 'incident % is resolved, or would be removed: neither changes', OLD.incident_id
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.escalation_level < OLD.escalation_level OR NEW.declared_at <> OLD.declared_at THEN
        RAISE EXCEPTION 'incident % does not go back', OLD.incident_id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER resolved_is_final BEFORE UPDATE OR DELETE ON ops.incidents
    FOR EACH ROW EXECUTE FUNCTION ops.keep_incident_final();

-- An alert belongs to one incident at most.
CREATE TABLE ops.incident_alerts (
    alert_id    bigint PRIMARY KEY REFERENCES ops.alerts,
    incident_id bigint NOT NULL REFERENCES ops.incidents,
    added_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX incident_alerts_of ON ops.incident_alerts (incident_id);

-- The timeline: what happened, in order. It only grows.
CREATE TABLE ops.incident_events (
    event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES ops.incidents,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind        text NOT NULL CHECK (kind IN ('declared', 'updated', 'alert', 'escalated', 'reminded',
                                              'snapshot', 'resolved')),
    actor       text NOT NULL,
    says        text NOT NULL,
    details     jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX incident_events_of ON ops.incident_events (incident_id, event_id);

CREATE FUNCTION ops.refuse_timeline_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ops.incident_events only grows: an event is added, never changed or removed';
END $$;
CREATE TRIGGER timeline_only_grows BEFORE UPDATE OR DELETE ON ops.incident_events
    FOR EACH STATEMENT EXECUTE FUNCTION ops.refuse_timeline_change();

-- What everything looked like at a moment of an incident: a file of DATA_DIR, with its hash.
CREATE TABLE ops.incident_snapshots (
    snapshot_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint REFERENCES ops.incidents,
    path        text NOT NULL UNIQUE,                 -- below DATA_DIR
    sha256      text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    size        bigint NOT NULL CHECK (size > 0),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       text NOT NULL,
    reason      text NOT NULL
);
