-- How people hear of it: what happened (events), who wants to hear of what (channels), and each
-- telling of one to the other (deliveries), attempt by attempt.

CREATE TYPE ops.channel_kind AS ENUM ('webhook', 'email');

-- active → disabled: by a person, or by the channel itself (a webhook that answers 410)
-- disabled → active: by a person
CREATE TYPE ops.channel_status AS ENUM ('active', 'disabled');

CREATE TABLE ops.channels (
    channel_id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id       text NOT NULL REFERENCES tenants,
    kind            ops.channel_kind NOT NULL,
    name            text NOT NULL CHECK (name <> ''),
    address         text NOT NULL CHECK (address !~ '[[:cntrl:]]'),  -- a URL, or a mailbox
    event_types     text[] NOT NULL CHECK (cardinality(event_types) > 0),  -- alert.opened, alert.*, *
    status          ops.channel_status NOT NULL DEFAULT 'active',
    disabled_at     timestamptz,
    disabled_by     text,
    disabled_reason text,
    failures        integer NOT NULL DEFAULT 0 CHECK (failures >= 0),  -- since the last that went well
    -- What a webhook signs with is made from KEY_PEPPER and this number, and kept nowhere.
    secret_number   integer NOT NULL DEFAULT 1 CHECK (secret_number >= 1),
    secret_made_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    both_until      timestamptz,                    -- until then the secret before signs as well
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by      text NOT NULL,
    CONSTRAINT disabled_by_someone CHECK ((status = 'disabled') = (disabled_at IS NOT NULL)
        AND (disabled_at IS NULL) = (disabled_by IS NULL)),
    CONSTRAINT both_when_rotated CHECK (both_until IS NULL OR secret_number > 1),
    UNIQUE (tenant_id, kind, name)
);

-- Written in the transaction of what happened. Announced again under the same key it is the same.
CREATE TABLE ops.events (
    event_id   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id  text NOT NULL REFERENCES tenants,
    event_type text NOT NULL CHECK (event_type ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$'),
    data       jsonb NOT NULL CHECK (jsonb_typeof(data) = 'object'),
    key        text,
    trace_id   text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX events_one_per_key ON ops.events (tenant_id, event_type, key)
    WHERE key IS NOT NULL;
CREATE INDEX events_recent ON ops.events (tenant_id, created_at DESC);

-- waiting → sending → delivered | waiting (it failed, or its sender died) | exhausted | failed
-- waiting, sending → cancelled: its channel was disabled
-- delivered, exhausted, failed, cancelled → waiting: a person has it sent again
CREATE TYPE ops.delivery_status AS ENUM
    ('waiting', 'sending', 'delivered', 'exhausted', 'failed', 'cancelled');

CREATE TABLE ops.deliveries (
    delivery_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id   text NOT NULL REFERENCES tenants,
    event_id    uuid NOT NULL REFERENCES ops.events,
    channel_id  uuid NOT NULL REFERENCES ops.channels,
    status      ops.delivery_status NOT NULL DEFAULT 'waiting',
    due_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    tries       integer NOT NULL DEFAULT 0 CHECK (tries >= 0),  -- that failed, since it was last asked for
    fence       bigint NOT NULL DEFAULT 0,          -- goes up with each claim; an outcome names its own
    worker_id   uuid,                               -- in ops.workers, whose lease is the claim's
    reason      text,                               -- why it ended otherwise than delivered
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    CONSTRAINT in_hand_when_sending CHECK ((status = 'sending') = (worker_id IS NOT NULL)),
    CONSTRAINT finished_when_final
        CHECK ((status IN ('waiting', 'sending')) = (finished_at IS NULL)),
    UNIQUE (event_id, channel_id)
);
CREATE INDEX deliveries_due ON ops.deliveries (channel_id, due_at, delivery_id)
    WHERE status = 'waiting';
CREATE INDEX deliveries_in_hand ON ops.deliveries (channel_id) WHERE status = 'sending';
CREATE INDEX deliveries_recent ON ops.deliveries (tenant_id, created_at DESC, delivery_id);

-- Every attempt that came to an end, with whose fault it was that it failed.
CREATE TYPE ops.delivery_fault AS ENUM ('ours', 'recipient', 'network');

CREATE TABLE ops.delivery_attempts (
    delivery_id uuid NOT NULL REFERENCES ops.deliveries,
    number      integer NOT NULL CHECK (number >= 1),
    started_at  timestamptz NOT NULL,
    duration_ms integer NOT NULL CHECK (duration_ms >= 0),
    delivered   boolean NOT NULL,
    status_code integer,                            -- of HTTP or of SMTP; null when nobody answered
    error       text,                               -- its class
    fault       ops.delivery_fault,
    answer      text,                               -- how the answer begins, redacted
    PRIMARY KEY (delivery_id, number),
    CONSTRAINT somebodys_fault CHECK (delivered = (fault IS NULL) AND delivered = (error IS NULL))
);
