import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type AccessKey, ROLES, type Role } from '../api/opsTypes';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { Secret } from '../ops/fields';
import { DataTable } from '../ops/list/DataTable';
import { Moment } from '../ops/Moment';
import { NeedsRole } from '../ops/NeedsRole';
import { ReasonDialog } from '../ops/ReasonDialog';
import { reaches, useRoom } from '../ops/room';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { useProposal } from '../ops/useProposal';
import { useWords } from '../ops/words';
import { formatNumber } from '../text/format';
import styles from './Equivalence.module.css';
import {
  createTenant,
  createTenantKey,
  revokeTenantKey,
  setQuota,
  tenantKeysQuery,
  tenantsQuery,
} from './queries';
import type { Tenant } from './types';

const QUOTAS = ['equivalence.evaluate', 'equivalence.batch'] as const;

/** What an administrator of the house does for a tenant. */
function useTenantActs() {
  const { say } = useLanguage();
  const words = useWords();
  const { proposal, close, propose, done } = useProposal();
  const create = () =>
    propose({
      title: say('eq.newTenant'),
      plan: <p>{say('eq.newTenant.plan')}</p>,
      fields: [
        {
          name: 'tenant_id',
          label: say('eq.tenantId'),
          help: say('eq.tenantId.help'),
          required: true,
          most: 63,
        },
        { name: 'name', label: say('key.col.name'), required: true, most: 80 },
      ],
      button: say('channel.make'),
      act: async (reason, { tenant_id = '', name = '' }) => {
        await createTenant({ tenant_id, name, reason });
        await done(say('channel.made', { name }));
      },
    });
  const newKey = ({ tenant_id, name: tenant }: Tenant) =>
    propose({
      title: say('eq.newKey.title', { tenant }),
      plan: <p>{say('eq.newKey.plan')}</p>,
      fields: [
        {
          name: 'name',
          label: say('key.col.name'),
          help: say('key.name.help'),
          required: true,
          most: 80,
        },
        {
          name: 'role',
          label: say('key.col.role'),
          kind: 'choice',
          initial: 'client',
          options: ROLES.map((role) => [role, words('role', role)]),
        },
        { name: 'days', label: say('key.days'), help: say('key.days.help'), most: 4 },
      ],
      button: say('key.make'),
      act: async (reason, { name = '', role, days }) => {
        const expires_days = days ? Number(days) : null;
        const wanted = { tenant_id, name, role: role as Role, expires_days, reason };
        const made = await createTenantKey(wanted);
        await done(say('channel.made', { name }));
        return new Secret(made.key, say('key.label'), say('key.made', { name }));
      },
    });
  const quota = ({ tenant_id, name: tenant, quotas }: Tenant) =>
    propose({
      title: say('eq.quota.title', { tenant }),
      plan: <p>{say('eq.quota.plan')}</p>,
      fields: [
        {
          name: 'quota',
          label: say('eq.quota.what'),
          kind: 'choice',
          initial: QUOTAS[0],
          options: QUOTAS.map((one) => [
            one,
            `${words('eq.quota', one)} (${quotas[one] ?? say('eq.quota.usual')})`,
          ]),
        },
        { name: 'per_minute', label: say('eq.perMinute'), help: say('eq.perMinute.help'), most: 6 },
      ],
      button: say('eq.quota.button'),
      act: async (reason, { quota: of = '', per_minute }) => {
        const told = { tenant_id, quota: of, per_minute: per_minute ? Number(per_minute) : null };
        await setQuota({ ...told, reason });
        await done(say('eq.quota.set', { tenant }));
      },
    });
  const revoke = ({ prefix, name }: AccessKey) =>
    propose({
      title: say('eq.revoke.title', { name }),
      plan: <p>{say('eq.revoke.plan')}</p>,
      button: say('eq.revoke'),
      final: true,
      act: async (reason) => {
        await revokeTenantKey(prefix, reason);
        await done(say('eq.revoked', { name }));
      },
    });
  return { proposal, close, create, newKey, quota, revoke };
}

