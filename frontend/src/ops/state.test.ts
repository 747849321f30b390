import { describe, expect, it } from 'vitest';
import type { Check, Run } from '../api/types';
import { bySeverity, latestChecks, needsOf, SHAPE, type State } from './state';

function run(
  job_name: string,
  run_status: Run['run_status'],
  hour: number,
  extra: Partial<Run> = {},
): Run {
  const at = `2026-11-22T${String(hour).padStart(2, '0')}:00:00Z`;
  return {
    run_id: `${job_name}-${hour}`,
    job_name,
    run_status,
    reference_period: '2019',
    source_type: 'web',
    rows_read: 1,
    rows_loaded: 1,
    rows_rejected: 0,
    rows_duplicate: 0,
    verdict: null,
    trace_id: null,
    error: null,
    started_at_utc: at,
    finished_at_utc: at,
    ...extra,
  };
}

const CHECKS = ['a/old/fail', 'a/new/pass', 'a/new/warn', 'b/new/warn', 'b/new/fail'];

function check(check_name: string, status: Check['status'], run_id: string, hour: number): Check {
  return {
    check_id: CHECKS.indexOf(`${check_name}/${run_id}/${status}`),
    subject: null,
    check_name,
    status,
    run_id,
    observed: 1,
    threshold: 0,
    details: { reason: 'porque sim' },
    created_at_utc: `2026-11-22T${String(hour).padStart(2, '0')}:00:00Z`,
  };
}

describe('states', () => {
  it('differ by shape, not by colour alone', () => {
    expect(new Set(Object.values(SHAPE)).size).toBe(5);
  });

  it('come worst first, and unknown is worse than fine', () => {
    const states: State[] = ['ok', 'muted', 'unknown', 'warn', 'critical'];
    expect(states.sort(bySeverity)).toEqual(['critical', 'warn', 'unknown', 'muted', 'ok']);
  });
});

describe('what needs me now', () => {
  it('forgets a failure that a later run made good', () => {
    const runs = [run('ibge_admin', 'failed', 1), run('ibge_admin', 'success', 2)];
    expect(needsOf(runs, [])).toEqual([]);
  });

  it('forgets a check that passed since, and keeps all a check said in its last run', () => {
    const checks = [
      check('a', 'fail', 'old', 1),
      check('a', 'pass', 'new', 2),
      check('b', 'warn', 'new', 2),
      check('b', 'fail', 'new', 2),
    ];
    expect(latestChecks(checks).map(({ check_id }) => CHECKS[check_id])).toEqual([
      'a/new/pass',
      'b/new/warn',
      'b/new/fail',
    ]);
    expect(needsOf([], checks).map(({ state }) => state)).toEqual(['critical', 'warn']);
  });

  it('tells one reason once, with everything it is about', () => {
    const two = ['anac', 'aneel'].map((subject, index) => ({
      ...check('a', 'warn', 'new', 2),
      check_id: index,
      subject,
    }));
    expect(needsOf([], two)).toMatchObject([{ name: 'a', subjects: ['anac', 'aneel'] }]);
  });

  it('carries the reason, the age and the trace', () => {
    const failed = run('x', 'failed', 3, { error: 'tempo esgotado', trace_id: 'abc' });
    expect(needsOf([failed], [])[0]).toMatchObject({
      reason: 'tempo esgotado',
      since: '2026-11-22T03:00:00Z',
      traceId: 'abc',
    });
  });
});
