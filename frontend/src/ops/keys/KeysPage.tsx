import { Button, NativeSelect } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keysQuery, revokeKey } from '../../api/opsQueries';
import type { AccessKey } from '../../api/opsTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import bar from '../list/Bar.module.css';
import type { DataColumn } from '../list/DataTable';
import { LocalList } from '../list/LocalList';
import { useListSearch } from '../list/useListSearch';
import { Moment } from '../Moment';
import { NeedsRole } from '../NeedsRole';
import { type Proposal, ReasonDialog } from '../ReasonDialog';
import { reaches, useRoom } from '../room';
import styles from '../Section.module.css';
import { StateMark } from '../StateMark';
import type { State } from '../state';
import { useWords } from '../words';
import { NewKeyDialog } from './NewKeyDialog';

const OF_STATUS: Record<AccessKey['status'], State> = {
  active: 'ok',
  expired: 'warn',
  revoked: 'muted',
};

const keyOf = ({ key_id }: AccessKey) => String(key_id);
const textOf = ({ name, prefix, role }: AccessKey) => `${name} ${prefix} ${role}`;

function useColumns(onRevoke: (key: AccessKey) => void): DataColumn<AccessKey>[] {
  const { say } = useLanguage();
  const words = useWords();
  return [
    {
      id: 'status',
      title: say('ops.col.state'),
      cell: ({ status }) => (
        <>
          <StateMark state={OF_STATUS[status]} /> <small>{words('key.status', status)}</small>
        </>
      ),
      value: ({ status }) => status,
    },
    {
      id: 'name',
      title: say('key.col.name'),
      cell: ({ name }) => name,
      value: ({ name }) => name,
    },
    {
      id: 'role',
      title: say('key.col.role'),
      wide: true,
      cell: ({ role }) => words('role', role),
      value: ({ role }) => role,
    },
    {
      id: 'prefix',
      title: say('key.col.prefix'),
      wide: true,
      cell: ({ prefix }) => <code>{prefix}…</code>,
      value: ({ prefix }) => prefix,
    },
    {
      id: 'created',
      title: say('key.col.created'),
      wide: true,
      cell: ({ created_at }) => <Moment iso={created_at} />,
      value: ({ created_at }) => created_at,
    },
    {
      id: 'used',
      title: say('key.col.used'),
      wide: true,
      cell: ({ last_used_at }) =>
        last_used_at ? <Moment iso={last_used_at} /> : say('key.neverUsed'),
      value: ({ last_used_at }) => last_used_at,
    },
    {
      id: 'ends',
      title: say('key.col.ends'),
      wide: true,
      cell: ({ revoked_at, expires_at }) => <Moment iso={revoked_at ?? expires_at} />,
      value: ({ revoked_at, expires_at }) => revoked_at ?? expires_at,
    },
    {
      id: 'act',
      title: say('list.actions'),
      cell: (key) =>
        key.status === 'active' && (
          <Button
            size="compact-sm"
            variant="default"
            aria-label={`${say('key.revoke')}: ${key.name} (${key.prefix})`}
            onClick={() => onRevoke(key)}
          >
            {say('key.revoke')}
          </Button>
        ),
    },
  ];
}

function Keys() {
  const { say } = useLanguage();
  const words = useWords();
  const client = useQueryClient();
  const { tell } = useRoom();
  const { search, put } = useListSearch();
  const { data, error, refetch } = useQuery(keysQuery);
  const [making, setMaking] = useState(false);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const renew = () => client.invalidateQueries({ queryKey: ['ops'] });
  const columns = useColumns((key) =>
    setProposal({
      title: say('key.revoke.title', { name: key.name }),
      plan: (
        <>
          <p>{say('key.revoke.plan', { prefix: key.prefix, role: words('role', key.role) })}</p>
          <p>{say('key.revoke.final')}</p>
        </>
      ),
      button: say('key.revoke.button'),
      final: true,
      act: async (reason) => {
        await revokeKey(key.key_id, reason);
        tell(say('key.revoked', { name: key.name }));
        await renew();
      },
    }),
  );
  const wanted = search.status === 'ended' ? 'ended' : search.status === 'all' ? 'all' : 'active';
  const items = (data?.items ?? []).filter(
    ({ status }) => wanted === 'all' || (status === 'active') === (wanted === 'active'),
  );
  return (
    <>
      <div className={styles.head}>
        <h2>{say('key.list')}</h2>
        <Button size="compact-sm" onClick={() => setMaking(true)}>
          {say('key.new')}
        </Button>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={6} />}
      {data && (
        <LocalList
          title={say('key.list')}
          name="chaves"
          items={items}
          columns={columns}
          keyOf={keyOf}
          textOf={textOf}
          usual={{ column: 'created', descending: true }}
          filters={
            <NativeSelect
              className={bar.field}
              size="xs"
              label={say('key.show')}
              value={wanted}
              data={[
                { value: 'active', label: say('key.show.active') },
                { value: 'ended', label: say('key.show.ended') },
                { value: 'all', label: say('list.all') },
              ]}
              onChange={({ currentTarget: { value } }) =>
                put({ status: value === 'active' ? undefined : value, page: undefined })
              }
            />
          }
          empty={<p>{say('key.none')}</p>}
        />
      )}
      <NewKeyDialog opened={making} onClose={() => setMaking(false)} onMade={() => void renew()} />
      <ReasonDialog proposal={proposal} onClose={() => setProposal(null)} />
    </>
  );
}

/** Who holds a key, made here and revoked here. */
export function KeysPage() {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  return (
    <section aria-label={say('room.keys')}>
      {reaches(viewer.role, 'admin') ? <Keys /> : <NeedsRole least="admin" />}
    </section>
  );
}
