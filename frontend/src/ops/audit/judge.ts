import type { AuditChain, AuditChains, Judgement } from '../../api/opsTypes';
import type { State } from '../state';

export const STATE_OF: Record<Judgement, State> = {
  ok: 'ok',
  warn: 'warn',
  fail: 'critical',
  unknown: 'unknown',
};

/** The chains that ask for a person, the worst first. */
export function troubled({ items }: AuditChains): AuditChain[] {
  const order: Judgement[] = ['fail', 'warn', 'unknown'];
  return items
    .filter(({ state }) => state !== 'ok')
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
}

/**
 * A day as the reader means it (2026-11-22, in the reader's zone) as the moments it begins and ends
 * at; undefined for what is no day.
 */
export function dayBounds(day: string | undefined): { begins: string; ends: string } | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day ?? '');
  if (!match) return undefined;
  const [year, month, date] = match.slice(1).map(Number) as [number, number, number];
  const begins = new Date(year, month - 1, date);
  if (begins.getMonth() !== month - 1) return undefined;
  return { begins: begins.toISOString(), ends: new Date(year, month - 1, date + 1).toISOString() };
}
