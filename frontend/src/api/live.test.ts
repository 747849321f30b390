import { afterEach, describe, expect, it, vi } from 'vitest';
import { onTheWire } from '../test/api';
import { streamOfEvents } from '../test/stream';
import { eventsOf, listen, SILENCE_MS, type Told } from './live';

async function read(...pieces: string[]): Promise<Told[]> {
  const bytes = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const piece of pieces) controller.enqueue(bytes.encode(piece));
      controller.close();
    },
  });
  const found: Told[] = [];
  for await (const told of eventsOf(body)) found.push(told);
  return found;
}

afterEach(() => void vi.useRealTimers());

describe('server-sent events', () => {
  const event = 'event: changed\nid: 3\ndata: {"topics": ["á"]}\n\n';
  const told = { name: 'changed', id: '3', data: '{"topics": ["á"]}' };

  it('are read one after another; a comment and a pause are only signs of life', async () => {
    expect(await read(`retry: 2000\n\n: ok\n\n${event}${event}`)).toEqual([
      'alive',
      'alive',
      told,
      told,
    ]);
  });

  it('are the same however the network cuts them, within a letter too', async () => {
    const whole = new TextEncoder().encode(event);
    for (let at = 1; at < whole.length; at += 1) {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          controller.enqueue(whole.slice(0, at));
          controller.enqueue(whole.slice(at));
          controller.close();
        },
      });
      const found: Told[] = [];
      for await (const one of eventsOf(body)) found.push(one);
      expect(found, `cut after byte ${at}`).toEqual([told]);
    }
  });

  it('that did not end are not told', async () => {
    expect(await read(event, 'event: changed\ndata: {"topics"')).toEqual([told]);
  });
});

describe('listening', () => {
  it('takes silence for the end, and comes back saying what it had heard', async () => {
    vi.useFakeTimers();
    const stream = streamOfEvents();
    const asked = onTheWire({ '/v1/ops/live': stream.route });
    const stop = new AbortController();
    const ear = { onOpen: vi.fn(), onTopics: vi.fn(), onLost: vi.fn() };
    const listening = listen(stop.signal, ear);
    await vi.advanceTimersByTimeAsync(0);
    stream.changed('runs');
    await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
    expect(ear.onTopics).toHaveBeenCalledExactlyOnceWith(['runs']);
    expect(ear.onLost).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(ear.onLost).toHaveBeenCalledOnce();
    await vi.advanceTimersByTimeAsync(2000);
    expect(asked.map(({ headers }) => headers.get('Last-Event-ID'))).toEqual([null, '0']);
    expect(ear.onOpen).toHaveBeenCalledTimes(2);
    stop.abort();
    await listening;
  });

  it('goes on while the server gives a sign of life', async () => {
    vi.useFakeTimers();
    const stream = streamOfEvents();
    onTheWire({ '/v1/ops/live': stream.route });
    const stop = new AbortController();
    const ear = { onOpen: vi.fn(), onTopics: vi.fn(), onLost: vi.fn() };
    const listening = listen(stop.signal, ear);
    for (let beat = 0; beat < 5; beat += 1) {
      await vi.advanceTimersByTimeAsync(SILENCE_MS - 1);
      stream.say(': ok\n\n');
    }
    expect(ear.onLost).not.toHaveBeenCalled();
    stop.abort();
    await listening;
  });

  it('waits longer each time it was in vain, and never for good', async () => {
    vi.useFakeTimers();
    const asked = onTheWire({});
    const stop = new AbortController();
    const ear = { onOpen: vi.fn(), onTopics: vi.fn(), onLost: vi.fn() };
    const listening = listen(stop.signal, ear);
    await vi.advanceTimersByTimeAsync(60_000);
    const soon = asked.length;
    expect(soon).toBeGreaterThan(4);
    expect(soon).toBeLessThan(10);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(asked.length - soon).toBeGreaterThan(14);
    expect(asked.length - soon).toBeLessThan(30);
    stop.abort();
    await listening;
  });
});
