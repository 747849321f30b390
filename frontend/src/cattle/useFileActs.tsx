import { useLanguage } from '../i18n/language';
import { useProposal } from '../ops/useProposal';
import { reprocess } from './queries';
import type { FeedFile } from './types';

/** A file processed again: its rows take the place of its own, so nothing doubles. */
export function useFileActs() {
  const { say } = useLanguage();
  const { proposal, close, propose, done } = useProposal();
  const process = ({ id, filename }: Pick<FeedFile, 'id' | 'filename'>) =>
    propose({
      title: say('cattle.process.title', { name: filename }),
      plan: <p>{say('cattle.process.plan')}</p>,
      button: say('cattle.process'),
      act: async (reason) => {
        await reprocess(id, reason);
        await done(say('cattle.processing', { name: filename }));
      },
    });
  return { proposal, close, process };
}
