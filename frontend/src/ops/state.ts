import type { Check, Run } from '../api/types';

/** The five states anything watched can be in. Unknown is a state of its own, never "fine". */
export type State = 'ok' | 'warn' | 'critical' | 'unknown' | 'muted';

export const SHAPE: Record<State, string> = {
  ok: '●',
  warn: '▲',
  critical: '■',
  unknown: '○',
  muted: '◌',
};

const SEVERITY: readonly State[] = ['critical', 'warn', 'unknown', 'muted', 'ok'];

export function bySeverity(a: State, b: State): number {
  return SEVERITY.indexOf(a) - SEVERITY.indexOf(b);
}

const OF_CHECK: Record<Check['status'], State> = { pass: 'ok', warn: 'warn', fail: 'critical' };

const OF_RUN: Record<Run['run_status'], State> = {
  running: 'unknown',
  success: 'ok',
  failed: 'critical',
  blocked: 'warn',
  manual_required: 'warn',
  cancelled: 'muted',
};

export function stateOfCheck({ status }: Pick<Check, 'status'>): State {
  return OF_CHECK[status] ?? 'unknown';
}

export function stateOfRun({ run_status }: Pick<Run, 'run_status'>): State {
  return OF_RUN[run_status] ?? 'unknown';
}

/** The worse, the smaller: for sorting by state. */
export function rankOf(state: State): number {
  return SEVERITY.indexOf(state);
}

function newest<T>(items: readonly T[], keyOf: (item: T) => string, timeOf: (item: T) => string) {
  const latest = new Map<string, T>();
  for (const item of items) {
    const other = latest.get(keyOf(item));
    if (!other || timeOf(item) > timeOf(other)) latest.set(keyOf(item), item);
  }
  return latest;
}

/** The last run of every job. */
export function latestRuns(runs: readonly Run[]): Map<string, Run> {
  return newest(
    runs,
    ({ job_name }) => job_name,
    ({ started_at_utc }) => started_at_utc,
  );
}

/** What each check said in its last run: one check may say several things at once. */
export function latestChecks<T extends Check>(checks: readonly T[]): T[] {
  const latest = newest(
    checks,
    ({ check_name }) => check_name,
    ({ created_at_utc }) => created_at_utc,
  );
  return checks.filter((check) => latest.get(check.check_name)?.run_id === check.run_id);
}

/** A check's reason in words, wherever its details keep it. */
export function reasonOf({ details }: Pick<Check, 'details'>): string {
  for (const name of ['reason', 'message', 'detail', 'motivo']) {
    const text = details?.[name];
    if (typeof text === 'string') return text;
  }
  return '';
}

export interface Need {
  key: string;
  state: State;
  kind: 'check' | 'run';
  name: string;
  reason: string;
  /** What it is about, when it is about several things at once. */
  subjects: string[];
  since: string;
  traceId: string | null;
  /** The run it is. */
  runId: string | null;
}

function needsOfChecks(checks: readonly Check[]): Need[] {
  const groups = new Map<string, Need>();
  for (const check of latestChecks(checks)) {
    const reason = reasonOf(check);
    // Seventeen sources with one reason are one thing to do, not seventeen.
    const key = `${check.check_name}/${check.status}/${reason}`;
    const group = groups.get(key) ?? {
      key,
      state: stateOfCheck(check),
      kind: 'check',
      name: check.check_name,
      reason,
      subjects: [],
      since: check.created_at_utc,
      traceId: null,
      runId: null,
    };
    if (check.subject) group.subjects.push(check.subject);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** What asks for a person now, worst first, then longest waiting. */
export function needsOf(runs: readonly Run[], checks: readonly Check[]): Need[] {
  const ofRuns = [...latestRuns(runs).values()].map(
    (run): Need => ({
      key: `run/${run.run_id}`,
      state: stateOfRun(run),
      kind: 'run',
      name: run.job_name,
      reason: run.error ?? '',
      subjects: [],
      since: run.finished_at_utc ?? run.started_at_utc,
      traceId: run.trace_id ?? null,
      runId: run.run_id,
    }),
  );
  return [...needsOfChecks(checks), ...ofRuns]
    .filter(({ state }) => state === 'critical' || state === 'warn')
    .sort((a, b) => bySeverity(a.state, b.state) || (a.since < b.since ? -1 : 1));
}
