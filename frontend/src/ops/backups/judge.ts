import type { Backup } from '../../api/opsTypes';
import type { State } from '../state';

/** Only a backup that was restored and compared is known to be good. */
export function stateOfBackup({ problem, removed_at_utc, verified_at_utc }: Backup): State {
  if (problem !== null) return 'critical';
  if (removed_at_utc !== null) return 'muted';
  return verified_at_utc === null ? 'unknown' : 'ok';
}

/** The one to restore from: the newest that is verified and still there. */
export function bestOf(backups: readonly Backup[]): Backup | undefined {
  return backups
    .filter((backup) => stateOfBackup(backup) === 'ok')
    .reduce<Backup | undefined>(
      (best, one) => (best && best.created_at_utc >= one.created_at_utc ? best : one),
      undefined,
    );
}
