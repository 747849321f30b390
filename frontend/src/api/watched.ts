const SECOND_MS = 1000;
/** The net beneath the stream: were it silent without saying so, a list is never older than this. */
const NET_MS = 300 * SECOND_MS;

let told = false;

/** Whether what changes is being told (`live.ts`): then it need not be asked for. */
export function setTold(now: boolean): void {
  told = now;
}

/** How often a question is asked anew while nothing is told. */
export const every = (seconds: number) => () => (told ? NET_MS : seconds * SECOND_MS);

/** The rooms people watch: asked anew when told, and each half minute when not. */
export const watched = { staleTime: 0, refetchInterval: every(30) } as const;
