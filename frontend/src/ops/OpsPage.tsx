import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { forgetKey, keepKey, readKey } from '../api/key';
import { ProblemError } from '../api/problem';
import { checksQuery, connectorsQuery, runsQuery } from '../api/queries';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { KeyForm } from './KeyForm';
import { ChecksList, NeedsList, RunsList, SourcesList } from './lists';
import styles from './Ops.module.css';

function asksForKey(error: Error | null): boolean {
  const status = error instanceof ProblemError ? error.problem.status : 0;
  return status === 401 || status === 403;
}

function useRoom(key: string | null) {
  const enabled = key !== null;
  const runs = useQuery({ ...runsQuery, enabled });
  const checks = useQuery({ ...checksQuery, enabled });
  const connectors = useQuery({ ...connectorsQuery, enabled });
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

/** The room of operations: first what needs me, then sources, runs and checks. */
export function OpsPage() {
  const { say, language } = useLanguage();
  const client = useQueryClient();
  const [key, setKey] = useState(readKey);
  const room = useRoom(key);
  const refused = key !== null && asksForKey(room.error);
  const use = (next: string) => {
    keepKey(next);
    setKey(next);
    void client.resetQueries({ queryKey: ['ops'] });
  };
  const forget = () => {
    forgetKey();
    setKey(null);
    client.removeQueries({ queryKey: ['ops'] });
  };
  const { runs, checks, connectors, error } = room;
  if (key === null || refused) {
    return (
      <div className={styles.page}>
        <h1>{say('ops.title')}</h1>
        <KeyForm refused={refused} onKey={use} />
      </div>
    );
  }
  const complete = runs && checks && connectors;
  const time = new Intl.DateTimeFormat(language, { timeStyle: 'medium' });
  return (
    <div className={styles.page}>
      <div className={styles.bar}>
        <h1>{say('ops.title')}</h1>
        {complete && <p>{say('ops.updated', { time: time.format(room.readAt) })}</p>}
        <Button size="compact-sm" variant="default" onClick={forget}>
          {say('key.forget')}
        </Button>
      </div>
      {error && <Refusal error={error} onRetry={room.retry} kept={Boolean(complete)} />}
      {complete ? (
        <>
          <NeedsList runs={runs} checks={checks} />
          <SourcesList connectors={connectors} />
          <RunsList runs={runs} />
          <ChecksList checks={checks} />
        </>
      ) : (
        !error && <Waiting lines={8} />
      )}
    </div>
  );
}
