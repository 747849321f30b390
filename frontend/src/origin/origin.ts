import { createContext, useContext } from 'react';

/** The address of one number: what `atalaia explain` and /v1/explain are asked about. */
export function indicatorUri(territoryId: string, code: string, period: string): string {
  return `indicator/${territoryId}/${code}/${period}`;
}

export interface OriginQuestion {
  /** The number's own address, as `indicatorUri` writes it. */
  uri: string;
  /** The number's owner in words, for the heading. */
  what: string;
}

/** Opens "de onde veio" for a number; the drawer itself lives once, in the shell. */
export const OriginContext = createContext<(question: OriginQuestion) => void>(() => undefined);

export function useOrigin(): (question: OriginQuestion) => void {
  return useContext(OriginContext);
}
