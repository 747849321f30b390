-- Whose an incident is, and what becomes of its post-mortem once it is over.

-- The domain whose words its texts have and whose contacts are called; '' is the platform.
ALTER TABLE ops.incidents ADD COLUMN domain text NOT NULL DEFAULT '';

-- postmortem_due: it was due and nobody had written it; postmortem: it is written, `says` where.
ALTER TABLE ops.incident_events
    DROP CONSTRAINT incident_events_kind_check,
    ADD CONSTRAINT incident_events_kind_check CHECK (kind IN (
        'declared', 'updated', 'alert', 'escalated', 'reminded', 'snapshot', 'resolved',
        'postmortem_due', 'postmortem'));
CREATE UNIQUE INDEX incident_events_once ON ops.incident_events (incident_id, kind)
    WHERE kind IN ('resolved', 'postmortem_due', 'postmortem');
