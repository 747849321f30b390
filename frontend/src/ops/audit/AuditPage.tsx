import { Button, NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { askFile, type Query } from '../../api/client';
import { auditChainsQuery, auditQuery, everyAuditRecord } from '../../api/opsQueries';
import type { AuditRecord } from '../../api/opsTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { save } from '../../download/save';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import type { Search } from '../../view/address';
import bar from '../list/Bar.module.css';
import { type DataColumn, DataTable } from '../list/DataTable';
import table from '../list/DataTable.module.css';
import { DayRange } from '../list/DayRange';
import { ExportButton } from '../list/ExportButton';
import { FilterText } from '../list/FilterText';
import { Paging } from '../list/Paging';
import { useListSearch } from '../list/useListSearch';
import { Moment } from '../Moment';
import { useTry } from '../useTry';
import styles from './Audit.module.css';
import { ChainsPanel } from './ChainsPanel';
import { dayBounds } from './judge';
import { RecordDrawer } from './RecordDrawer';

const placeOf = ({ stream, seq }: AuditRecord) => `${stream}:${seq}`;

/** Which way a page goes on from where it starts. The oldest first begin at the old end. */
function directionOf({ direction, order }: Search): 'newer' | undefined {
  const usual = order === 'oldest' ? 'newer' : 'older';
  return (direction ?? usual) === 'newer' ? 'newer' : undefined;
}

/** What the address asks, as the API is asked it. */
function questionOf(search: Search): Query {
  return {
    stream: search.stream,
    actor: search.actor,
    action: search.action,
    since: dayBounds(search.since)?.begins,
    until: dayBounds(search.until)?.ends,
    start: search.start,
    direction: directionOf(search),
  };
}

function useColumns(open: (place: string) => void): DataColumn<AuditRecord>[] {
  const { say } = useLanguage();
  return [
    {
      id: 'at',
      title: say('ops.col.when'),
      cell: ({ at }) => <Moment iso={at} />,
      value: ({ at }) => at,
    },
    {
      id: 'actor',
      title: say('audit.actor'),
      cell: ({ actor }) => actor,
      value: ({ actor }) => actor,
    },
    {
      id: 'action',
      title: say('audit.action'),
      cell: (record) => (
        <button type="button" className={table.open} onClick={() => open(placeOf(record))}>
          {record.action}
        </button>
      ),
      value: ({ action }) => action,
    },
    {
      id: 'subject',
      title: say('audit.subject'),
      wide: true,
      cell: ({ subject }) => <code>{subject}</code>,
      value: ({ subject }) => subject,
    },
    {
      id: 'reason',
      title: say('ops.col.reason'),
      wide: true,
      cell: ({ reason }) => reason || '—',
      value: ({ reason }) => reason,
    },
    {
      id: 'place',
      title: say('audit.place'),
      wide: true,
      cell: (record) => <code>{placeOf(record)}</code>,
      value: placeOf,
    },
  ];
}

function Filters({ search, put }: { search: Search; put: (changes: Search) => void }) {
  const { say } = useLanguage();
  const { data } = useQuery(auditChainsQuery);
  const streams = data?.items.map(({ stream }) => stream) ?? [];
  const chosen = search.stream ?? '';
  const known = chosen === '' || streams.includes(chosen) ? streams : [chosen, ...streams];
  const from = (changes: Search) => put({ ...changes, start: undefined, direction: undefined });
  return (
    <>
      <NativeSelect
        className={bar.field}
        size="xs"
        label={say('audit.stream')}
        value={chosen}
        data={[{ value: '', label: say('list.all') }, ...known]}
        onChange={({ currentTarget: { value } }) => from({ stream: value || undefined })}
      />
      <FilterText
        label={say('audit.actor')}
        value={search.actor}
        onChange={(actor) => from({ actor })}
      />
      <FilterText
        label={say('audit.action')}
        value={search.action}
        onChange={(action) => from({ action })}
      />
      <NativeSelect
        className={bar.field}
        size="xs"
        label={say('audit.order')}
        value={search.order === 'oldest' ? 'oldest' : ''}
        data={[
          { value: '', label: say('audit.order.newest') },
          { value: 'oldest', label: say('audit.order.oldest') },
        ]}
        onChange={({ currentTarget: { value } }) => from({ order: value || undefined })}
      />
      <DayRange ends={['since', 'until']} days={search} onChange={from} />
    </>
  );
}

function ProofButton({ stream }: { stream: string | undefined }) {
  const { say } = useLanguage();
  const { busy, error, attempt } = useTry();
  const download = () =>
    attempt(async () => {
      const day = new Date().toISOString().slice(0, 10);
      save(
        `auditoria-${stream ?? 'tudo'}-${day}.ndjson`,
        await askFile('/audit/export', { stream }),
      );
    });
  return (
    <div>
      <Button size="compact-sm" variant="default" loading={busy} onClick={download}>
        {say('audit.export')}
      </Button>
      {error && <Refusal error={error} onRetry={download} />}
    </div>
  );
}

/** Who did what, when and why; and whether that is still what was written. */
export function AuditPage() {
  const { say, language } = useLanguage();
  const { search, put, step } = useListSearch();
  const question = questionOf(search);
  const { data, error, refetch } = useQuery(auditQuery(question));
  const columns = useColumns((open) => step({ open }));
  const go = (start: string | null, direction: 'older' | 'newer') =>
    start === null ? undefined : () => step({ start, direction });
  const oldest = search.order === 'oldest';
  // The API has each page newest first, whichever way it was come by.
  const items = data && (oldest ? data.items.toReversed() : data.items);
  const [before, after] = oldest
    ? [go(data?.older ?? null, 'older'), go(data?.newer ?? null, 'newer')]
    : [go(data?.newer ?? null, 'newer'), go(data?.older ?? null, 'older')];
  const total = data && formatNumber(data.total, 0, language);
  return (
    <section aria-label={say('room.audit')}>
      <h2 className={styles.title}>{say('audit.title')}</h2>
      <ChainsPanel />
      <div className={bar.bar}>
        <Filters search={search} put={put} />
        <div className={styles.exports}>
          <ExportButton
            title={say('audit.title')}
            name="auditoria"
            columns={columns}
            rowsOf={async () => {
              const all = await everyAuditRecord(question);
              return oldest ? all.reverse() : all;
            }}
          />
          <ProofButton stream={search.stream} />
        </div>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <>
          <DataTable
            caption={say('audit.title')}
            items={items ?? []}
            columns={columns}
            keyOf={placeOf}
            open={search.open}
            empty={<p>{say('audit.none')}</p>}
          />
          <Paging
            text={say(data.more_than_total ? 'list.countMore' : 'list.count', {
              count: formatNumber(data.count, 0, language),
              total: total ?? '',
            })}
            onPrevious={before}
            onNext={after}
          />
        </>
      )}
      <RecordDrawer
        record={data?.items.find((record) => placeOf(record) === search.open)}
        onClose={() => put({ open: undefined })}
      />
    </section>
  );
}
