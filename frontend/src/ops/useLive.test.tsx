import { screen, waitFor } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../api/key';
import { onTheWire, problem, times, VIEWER_KEY } from '../test/api';
import { visit } from '../test/render';
import { streamOfEvents } from '../test/stream';

beforeEach(() => keepKey(VIEWER_KEY));

describe('a room that is told what changes', () => {
  it('says so, asks anew for what changed, and for nothing else', async () => {
    const stream = streamOfEvents();
    const asked = onTheWire({ '/v1/ops/live': stream.route });
    visit('/operacoes/mortos');
    expect(await screen.findByText(/ao vivo/)).toHaveTextContent('● ao vivo');
    await screen.findByRole('table', { name: 'O que foi posto de lado' });
    const key = asked.find(({ url }) => url.pathname === '/v1/ops/live')?.headers;
    expect(key?.get('Authorization')).toBe(`Bearer ${VIEWER_KEY}`);
    const before = times(asked, '/v1/ops/dead-letters');
    stream.changed('queue', 'audit');
    stream.changed('letters');
    await waitFor(() => expect(times(asked, '/v1/ops/dead-letters')).toBe(before + 1));
    expect(times(asked, '/v1/ops/queue')).toBe(0);
    expect(times(asked, '/v1/session')).toBe(1);
  });

  it('asks for everything on the screen when it does not know the topic', async () => {
    const stream = streamOfEvents();
    const asked = onTheWire({ '/v1/ops/live': stream.route });
    visit('/operacoes/mortos');
    await screen.findByText(/ao vivo/);
    await screen.findByRole('table', { name: 'O que foi posto de lado' });
    const before = times(asked, '/v1/ops/dead-letters');
    stream.changed('something new');
    await waitFor(() => expect(times(asked, '/v1/ops/dead-letters')).toBe(before + 1));
  });

  it('says when it no longer is, asks for what it missed, and comes back by itself', async () => {
    const stream = streamOfEvents();
    const asked = onTheWire({ '/v1/ops/live': stream.route });
    visit('/operacoes/mortos');
    await screen.findByText('ao vivo');
    await screen.findByRole('table', { name: 'O que foi posto de lado' });
    const before = times(asked, '/v1/ops/dead-letters');
    stream.end();
    expect(await screen.findByText(/sem aviso ao vivo/)).toHaveTextContent(/^○ /);
    await waitFor(() => expect(times(asked, '/v1/ops/dead-letters')).toBe(before + 1));
    await waitFor(() => expect(screen.getByText(/ao vivo/)).toHaveTextContent('● ao vivo'));
    const again = asked.filter(({ url }) => url.pathname === '/v1/ops/live');
    expect(again.map(({ headers }) => headers.get('Last-Event-ID'))).toEqual([null, '0']);
  });

  it('asks who is here when the stream says nobody is', async () => {
    let known = true;
    onTheWire({
      '/v1/ops/live': problem(401, 'A chave foi revogada.'),
      '/v1/session': () => {
        const answer = known
          ? { kind: 'key', name: 'x', role: 'viewer', tenant_id: 'default' }
          : problem(401, 'Quem é?');
        known = false;
        return answer;
      },
    });
    visit('/operacoes/mortos');
    expect(await screen.findByText(/A chave foi recusada/)).toBeInTheDocument();
  });
});
