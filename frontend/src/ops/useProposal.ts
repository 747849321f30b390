import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Proposal } from './ReasonDialog';
import { useRoom } from './room';

/** What somebody is about to decide, and what is said and asked anew once it is done. */
export function useProposal() {
  const { tell } = useRoom();
  const client = useQueryClient();
  const [proposal, setProposal] = useState<Proposal | null>(null);
  return {
    proposal,
    close: () => setProposal(null),
    propose: setProposal,
    done: async (sentence: string) => {
      tell(sentence);
      await client.invalidateQueries({ queryKey: ['ops'] });
    },
  };
}
