/** A stream of server-sent events that the test tells, one after another of the same address. */
export function streamOfEvents() {
  let now: ReadableStreamDefaultController<Uint8Array> | undefined;
  const bytes = new TextEncoder();
  const say = (text: string) => now?.enqueue(bytes.encode(text));
  return {
    /** What stands at the address: each question opens a stream of its own. */
    route: ({ signal }: { signal: AbortSignal | null | undefined }) => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          now = controller;
          signal?.addEventListener('abort', () => {
            try {
              controller.error(new DOMException('aborted', 'AbortError'));
            } catch {
              // It had ended before.
            }
          });
        },
      });
      return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
    },
    say,
    changed: (...topics: string[]) =>
      say(`event: changed\nid: 7\ndata: ${JSON.stringify({ topics })}\n\n`),
    end: () => now?.close(),
  };
}
