import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { acknowledgeAlert, silenceAlert } from '../../api/watchQueries';
import type { Alert } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { formatMoment } from '../../text/format';
import type { Proposal } from '../ReasonDialog';
import { useRoom } from '../room';

/** Long enough to get to it, short enough not to be forgotten. */
const SILENCE_HOURS = 4;
const HOUR_MS = 3_600_000;

/** What a person decides about an alert; each says first what it changes, then asks why. */
export function useAlertActs() {
  const { say, language } = useLanguage();
  const { tell } = useRoom();
  const client = useQueryClient();
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const done = async (sentence: string) => {
    tell(sentence);
    await client.invalidateQueries({ queryKey: ['ops'] });
  };
  const acknowledge = ({ alert_id, title }: Pick<Alert, 'alert_id' | 'title'>) =>
    setProposal({
      title: say('alert.ack.title', { title }),
      plan: <p>{say('alert.ack.plan')}</p>,
      button: say('alert.ack'),
      act: async (reason) => {
        await acknowledgeAlert(alert_id, reason);
        await done(say('alert.acked', { title }));
      },
    });
  const silence = ({ alert_id, title }: Pick<Alert, 'alert_id' | 'title'>) => {
    const until = new Date(Date.now() + SILENCE_HOURS * HOUR_MS).toISOString();
    setProposal({
      title: say('alert.silence.title', { title }),
      plan: <p>{say('alert.silence.plan', { until: formatMoment(until, language) })}</p>,
      button: say('alert.silence.button', { hours: SILENCE_HOURS }),
      act: async (reason) => {
        await silenceAlert(alert_id, reason, until);
        await done(say('alert.silenced', { title }));
      },
    });
  };
  return { proposal, close: () => setProposal(null), acknowledge, silence };
}

export type AlertActs = ReturnType<typeof useAlertActs>;
