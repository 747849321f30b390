import type { Incident, Severity } from '../../api/watchTypes';
import type { State } from '../state';

/** What each ladder calls a severity: ours, SEV-1…SEV-4, P1…P4. */
export const LADDER: Record<Severity, readonly [sev: string, p: string]> = {
  critical: ['SEV-1', 'P1'],
  high: ['SEV-2', 'P2'],
  normal: ['SEV-3', 'P3'],
  low: ['SEV-4', 'P4'],
};

export function stateOfIncident({
  status,
  severity,
}: Pick<Incident, 'status' | 'severity'>): State {
  if (status === 'resolved') return 'ok';
  return severity === 'critical' || severity === 'high' ? 'critical' : 'warn';
}
