import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { mailboxesQuery, webhooksQuery } from '../../api/deliveryQueries';
import type { Channel } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { useLanguage } from '../../i18n/language';
import { type DataColumn, DataTable } from '../list/DataTable';
import { Moment } from '../Moment';
import { reaches, useRoom } from '../room';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import styles from './Deliveries.module.css';
import { stateOfChannel } from './judge';
import type { ChannelActs } from './useChannelActs';
import type { DeliveryActs } from './useDeliveryActs';

function useColumns(acts: DeliveryActs, channelActs: ChannelActs): DataColumn<Channel>[] {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const words = useWords();
  return [
    {
      id: 'state',
      title: say('ops.col.state'),
      cell: (one) => (
        <>
          <StateMark state={stateOfChannel(one)} />{' '}
          <small>
            {one.status === 'disabled'
              ? one.disabled_reason
              : one.failures > 0 && say('channel.failures', { count: one.failures })}
          </small>
        </>
      ),
    },
    { id: 'name', title: say('key.col.name'), cell: ({ name }) => name },
    {
      id: 'kind',
      title: say('queue.kind'),
      wide: true,
      cell: ({ kind }) => words('channel.kind', kind),
    },
    {
      id: 'address',
      title: say('channel.address'),
      wide: true,
      cell: ({ address }) => <code>{address}</code>,
    },
    {
      id: 'hears',
      title: say('channel.hears'),
      wide: true,
      cell: ({ event_types }) => <code>{event_types.join(', ')}</code>,
    },
    {
      id: 'waiting',
      title: say('channel.waiting'),
      numeric: true,
      cell: ({ waiting }) => waiting,
    },
    {
      id: 'last',
      title: say('channel.last'),
      cell: ({ last_delivered_at }) => <Moment iso={last_delivered_at} />,
    },
    {
      id: 'act',
      title: say('list.actions'),
      cell: (channel) => {
        if (!reaches(viewer.role, 'operator')) return '—';
        const turn = say(channel.status === 'active' ? 'channel.disable' : 'channel.enable');
        return (
          <span className={styles.acts}>
            {channel.status === 'active' && (
              <Button
                size="compact-sm"
                variant="default"
                aria-label={`${say('channel.test')}: ${channel.name}`}
                onClick={() => acts.test(channel)}
              >
                {say('channel.test')}
              </Button>
            )}
            <Button
              size="compact-sm"
              variant="default"
              aria-label={`${turn}: ${channel.name}`}
              onClick={() => acts.turn(channel)}
            >
              {turn}
            </Button>
            {reaches(viewer.role, 'admin') && (
              <Button
                size="compact-sm"
                variant="default"
                aria-label={`${say('channel.change')}: ${channel.name}`}
                onClick={() => channelActs.change(channel)}
              >
                {say('channel.change')}
              </Button>
            )}
            {reaches(viewer.role, 'admin') && channel.kind === 'webhook' && (
              <Button
                size="compact-sm"
                variant="default"
                aria-label={`${say('channel.rotate')}: ${channel.name}`}
                onClick={() => channelActs.rotate(channel)}
              >
                {say('channel.rotate')}
              </Button>
            )}
          </span>
        );
      },
    },
  ];
}

/** The webhooks and mailboxes that hear of what happens. */
export function Channels(props: { acts: DeliveryActs; channelActs: ChannelActs }) {
  const { acts, channelActs } = props;
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const webhooks = useQuery(webhooksQuery);
  const mailboxes = useQuery({ ...mailboxesQuery, enabled: reaches(viewer.role, 'operator') });
  const columns = useColumns(acts, channelActs);
  const items = [...(webhooks.data?.items ?? []), ...(mailboxes.data?.items ?? [])];
  return (
    <>
      <div className={section.head}>
        <h2>{say('channel.list')}</h2>
        {reaches(viewer.role, 'admin') ? (
          <span className={styles.acts}>
            {(['webhook', 'email'] as const).map((kind) => (
              <Button
                key={kind}
                size="compact-sm"
                variant="default"
                onClick={() => channelActs.create(kind)}
              >
                {say(kind === 'webhook' ? 'channel.newWebhook' : 'channel.newMailbox')}
              </Button>
            ))}
          </span>
        ) : (
          <small>{say('channel.needsAdmin')}</small>
        )}
      </div>
      {webhooks.error && (
        <Refusal
          error={webhooks.error}
          onRetry={() => void webhooks.refetch()}
          kept={Boolean(webhooks.data)}
        />
      )}
      {webhooks.data && (
        <DataTable
          caption={say('channel.list')}
          items={items}
          columns={columns}
          keyOf={({ channel_id }) => channel_id}
          empty={<p>{say('channel.none')}</p>}
        />
      )}
    </>
  );
}
