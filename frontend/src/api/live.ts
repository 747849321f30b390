import { askStream } from './client';

/** One event of a stream, or a sign that the other side is still there. */
export type Told = { name: string; id: string | undefined; data: string } | 'alive';

function eventOf(block: string): Told {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trimStart());
  }
  const data = fields.get('data');
  if (data === undefined) return 'alive';
  return { name: fields.get('event') ?? 'message', id: fields.get('id'), data };
}

/** Server-sent events as they come, however the network cuts them. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Told> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) yield eventOf(block);
    }
  } finally {
    void reader.cancel().catch(() => undefined);
  }
}

/** The server says something every 15 s; after this long it is taken for gone. */
export const SILENCE_MS = 40_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

export interface Ear {
  /** The stream is open: what changes from here on is told. */
  onOpen: () => void;
  onTopics: (topics: string[]) => void;
  /** The stream is gone; it is asked for again by itself. */
  onLost: (error: unknown) => void;
}

/** Waits, or not once the signal says to stop. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) return done();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

async function hearOnce(signal: AbortSignal, last: string | null, ear: Ear): Promise<string> {
  const silence = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error('silence')), SILENCE_MS);
  };
  alive();
  let heard = last ?? '0';
  const either = AbortSignal.any([signal, silence.signal]);
  try {
    const body = await askStream(
      '/ops/live',
      // Who says what it heard last is told of everything it may have missed since.
      { Accept: 'text/event-stream', ...(last !== null && { 'Last-Event-ID': last }) },
      either,
    );
    ear.onOpen();
    for await (const told of eventsOf(body)) {
      if (either.aborted) break;
      alive();
      if (told === 'alive') continue;
      heard = told.id ?? heard;
      if (told.name === 'changed') {
        ear.onTopics((JSON.parse(told.data) as { topics: string[] }).topics);
      }
    }
    return heard;
  } finally {
    clearTimeout(timer);
  }
}

/** Listens until the signal ends it, coming back by itself, later each time it was in vain. */
export async function listen(signal: AbortSignal, ear: Ear): Promise<void> {
  let last: string | null = null;
  let wait = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    let lost: unknown = null;
    const opened = {
      ...ear,
      onOpen: () => {
        wait = FIRST_PAUSE_MS;
        last ??= '0';
        ear.onOpen();
      },
    };
    try {
      last = await hearOnce(signal, last, opened);
    } catch (error) {
      lost = error;
    }
    if (signal.aborted) return;
    ear.onLost(lost);
    await pause(wait * (0.75 + Math.random() / 2), signal);
    wait = Math.min(2 * wait, LONGEST_PAUSE_MS);
  }
}
