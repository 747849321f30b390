import { useQuery } from '@tanstack/react-query';
import { checksQuery, connectorsQuery, runsQuery } from '../api/queries';
import { openAlertsQuery } from '../api/watchQueries';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { ChecksList, NeedsList, RunsList, SourcesList } from './lists';
import styles from './Ops.module.css';
import { useRoomNeeds } from './useRoomNeeds';

function useLedger() {
  const runs = useQuery(runsQuery);
  const checks = useQuery(checksQuery);
  const connectors = useQuery(connectorsQuery);
  const all = [runs, checks, connectors];
  return {
    runs: runs.data?.items,
    checks: checks.data?.items,
    connectors: connectors.data?.items,
    error: all.find(({ error }) => error)?.error ?? null,
    readAt: Math.min(...all.map(({ dataUpdatedAt }) => dataUpdatedAt)),
    retry: () => all.map(({ refetch }) => refetch()),
  };
}

/** The first room of operations: what needs me, then sources, runs and checks. */
export function OpsPage() {
  const { say, language } = useLanguage();
  const { runs, checks, connectors, error, readAt, retry } = useLedger();
  const rooms = useRoomNeeds();
  const alerts = useQuery(openAlertsQuery).data;
  const complete = runs && checks && connectors;
  const time = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  return (
    <>
      {error && <Refusal error={error} onRetry={retry} kept={Boolean(complete)} />}
      {complete ? (
        <>
          <NeedsList runs={runs} checks={checks} rooms={rooms} alerts={alerts} />
          <SourcesList connectors={connectors} />
          <RunsList runs={runs} />
          <ChecksList checks={checks} />
          <p className={styles.read}>{say('ops.updated', { time: time.format(readAt) })}</p>
        </>
      ) : (
        !error && <Waiting lines={8} />
      )}
    </>
  );
}
