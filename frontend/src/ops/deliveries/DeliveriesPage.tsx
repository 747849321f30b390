import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { deliveriesQuery } from '../../api/deliveryQueries';
import { DELIVERY_STATUSES, type Delivery } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import bar from '../list/Bar.module.css';
import { Choice } from '../list/Choice';
import { type DataColumn, DataTable } from '../list/DataTable';
import table from '../list/DataTable.module.css';
import { ExportButton } from '../list/ExportButton';
import { FilterText } from '../list/FilterText';
import { Paging } from '../list/Paging';
import { useListSearch } from '../list/useListSearch';
import { Moment } from '../Moment';
import { ReasonDialog } from '../ReasonDialog';
import { reaches, useRoom } from '../room';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { Channels } from './Channels';
import { DeliveryDrawer } from './DeliveryDrawer';
import { replayableOf, stateOfDelivery } from './judge';
import { useChannelActs } from './useChannelActs';
import { useDeliveryActs } from './useDeliveryActs';

const keyOf = ({ delivery_id }: Delivery) => delivery_id;

function useColumns(onOpen: (id: string) => void): DataColumn<Delivery>[] {
  const { say, language } = useLanguage();
  const words = useWords();
  return [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: (one) => (
        <>
          <StateMark state={stateOfDelivery(one)} />{' '}
          <small>{words('delivery.status', one.status)}</small>
        </>
      ),
      value: ({ status }) => status,
    },
    {
      id: 'event',
      title: say('delivery.event'),
      cell: (one) => (
        <button type="button" className={table.open} onClick={() => onOpen(keyOf(one))}>
          {one.event_type}
        </button>
      ),
      value: ({ event_type }) => event_type,
    },
    {
      id: 'channel',
      title: say('delivery.channel'),
      cell: ({ channel }) => channel,
      value: ({ channel }) => channel,
    },
    {
      id: 'code',
      title: say('delivery.code'),
      numeric: true,
      wide: true,
      cell: ({ status_code }) => status_code ?? '—',
      value: ({ status_code }) => status_code,
    },
    {
      id: 'fault',
      title: say('delivery.fault'),
      wide: true,
      cell: ({ fault, error }) => (fault ? `${words('delivery.of', fault)} (${error ?? ''})` : '—'),
      value: ({ fault }) => fault,
    },
    {
      id: 'attempts',
      title: say('delivery.attempts'),
      numeric: true,
      wide: true,
      cell: ({ attempts }) => attempts,
      value: ({ attempts }) => attempts,
    },
    {
      id: 'took',
      title: say('delivery.took'),
      numeric: true,
      wide: true,
      cell: ({ duration_ms }) =>
        duration_ms === null ? '—' : formatNumber(duration_ms, 0, language),
      value: ({ duration_ms }) => duration_ms,
    },
    {
      id: 'when',
      title: say('ops.col.when'),
      cell: ({ created_at }) => <Moment iso={created_at} />,
      value: ({ created_at }) => created_at,
    },
  ];
}

/** Who hears of what, and what was told to whom: with the code it was answered and whose fault. */
export function DeliveriesPage() {
  const { say, language } = useLanguage();
  const words = useWords();
  const { search, put, step } = useListSearch();
  const columns = useColumns((open) => step({ open }));
  const acts = useDeliveryActs((open) => step({ open }));
  const query = { status: search.status, channel: search.channel, event_type: search.type };
  const channelActs = useChannelActs();
  const { viewer } = useRoom();
  const replayable = reaches(viewer.role, 'operator') ? replayableOf(query) : null;
  const { data, error, refetch } = useQuery(deliveriesQuery({ ...query, before: search.before }));
  return (
    <section aria-label={say('delivery.list')}>
      <Channels acts={acts} channelActs={channelActs} />
      <div className={section.head}>
        <h2>{say('delivery.list')}</h2>
      </div>
      <div className={bar.bar}>
        <Choice
          label={say('ops.col.state')}
          name="status"
          options={DELIVERY_STATUSES.map((one) => [one, words('delivery.status', one)])}
        />
        <FilterText
          label={say('delivery.event')}
          value={search.type}
          onChange={(type) => put({ type, before: undefined })}
        />
        <ExportButton
          title={say('delivery.list')}
          name="entregas"
          columns={columns}
          rowsOf={() => data?.items ?? []}
        />
        {replayable && (data?.count ?? 0) > 0 && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() =>
              channelActs.replayAll(replayable, words('delivery.status', replayable.status))
            }
          >
            {say('delivery.replayAll')}
          </Button>
        )}
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={8} />}
      {data && (
        <>
          <DataTable
            caption={say('delivery.list')}
            items={data.items}
            columns={columns}
            keyOf={keyOf}
            open={search.open}
            empty={<p>{say('delivery.none')}</p>}
          />
          <Paging
            text={say('delivery.shown', { count: formatNumber(data.count, 0, language) })}
            onPrevious={search.before ? () => put({ before: undefined }) : undefined}
            onNext={data.older ? () => step({ before: data.older ?? undefined }) : undefined}
          />
        </>
      )}
      <DeliveryDrawer id={search.open} acts={acts} onClose={() => put({ open: undefined })} />
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
      <ReasonDialog proposal={channelActs.proposal} onClose={channelActs.close} />
    </section>
  );
}
