import {
  type ChannelKind,
  changeChannel,
  createChannel,
  replayAllDeliveries,
  rotateSecret,
} from '../../api/deliveryQueries';
import type { Channel } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import { type Field, namesOf, Secret } from '../fields';
import { useProposal } from '../useProposal';
import type { Replayable } from './judge';

const OVERLAPS = ['', '0', '24', '168'] as const;

/** Channels made, changed and given another secret; deliveries sent again, all that stand so. */
export function useChannelActs() {
  const { say, language } = useLanguage();
  const { proposal, close, propose, done } = useProposal();
  const fieldsOf = (kind: ChannelKind, channel?: Channel): Field[] => [
    {
      name: 'name',
      label: say('key.col.name'),
      help: say('channel.name.help'),
      required: true,
      most: 80,
      initial: channel?.name ?? '',
    },
    {
      name: 'address',
      label: say(kind === 'webhook' ? 'channel.url' : 'channel.mailbox'),
      help: channel ? say('channel.address.stays', { address: channel.address }) : '',
      required: channel === undefined,
      most: 2000,
    },
    {
      name: 'types',
      label: say('channel.hears'),
      help: say('channel.hears.help'),
      kind: 'list',
      required: true,
      initial: channel?.event_types.join(', ') ?? '*',
    },
  ];
  const secretOf = (name: string, secret: string | undefined) =>
    secret === undefined
      ? undefined
      : new Secret(secret, say('channel.secret'), say('channel.secret.once', { name }));
  const create = (kind: ChannelKind) =>
    propose({
      title: say(kind === 'webhook' ? 'channel.newWebhook' : 'channel.newMailbox'),
      plan: (
        <p>{say(kind === 'webhook' ? 'channel.newWebhook.plan' : 'channel.newMailbox.plan')}</p>
      ),
      fields: fieldsOf(kind),
      button: say('channel.make'),
      act: async (reason, { name = '', address = '', types }) => {
        const event_types = namesOf(types);
        const made = await createChannel(kind, { name, address, event_types, reason });
        await done(say('channel.made', { name }));
        return secretOf(name, made.secret);
      },
    });
  const change = (channel: Channel) =>
    propose({
      title: say('channel.change.title', { name: channel.name }),
      plan: <p>{say('channel.change.plan')}</p>,
      fields: fieldsOf(channel.kind, channel),
      button: say('channel.change'),
      act: async (reason, { name = '', address, types }) => {
        await changeChannel(channel, {
          name,
          ...(address && { address }),
          event_types: namesOf(types),
          reason,
        });
        await done(say('channel.changed', { name }));
      },
    });
  const rotate = (channel: Channel) =>
    propose({
      title: say('channel.rotate.title', { name: channel.name }),
      plan: <p>{say('channel.rotate.plan')}</p>,
      fields: [
        {
          name: 'overlap',
          label: say('channel.overlap'),
          help: say('channel.overlap.help'),
          kind: 'choice',
          options: OVERLAPS.map((hours) => [
            hours,
            hours === '' ? say('channel.overlap.usual') : say('source.hours', { hours }),
          ]),
        },
      ],
      button: say('channel.rotate'),
      act: async (reason, { overlap }) => {
        const made = await rotateSecret(channel, overlap ? Number(overlap) : null, reason);
        await done(say('channel.rotated', { name: channel.name }));
        return secretOf(channel.name, made.secret);
      },
    });
  const replayAll = (wanted: Replayable, what: string) =>
    propose({
      title: say('delivery.replayAll.title', { what }),
      plan: <p>{say('delivery.replayAll.plan')}</p>,
      button: say('delivery.replayAll'),
      act: async (reason) => {
        const { replayed } = await replayAllDeliveries(wanted, reason);
        await done(say('delivery.replayedAll', { count: formatNumber(replayed, 0, language) }));
      },
    });
  return { proposal, close, create, change, rotate, replayAll };
}

export type ChannelActs = ReturnType<typeof useChannelActs>;
