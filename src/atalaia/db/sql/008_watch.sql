-- Checks watch themselves: what a check was about, what a failed one asks of people, and that no
-- run ends without one.

-- subject: what of it was asked (a rule, a source, a job and period). A check that gives several
-- answers in one run gives each under its own subject.
ALTER TABLE ops.pipeline_checks ADD COLUMN subject text NOT NULL DEFAULT '';
CREATE INDEX pipeline_checks_history
    ON ops.pipeline_checks (check_name, subject, created_at_utc DESC);

ALTER TABLE ops.corrective_actions ADD COLUMN subject text NOT NULL DEFAULT '';
DROP INDEX ops.corrective_actions_one_open;
CREATE UNIQUE INDEX corrective_actions_one_open
    ON ops.corrective_actions (check_name, subject) WHERE closed_at_utc IS NULL;

-- fail opens one action per check and subject, pass closes it, warn leaves it as it is (T-059).
-- Here and not in a program, so that whoever writes a check cannot forget it.
CREATE FUNCTION ops.follow_up_checks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ops.corrective_actions AS action
    SET closed_by = asked.check_id, closed_at_utc = clock_timestamp()
    FROM asked
    WHERE asked.status = 'pass' AND action.closed_at_utc IS NULL
      AND action.check_name = asked.check_name AND action.subject = asked.subject;

    INSERT INTO ops.corrective_actions (check_name, subject, opened_by, action)
    SELECT DISTINCT ON (check_name, subject) check_name, subject, check_id,
           concat_ws(' → ', nullif(details->>'reason', ''),
                     coalesce(nullif(details->>'todo', ''), 'Investigar: runbook, seção 10.3.'))
    FROM asked WHERE status = 'fail'
    ORDER BY check_name, subject, check_id
    ON CONFLICT (check_name, subject) WHERE closed_at_utc IS NULL DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER follow_up AFTER INSERT ON ops.pipeline_checks
    REFERENCING NEW TABLE AS asked
    FOR EACH STATEMENT EXECUTE FUNCTION ops.follow_up_checks();

-- SLO-3: every run has a check. How it ended is the first of them; a run that was killed, and is
-- closed by the next one of its job, gets it too.
CREATE FUNCTION ops.check_run_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ops.pipeline_checks
        (run_id, check_name, subject, status, observed, threshold, details)
    VALUES (NEW.run_id, 'run_outcome', NEW.job_name || '/' || NEW.reference_period,
            (CASE NEW.run_status WHEN 'success' THEN 'pass' WHEN 'failed' THEN 'fail'
                                 ELSE 'warn' END)::ops.check_status,
            NEW.run_status, 'success',
            jsonb_strip_nulls(jsonb_build_object('reason', NEW.error, 'verdict', NEW.verdict)));
    RETURN NULL;
END $$;
CREATE TRIGGER check_outcome AFTER UPDATE OF run_status ON ops.pipeline_runs
    FOR EACH ROW WHEN (OLD.run_status = 'running' AND NEW.run_status <> 'running')
    EXECUTE FUNCTION ops.check_run_outcome();
