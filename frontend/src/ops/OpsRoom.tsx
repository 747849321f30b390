import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { forgetKey, keepKey, readKey } from '../api/key';
import { signOut, summaryQuery, viewerQuery } from '../api/opsQueries';
import type { Viewer } from '../api/opsTypes';
import { ProblemError } from '../api/problem';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { formatNumber } from '../text/format';
import type { Search } from '../view/address';
import { KeyForm } from './KeyForm';
import styles from './OpsRoom.module.css';
import { RoomContext } from './room';
import { useWords } from './words';

const SECTIONS = [
  ['/operacoes', 'room.now'],
  ['/operacoes/fila', 'room.queue'],
  ['/operacoes/mortos', 'room.letters'],
  ['/operacoes/chaves', 'room.keys'],
  ['/operacoes/auditoria', 'room.audit'],
  ['/operacoes/copias', 'room.backups'],
] as const;

function isUnknown(error: Error | null): boolean {
  return error instanceof ProblemError && error.problem.status === 401;
}

function Sections() {
  const { say, language } = useLanguage();
  const waiting = useQuery(summaryQuery).data?.dead_letters ?? 0;
  const keep = ({ lang }: Search): Search => (lang ? { lang } : {});
  return (
    <nav aria-label={say('room.nav')} className={styles.sections}>
      {SECTIONS.map(([to, name]) => (
        <Link
          key={to}
          to={to}
          search={keep}
          activeOptions={{ exact: to === '/operacoes', includeSearch: false }}
        >
          {say(name)}
          {name === 'room.letters' && waiting > 0 && (
            <>
              {' '}
              <span className={styles.count}>{formatNumber(waiting, 0, language)}</span>
            </>
          )}
        </Link>
      ))}
    </nav>
  );
}

function Who({ viewer, onLeave }: { viewer: Viewer; onLeave: () => void }) {
  const { say } = useLanguage();
  const words = useWords();
  return (
    <p className={styles.who}>
      {say('room.who', { name: viewer.name, role: words('role', viewer.role) })}
      <Button size="compact-sm" variant="default" onClick={onLeave}>
        {say(viewer.kind === 'session' ? 'room.signOut' : 'key.forget')}
      </Button>
    </p>
  );
}

/** A key revoked, or a session that ended, while a section was open: who is here is asked anew. */
function useTurnedAway() {
  const client = useQueryClient();
  useEffect(
    () =>
      client.getQueryCache().subscribe(({ type, query }) => {
        const [room, what] = query.queryKey;
        const refused = type === 'updated' && isUnknown(query.state.error);
        if (room !== 'ops' || what === 'viewer' || !refused) return;
        void client.invalidateQueries({ queryKey: viewerQuery.queryKey });
      }),
    [client],
  );
}

/** The rooms of operations: who may come in, the ways between them, what was just done. */
export function OpsRoom() {
  const { say } = useLanguage();
  const client = useQueryClient();
  const [told, setTold] = useState('');
  const viewer = useQuery(viewerQuery);
  useTurnedAway();
  const use = (next: string) => {
    keepKey(next);
    void client.resetQueries({ queryKey: ['ops'] });
  };
  const leave = async () => {
    if (viewer.data?.kind === 'session') await signOut();
    forgetKey();
    setTold('');
    await client.resetQueries({ queryKey: ['ops'] });
  };
  const nobody = isUnknown(viewer.error);
  return (
    <div className={styles.room}>
      <div className={styles.bar}>
        <h1>{say('ops.title')}</h1>
        {viewer.data && !nobody && <Who viewer={viewer.data} onLeave={() => void leave()} />}
      </div>
      {nobody && <KeyForm refused={readKey() !== null} onKey={use} />}
      {viewer.error && !nobody && (
        <Refusal
          error={viewer.error}
          onRetry={() => void viewer.refetch()}
          kept={viewer.data !== undefined}
        />
      )}
      {viewer.isPending && <Waiting lines={8} />}
      {viewer.data && !nobody && (
        <RoomContext value={{ viewer: viewer.data, tell: setTold }}>
          <Sections />
          <p role="status" className={styles.told}>
            {told}
          </p>
          <Outlet />
        </RoomContext>
      )}
    </div>
  );
}
