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
  `/ops/${kind === 'webhook' ? 'webhooks' : 'mailboxes'}/${channel_id}`;

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
