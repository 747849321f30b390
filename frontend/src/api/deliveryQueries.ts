import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { act, ask, type Query } from './client';
import type { List } from './types';
import { watched } from './watched';
import type { Channel, DeliveryPage, DeliveryWhole } from './watchTypes';

const channels = (key: 'webhooks' | 'mailboxes') =>
  queryOptions({
    ...watched,
    queryKey: ['ops', key],
    queryFn: ({ signal }) => ask<List<Channel>>(`/ops/${key}`, {}, { signal, withKey: true }),
  });

export const webhooksQuery = channels('webhooks');
/** Addresses of people: an operator's. */
export const mailboxesQuery = channels('mailboxes');

/** Pages are bounded by a delivery: what is announced meanwhile moves nothing. */
export const deliveriesQuery = (query: Query) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'deliveries', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => ask<DeliveryPage>('/ops/deliveries', query, { signal, withKey: true }),
  });

export const deliveryQuery = (id: string) =>
  queryOptions({
    ...watched,
    queryKey: ['ops', 'delivery', id],
    queryFn: ({ signal }) =>
      ask<DeliveryWhole>(
        `/ops/deliveries/${encodeURIComponent(id)}`,
        {},
        { signal, withKey: true },
      ),
  });

const kindPath = ({ kind, channel_id }: Pick<Channel, 'kind' | 'channel_id'>) =>
  `${folderOf(kind)}/${channel_id}`;

export type ChannelKind = Channel['kind'];

export interface ChannelWanted {
  name: string;
  address: string;
  event_types: string[];
  reason: string;
}

/** A channel just made, or given another secret; that is in this answer only. */
export interface MadeChannel extends Channel {
  secret?: string;
}

const folderOf = (kind: ChannelKind) =>
  `/ops/${kind === 'webhook' ? 'webhooks' : 'mailboxes'}` as const;

/** A webhook's address is its `url`. */
const bodyOf = (kind: ChannelKind, { address, ...rest }: Partial<ChannelWanted>) => ({
  ...rest,
  ...(address && { [kind === 'webhook' ? 'url' : 'address']: address }),
});

export const createChannel = (kind: ChannelKind, wanted: ChannelWanted) =>
  act<MadeChannel>(folderOf(kind), { method: 'POST', body: bodyOf(kind, wanted) });

/** What is not given stays. */
export const changeChannel = (
  { kind, channel_id }: Pick<Channel, 'kind' | 'channel_id'>,
  changes: Partial<ChannelWanted>,
) =>
  act<MadeChannel>(`${folderOf(kind)}/${channel_id}`, {
    method: 'PATCH',
    body: bodyOf(kind, changes),
  });

/** Both secrets sign for so many hours; the usual time when it is not said. */
export const rotateSecret = (
  { channel_id }: Pick<Channel, 'channel_id'>,
  overlap_hours: number | null,
  reason: string,
) =>
  act<MadeChannel>(`/ops/webhooks/${channel_id}/rotate`, {
    method: 'POST',
    body: { ...(overlap_hours !== null && { overlap_hours }), reason },
  });

/** Sends again all that stand so and fit what else is given. */
export const replayAllDeliveries = (
  wanted: { status: string; channel?: string; event_type?: string },
  reason: string,
) =>
  act<{ replayed: number }>('/ops/deliveries/replay-all', {
    method: 'POST',
    body: { ...wanted, reason },
  });

/** Sends one again, with all its attempts before it. */
export const replayDelivery = (id: string, reason: string) =>
  act<unknown>(`/ops/deliveries/${encodeURIComponent(id)}/replay`, {
    method: 'POST',
    body: { reason },
  });

/** Has a test sent; its delivery says how it went. */
export const testChannel = (channel: Pick<Channel, 'kind' | 'channel_id'>, reason: string) =>
  act<{ delivery_id: string }>(`${kindPath(channel)}/test`, { method: 'POST', body: { reason } });

export const switchChannel = (
  channel: Pick<Channel, 'kind' | 'channel_id'>,
  to: 'enable' | 'disable',
  reason: string,
) => act<unknown>(`${kindPath(channel)}/${to}`, { method: 'POST', body: { reason } });
