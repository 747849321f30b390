import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it } from 'vitest';
import { revokeKey } from '../api/opsQueries';
import { keepFormToken } from '../api/session';
import { type Asked, onTheWire, problem, recorded, VIEWER } from '../test/api';
import { visit } from '../test/render';

const SESSION = { ...VIEWER, kind: 'session', form_token: 'form-token' };

/** A browser whose cookie is good, once it has sent the link. */
function wire(link: unknown = SESSION) {
  let inside = false;
  return onTheWire({
    '/v1/session': ({ method }: Asked) => {
      if (method === 'POST') {
        inside = !(link instanceof Response);
        return link;
      }
      if (method === 'DELETE') {
        inside = false;
        return new Response(null, { status: 204 });
      }
      return inside ? SESSION : problem(401, 'Este endereço pede uma chave.');
    },
    '/v1/ops/pipeline-runs': recorded.runs,
    '/v1/ops/pipeline-checks': recorded.checks,
    '/v1/ops/connector-registry': recorded.connectors,
  });
}

const posts = (asked: readonly Asked[]) => asked.filter(({ method }) => method === 'POST');

afterEach(() => {
  keepFormToken(null);
  history.replaceState(null, '', '/');
});

describe('a one-time address', () => {
  it('is sent once, taken out of the address, and leads into the room', async () => {
    const asked = wire();
    history.replaceState(null, '', '/entrar#the-secret');
    const { address } = visit('/entrar');
    expect(await screen.findByRole('heading', { name: 'Execuções' })).toBeInTheDocument();
    expect(posts(asked).map(({ body }) => body)).toEqual([{ link: 'the-secret' }]);
    expect(location.hash).toBe('');
    expect(address()).toBe('/operacoes');
    expect(screen.getByText(/operador local, operador/)).toBeInTheDocument();
  });

  it('that is no longer good says how to get another', async () => {
    wire(problem(401, 'Este link já foi usado.'));
    history.replaceState(null, '', '/entrar#old');
    visit('/entrar');
    expect(await screen.findByText('Este link já foi usado.')).toBeInTheDocument();
    expect(screen.getByText(/atalaia sign-in/)).toBeInTheDocument();
  });
});

describe('a session', () => {
  it('sends with each change what another site could not know', async () => {
    const asked = wire();
    history.replaceState(null, '', '/entrar#the-secret');
    visit('/entrar');
    await screen.findByRole('heading', { name: 'Execuções' });
    await revokeKey(7, 'perdida').catch(() => undefined);
    const change = asked.find(({ method }) => method === 'DELETE');
    expect(change?.headers.get('X-Atalaia-Form')).toBe('form-token');
    const question = asked.findLast(({ url }) => url.pathname === '/v1/ops/pipeline-runs');
    expect(question?.headers.has('X-Atalaia-Form')).toBe(false);
    expect(question?.headers.has('Authorization')).toBe(false);
  });

  it('is ended by leaving', async () => {
    const asked = wire();
    history.replaceState(null, '', '/entrar#the-secret');
    visit('/entrar');
    await userEvent.click(await screen.findByRole('button', { name: 'Sair' }));
    expect(await screen.findByLabelText('Chave')).toBeInTheDocument();
    await waitFor(() =>
      expect(
        asked.some(({ method, url }) => method === 'DELETE' && url.pathname === '/v1/session'),
      ).toBe(true),
    );
  });
});
