import { createContext, useContext } from 'react';

/** The address of one number: what /v1/explain is asked about. */
export interface NumberAddress {
  territoryId: string;
  code: string;
  period: string;
}

export interface OriginQuestion {
  number: NumberAddress;
  /** The number's owner in words, for the heading. */
  what: string;
}

/** Opens "de onde veio" for a number; the drawer itself lives once, in the shell. */
export const OriginContext = createContext<(question: OriginQuestion) => void>(() => undefined);

export function useOrigin(): (question: OriginQuestion) => void {
  return useContext(OriginContext);
}
