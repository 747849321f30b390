import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { forgetKey, keepKey, readKey } from '../api/key';
import { summaryQuery } from '../api/opsQueries';
import { ProblemError } from '../api/problem';
import { useLanguage } from '../i18n/language';
import type { Search } from '../view/address';
import { KeyForm } from './KeyForm';
import styles from './OpsRoom.module.css';
import { RoomContext } from './room';

function asksForKey(error: Error | null): boolean {
  const status = error instanceof ProblemError ? error.problem.status : 0;
  return status === 401 || status === 403;
}

const SECTIONS = [
  ['/operacoes', 'room.now'],
  ['/operacoes/auditoria', 'room.audit'],
] as const;

function Sections() {
  const { say } = useLanguage();
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
        </Link>
      ))}
    </nav>
  );
}

/** The rooms of operations: who may come in, the ways between them, what was just done. */
export function OpsRoom() {
  const { say } = useLanguage();
  const client = useQueryClient();
  const [key, setKey] = useState(readKey);
  const [told, setTold] = useState('');
  const summary = useQuery({ ...summaryQuery, enabled: key !== null });
  const room = useMemo(() => ({ tell: setTold }), []);
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
  const refused = key !== null && asksForKey(summary.error);
  const closed = key === null || refused;
  return (
    <div className={styles.room}>
      <div className={styles.bar}>
        <h1>{say('ops.title')}</h1>
        {!closed && (
          <Button size="compact-sm" variant="default" onClick={forget}>
            {say('key.forget')}
          </Button>
        )}
      </div>
      {closed ? (
        <KeyForm refused={refused} onKey={use} />
      ) : (
        <RoomContext value={room}>
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
