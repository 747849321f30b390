import { useQuery } from '@tanstack/react-query';
import { checksQuery, runsQuery } from '../api/queries';
import { openAlertsQuery } from '../api/watchQueries';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { NeedsList, RunsList } from './lists';
import styles from './Ops.module.css';
import { useRoom } from './room';
import { NowSources } from './sources/NowSources';
import { useRoomNeeds } from './useRoomNeeds';

function useLedger() {
  const runs = useQuery(runsQuery);
  const checks = useQuery(checksQuery);
  const all = [runs, checks];
  return {
    runs: runs.data?.items,
    checks: checks.data?.items,
    error: all.find(({ error }) => error)?.error ?? null,
    readAt: Math.min(...all.map(({ dataUpdatedAt }) => dataUpdatedAt)),
    retry: () => all.map(({ refetch }) => refetch()),
  };
}

/** The first room of operations: what needs me, then sources and runs. */
export function OpsPage() {
  const { say, language } = useLanguage();
  const { runs, checks, error, readAt, retry } = useLedger();
  const { live } = useRoom();
  const rooms = useRoomNeeds();
  const alerts = useQuery(openAlertsQuery).data;
  const complete = runs && checks;
  const time = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  return (
    <>
      {error && <Refusal error={error} onRetry={retry} kept={Boolean(complete)} />}
      {complete ? (
        <>
          <NeedsList runs={runs} checks={checks} rooms={rooms} alerts={alerts} />
          <NowSources />
          <RunsList runs={runs} />
          <p className={styles.read}>
            {say(live ? 'ops.updatedLive' : 'ops.updated', { time: time.format(readAt) })}
          </p>
        </>
      ) : (
        !error && <Waiting lines={8} />
      )}
    </>
  );
}