function Keys({ onRevoke }: { onRevoke: (key: AccessKey) => void }) {
  const { say } = useLanguage();
  const words = useWords();
  const { data, error, refetch } = useQuery(tenantKeysQuery);
  return (
    <>
      <div className={section.head}>
        <h2>{say('eq.keys')}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data && (
        <DataTable
          caption={say('eq.keys')}
          items={data.items}
          keyOf={({ prefix }) => prefix}
          empty={<p>{say('eq.noKeys')}</p>}
          columns={[
            {
              id: 'state',
              title: say('ops.col.state'),
              cell: ({ status }) => (
                <>
                  <StateMark state={status === 'active' ? 'ok' : 'muted'} />{' '}
                  <small>{words('key.status', status)}</small>
                </>
              ),
            },
            { id: 'tenant', title: say('eq.tenant'), cell: ({ tenant_id }) => tenant_id },
            { id: 'name', title: say('key.col.name'), cell: ({ name }) => name },
            {
              id: 'role',
              title: say('key.col.role'),
              wide: true,
              cell: ({ role }) => words('role', role),
            },
            {
              id: 'prefix',
              title: say('eq.prefix'),
              wide: true,
              cell: ({ prefix }) => <code>{prefix}</code>,
            },
            {
              id: 'used',
              title: say('eq.lastUsed'),
              wide: true,
              cell: ({ last_used_at }) => <Moment iso={last_used_at} />,
            },
            {
              id: 'act',
              title: say('list.actions'),
              cell: (key) =>
                key.status === 'active' ? (
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={`${say('eq.revoke')}: ${key.name}`}
                    onClick={() => onRevoke(key)}
                  >
                    {say('eq.revoke')}
                  </Button>
                ) : (
                  '—'
                ),
            },
          ]}
        />
      )}
    </>
  );
}

function Admin() {
  const { say, language } = useLanguage();
  const acts = useTenantActs();
  const { data, error, refetch } = useQuery(tenantsQuery);
  const quotaOf = ({ quotas }: Tenant, name: string) =>
    quotas[name] === undefined ? say('eq.quota.usual') : formatNumber(quotas[name], 0, language);
  return (
    <>
      <div className={section.head}>
        <h2>{say('eq.tenants')}</h2>
        <Button size="compact-sm" variant="default" onClick={acts.create}>
          {say('eq.newTenant')}
        </Button>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={6} />}
      {data && (
        <DataTable
          caption={say('eq.tenants')}
          items={data.items}
          keyOf={({ tenant_id }) => tenant_id}
          empty={null}
          columns={[
            {
              id: 'id',
              title: say('eq.tenant'),
              cell: ({ tenant_id }) => <code>{tenant_id}</code>,
            },
            { id: 'name', title: say('key.col.name'), cell: ({ name }) => name },
            {
              id: 'keys',
              title: say('eq.goodKeys'),
              numeric: true,
              cell: ({ keys }) => formatNumber(keys, 0, language),
            },
            {
              id: 'evaluate',
              title: say('eq.evaluatePerMinute'),
              numeric: true,
              wide: true,
              cell: (one) => quotaOf(one, QUOTAS[0]),
            },
            {
              id: 'batch',
              title: say('eq.batchPerMinute'),
              numeric: true,
              wide: true,
              cell: (one) => quotaOf(one, QUOTAS[1]),
            },
            {
              id: 'act',
              title: say('list.actions'),
              cell: (one) => (
                <span className={styles.acts}>
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={`${say('eq.newKey')}: ${one.name}`}
                    onClick={() => acts.newKey(one)}
                  >
                    {say('eq.newKey')}
                  </Button>
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={`${say('eq.quota')}: ${one.name}`}
                    onClick={() => acts.quota(one)}
                  >
                    {say('eq.quota')}
                  </Button>
                </span>
              ),
            },
          ]}
        />
      )}
      <Keys onRevoke={acts.revoke} />
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </>
  );
}

/** Who asks: tenants, what each may ask a minute, and their keys. */
export function TenantsPage() {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  return (
    <section aria-label={say('eq.tenants')}>
      {reaches(viewer.role, 'admin') ? <Admin /> : <NeedsRole least="admin" />}
    </section>
  );
}
