import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, type LinkProps, Outlet } from '@tanstack/react-router';
import { useEffect, useMemo, useState } from 'react';
import { forgetKey, keepKey, readKey } from '../api/key';
import { signOut, summaryQuery, viewerQuery } from '../api/opsQueries';
import type { Viewer } from '../api/opsTypes';
import { isUnknown } from '../api/problem';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { type Say, useLanguage } from '../i18n/language';
import type { MessageKey } from '../i18n/pt-BR';
import { formatNumber } from '../text/format';
import type { Search } from '../view/address';
import { KeyForm } from './KeyForm';
import styles from './Room.module.css';
import { RoomContext, useRoom } from './room';
import { useLive } from './useLive';
import { useWords } from './words';

/** A message without parameters, whichever it is. */
const named = (say: Say, key: MessageKey) => (say as (key: MessageKey) => string)(key);

/** A section of a room: where it is, and the message that names it. */
export type Section = readonly [to: NonNullable<LinkProps['to']>, name: MessageKey];

interface RoomProps {
  name: MessageKey;
  /** The first is the room's own address. */
  sections: readonly Section[];
  /** The section beside whose name stands how many dead letters wait. */
  letters?: MessageKey;
}

function Sections({ name: room, sections, letters }: RoomProps) {
  const { say, language } = useLanguage();
  const summary = useQuery({ ...summaryQuery, enabled: letters !== undefined });
  const waiting = summary.data?.dead_letters ?? 0;
  const keep = ({ lang }: Search): Search => (lang ? { lang } : {});
  return (
    <nav aria-label={`${say('room.nav')}: ${named(say, room)}`} className={styles.sections}>
      {sections.map(([to, name]) => (
        <Link
          key={to}
          to={to}
          search={keep}
          activeOptions={{ exact: to === sections[0]?.[0], includeSearch: false }}
        >
          {named(say, name)}
          {name === letters && waiting > 0 && (
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

/** Whether the screens hear of changes as they come, in shape and word. */
function LiveMark() {
  const { say } = useLanguage();
  const { live } = useRoom();
  if (live === null) return null;
  return (
    <p className={styles.live} data-live={live}>
      <span aria-hidden="true">{live ? '●' : '○'}</span> {say(live ? 'live.on' : 'live.off')}
    </p>
  );
}

/** The room of who may come in: the ways between its sections, what was just done, one section. */
function Inside(props: { of: RoomProps; viewer: Viewer; onLeave: () => void }) {
  const { of, viewer, onLeave } = props;
  const { say } = useLanguage();
  const [told, setTold] = useState('');
  const live = useLive();
  const room = useMemo(() => ({ viewer, live, tell: setTold }), [viewer, live]);
  return (
    <RoomContext value={room}>
      <div className={styles.bar}>
        <h1>{named(say, of.name)}</h1>
        <LiveMark />
        <Who viewer={viewer} onLeave={onLeave} />
      </div>
      <Sections {...of} />
      <p role="status" className={styles.told}>
        {told}
      </p>
      <Outlet />
    </RoomContext>
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

/** A room and its sections: who may come in, the ways between them, what was just done. */
export function Room(of: RoomProps) {
  const { say } = useLanguage();
  const client = useQueryClient();
  const viewer = useQuery(viewerQuery);
  useTurnedAway();
  const use = (next: string) => {
    keepKey(next);
    void client.resetQueries({ queryKey: ['ops'] });
  };
  const leave = async () => {
    if (viewer.data?.kind === 'session') await signOut();
    forgetKey();
    await client.resetQueries({ queryKey: ['ops'] });
  };
  const nobody = isUnknown(viewer.error);
  const inside = viewer.data !== undefined && !nobody;
  return (
    <div className={styles.room}>
      {!inside && (
        <div className={styles.bar}>
          <h1>{named(say, of.name)}</h1>
        </div>
      )}
      {nobody && <KeyForm refused={readKey() !== null} onKey={use} />}
      {viewer.error && !nobody && (
        <Refusal
          error={viewer.error}
          onRetry={() => void viewer.refetch()}
          kept={viewer.data !== undefined}
        />
      )}
      {viewer.isPending && <Waiting lines={8} />}
      {inside && <Inside of={of} viewer={viewer.data} onLeave={() => void leave()} />}
    </div>
  );
}
