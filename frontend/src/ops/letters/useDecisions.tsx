import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { correctLetter, decideLetters } from '../../api/opsQueries';
import type { Letter } from '../../api/opsTypes';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import type { Proposal } from '../ReasonDialog';
import { useRoom } from '../room';
import type { Payload } from './cells';

interface Many {
  ids: number[];
  what: Letter['what'];
  /** How many runs or items replaying asks for. */
  runs: number;
}

/** What can be decided about letters: each says first what it will do, then asks why. */
export function useDecisions(onDecided: () => void) {
  const { say, language } = useLanguage();
  const { tell } = useRoom();
  const client = useQueryClient();
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const number = (value: number) => formatNumber(value, 0, language);
  const decided = async (sentence: string) => {
    tell(sentence);
    onDecided();
    await client.invalidateQueries({ queryKey: ['ops'] });
  };
  const replay = ({ ids, what, runs }: Many) => {
    const count = number(ids.length);
    setProposal({
      title: say('letter.replay.title', { count }),
      plan: (
        <p>
          {say(what === 'row' ? 'letter.replay.rows' : 'letter.replay.items', {
            runs: number(runs),
          })}
        </p>
      ),
      button: say('letter.replay.button', { count }),
      act: async (reason) => {
        await decideLetters('replay', ids, reason);
        await decided(say('letter.replayed', { count }));
      },
    });
  };
  const discard = ({ ids }: Pick<Many, 'ids'>) => {
    const count = number(ids.length);
    setProposal({
      title: say('letter.discard.title', { count }),
      plan: <p>{say('letter.discard.plan')}</p>,
      button: say('letter.discard.button', { count }),
      final: true,
      act: async (reason) => {
        await decideLetters('discard', ids, reason);
        await decided(say('letter.discarded', { count }));
      },
    });
  };
  /** `changes` are the cells that change, `whole` the payload with them. */
  const correct = (letter: Letter, changes: Payload, whole: Payload) => {
    setProposal({
      title: say('letter.correct.title', { id: letter.dead_letter_id }),
      plan: (
        <>
          <ul>
            {Object.entries(changes).map(([name, value]) => (
              <li key={name}>
                <code>{name}</code>:{' '}
                <del>{JSON.stringify((letter.payload as Payload)[name] ?? null)}</del> →{' '}
                <ins>{JSON.stringify(value)}</ins>
              </li>
            ))}
          </ul>
          <p>{say(letter.what === 'row' ? 'letter.correct.row' : 'letter.correct.item')}</p>
        </>
      ),
      button: say('letter.correct.button'),
      act: async (reason) => {
        const payload = letter.what === 'row' ? changes : whole;
        await correctLetter(letter.dead_letter_id, payload, reason);
        await decided(say('letter.corrected', { id: letter.dead_letter_id }));
      },
    });
  };
  return { proposal, close: () => setProposal(null), replay, discard, correct };
}

export type Decisions = ReturnType<typeof useDecisions>;
