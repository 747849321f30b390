import { QueryObserver } from '@tanstack/react-query';
import { describe, expect, it } from 'vitest';
import { onTheWire, problem, recorded, times } from '../test/api';
import { newQueryClient, shapesQuery, valuesQuery } from './queries';

describe('questions', () => {
  it('are not asked again when the answer was a refusal that will not change', async () => {
    const asked = onTheWire({ '/v1/geo/choropleth': problem(422, 'Período inválido.') });
    const client = newQueryClient();
    await expect(
      client.fetchQuery({ ...valuesQuery('deaths_total', '1999', 'municipality'), retryDelay: 0 }),
    ).rejects.toThrow();
    expect(times(asked, '/v1/geo/choropleth')).toBe(1);
  });

  it('are asked again when the service was away for a moment', async () => {
    let calls = 0;
    const asked = onTheWire({
      '/v1/geo/choropleth': () => {
        calls += 1;
        return calls === 1 ? problem(503, 'Banco fora.') : recorded.values2019;
      },
    });
    const client = newQueryClient();
    client.setDefaultOptions({
      queries: { ...client.getDefaultOptions().queries, retryDelay: 0 },
    });
    const observer = new QueryObserver(client, valuesQuery('deaths_total', '2019', 'municipality'));
    const done = new Promise((resolve) => {
      const stop = observer.subscribe(({ data }) => {
        if (!data) return;
        stop();
        resolve(data);
      });
    });
    await expect(done).resolves.toMatchObject({ indicator: 'deaths_total' });
    expect(times(asked, '/v1/geo/choropleth')).toBe(2);
  });

  it('fetch the shapes once however often they are needed', async () => {
    const asked = onTheWire();
    const client = newQueryClient();
    await client.fetchQuery(shapesQuery('municipality'));
    await client.fetchQuery(shapesQuery('municipality'));
    expect(times(asked, '/v1/geo/shapes/municipality')).toBe(1);
  });

  it('abort the answer nobody waits for any more', async () => {
    const asked = onTheWire({ '/v1/geo/choropleth': () => new Promise(() => undefined) });
    const client = newQueryClient();
    const observer = new QueryObserver(client, valuesQuery('deaths_total', '2015', 'municipality'));
    const stop = observer.subscribe(() => undefined);
    observer.setOptions(valuesQuery('deaths_total', '2019', 'municipality'));
    stop();
    expect(asked[0]?.url.searchParams.get('period')).toBe('2015');
    expect(asked[0]?.signal?.aborted).toBe(true);
  });
});
