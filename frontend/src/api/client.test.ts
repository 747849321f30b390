import { describe, expect, it, vi } from 'vitest';
import { type Asked, onTheWire, problem, TRACE } from '../test/api';
import { addressOf, ask } from './client';
import { keepKey } from './key';
import { ProblemError } from './problem';

async function refusal(promise: Promise<unknown>): Promise<ProblemError> {
  const error: unknown = await promise.catch((caught: unknown) => caught);
  if (!(error instanceof ProblemError)) throw new Error(`not a problem: ${error}`);
  return error;
}

describe('the client', () => {
  it('[T-096] asks under /v1 when nothing else is said', async () => {
    const asked = onTheWire();
    await ask('/indicators');
    expect(asked[0]?.url.pathname).toBe('/v1/indicators');
  });

  it('[T-096] asks under VITE_API_BASE_URL when the build sets it', async () => {
    vi.stubEnv('VITE_API_BASE_URL', 'https://api.example.org/v9');
    vi.resetModules();
    const { ask: askElsewhere } = await import('./client');
    const asked = onTheWire({ '/v9/indicators': { items: [], count: 0 } });
    await askElsewhere('/indicators');
    expect(asked[0]?.url.href).toBe('https://api.example.org/v9/indicators');
    vi.unstubAllEnvs();
    // Files share a worker: the client of this other base must not stay for the next one.
    vi.resetModules();
  });

  it('leaves out parameters that are empty and escapes the others', () => {
    const address = addressOf('/territories', { q: 'São João', uf: undefined, page: 2, level: '' });
    expect(address).toBe('/v1/territories?q=S%C3%A3o+Jo%C3%A3o&page=2');
  });

  it('turns a problem document into an error that carries its detail and trace', async () => {
    onTheWire({ '/v1/indicators': problem(404, 'Indicador desconhecido.') });
    const error = await refusal(ask('/indicators'));
    expect(error.problem).toMatchObject({
      status: 404,
      detail: 'Indicador desconhecido.',
      trace_id: TRACE,
    });
    expect(error.passing).toBe(false);
  });

  it('makes a usable problem of a refusal that is no problem document', async () => {
    onTheWire({ '/v1/indicators': new Response('<h1>Bad gateway</h1>', { status: 502 }) });
    const error = await refusal(ask('/indicators'));
    expect(error.problem.status).toBe(502);
    expect(error.problem.trace_id).toMatch(/^[0-9a-f]{32}$/);
    expect(error.passing).toBe(true);
  });

  it('gives silence an id to quote: the very one that was sent', async () => {
    let sent: string | null = null;
    onTheWire({
      '/v1/indicators': ({ headers }: Asked) => {
        sent = headers.get('traceparent');
        throw new TypeError('network down');
      },
    });
    const error = await refusal(ask('/indicators'));
    expect(error.unanswered).toBe(true);
    expect(sent).toContain(error.problem.trace_id);
  });

  it('lets an abort be an abort, not a failure to show', async () => {
    const controller = new AbortController();
    onTheWire({ '/v1/indicators': () => controller.abort() });
    const error: unknown = await ask('/indicators', {}, { signal: controller.signal }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(DOMException);
  });

  it('sends the key only where it is asked to', async () => {
    keepKey('  secret ');
    const asked = onTheWire({ '/v1/ops/pipeline-runs': { items: [], count: 0 } });
    await ask('/indicators');
    await ask('/ops/pipeline-runs', {}, { withKey: true });
    expect(asked.map(({ headers }) => headers.get('Authorization'))).toEqual([
      null,
      'Bearer secret',
    ]);
  });
});
