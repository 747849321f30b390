import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { replayDelivery, switchChannel, testChannel } from '../../api/deliveryQueries';
import type { Channel, Delivery } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import type { Proposal } from '../ReasonDialog';
import { useRoom } from '../room';

/** What a person decides about channels and deliveries; `onTested` opens the test's delivery. */
export function useDeliveryActs(onTested: (delivery: string) => void) {
  const { say } = useLanguage();
  const { tell } = useRoom();
  const client = useQueryClient();
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const done = async (sentence: string) => {
    tell(sentence);
    await client.invalidateQueries({ queryKey: ['ops'] });
  };
  const replay = ({ delivery_id, event_type, channel }: Delivery) =>
    setProposal({
      title: say('delivery.replay.title', { event: event_type, channel }),
      plan: <p>{say('delivery.replay.plan')}</p>,
      button: say('delivery.replay'),
      act: async (reason) => {
        await replayDelivery(delivery_id, reason);
        await done(say('delivery.replayed', { event: event_type, channel }));
      },
    });
  const test = (channel: Channel) =>
    setProposal({
      title: say('channel.test.title', { name: channel.name }),
      plan: <p>{say('channel.test.plan', { address: channel.address })}</p>,
      button: say('channel.test'),
      act: async (reason) => {
        const { delivery_id } = await testChannel(channel, reason);
        await done(say('channel.tested', { name: channel.name }));
        onTested(delivery_id);
      },
    });
  const turn = (channel: Channel) => {
    const off = channel.status === 'active';
    setProposal({
      title: say(off ? 'channel.disable.title' : 'channel.enable.title', { name: channel.name }),
      plan: <p>{say(off ? 'channel.disable.plan' : 'channel.enable.plan')}</p>,
      button: say(off ? 'channel.disable' : 'channel.enable'),
      final: off,
      act: async (reason) => {
        await switchChannel(channel, off ? 'disable' : 'enable', reason);
        await done(say(off ? 'channel.disabled' : 'channel.enabled', { name: channel.name }));
      },
    });
  };
  return { proposal, close: () => setProposal(null), replay, test, turn };
}

export type DeliveryActs = ReturnType<typeof useDeliveryActs>;
