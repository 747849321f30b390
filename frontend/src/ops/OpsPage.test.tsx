import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey, readKey } from '../api/key';
import { onTheWire, problem, recorded, VIEWER, VIEWER_KEY } from '../test/api';
import { visit } from '../test/render';

const list = (name: string) =>
  screen.findAllByRole('region', { name }).then(([first]) => within(first as HTMLElement));

describe('without a key', () => {
  it('asks for one, saying why and where to find it, and asks the API nothing', async () => {
    const asked = onTheWire();
    visit('/operacoes');
    expect(await screen.findByText(/pede uma chave de leitor/)).toBeInTheDocument();
    expect(screen.getByText(/atalaia env.*ATALAIA_TOKEN/)).toBeInTheDocument();
    expect(asked.filter(({ url }) => url.pathname.startsWith('/v1/ops'))).toEqual([]);
  });

  it('opens the room with a good one and keeps it for the tab only', async () => {
    onTheWire();
    visit('/operacoes');
    await userEvent.type(await screen.findByLabelText('Chave'), VIEWER_KEY);
    await userEvent.click(screen.getByRole('button', { name: 'Usar esta chave' }));
    expect(await screen.findByRole('heading', { name: 'Execuções' })).toBeInTheDocument();
    expect(readKey()).toBe(VIEWER_KEY);
    expect(localStorage).toHaveLength(0);
  });

  it('says that a wrong one was refused', async () => {
    onTheWire();
    visit('/operacoes');
    await userEvent.type(await screen.findByLabelText('Chave'), 'errada');
    await userEvent.click(screen.getByRole('button', { name: 'Usar esta chave' }));
    expect(await screen.findByText(/A chave foi recusada/)).toBeInTheDocument();
  });
});

describe('the room', () => {
  beforeEach(() => keepKey(VIEWER_KEY));

  it('puts first what needs a person', async () => {
    onTheWire({
      '/v1/ops/pipeline-checks': {
        items: [
          {
            check_id: 1,
            run_id: 'r',
            check_name: 'check_fact_indicator',
            status: 'fail',
            observed: 3,
            threshold: 0,
            details: { reason: '3 linhas sem valor' },
            created_at_utc: '2026-11-22T12:00:00Z',
          },
        ],
        count: 1,
      },
    });
    visit('/operacoes');
    const now = await list('O que precisa de mim agora');
    const need = now.getAllByRole('listitem').find((one) => one.textContent?.includes('3 linhas'));
    expect(need).toHaveTextContent('■ crítico');
    expect(need).toHaveTextContent('check_fact_indicator');
    expect(need).toHaveTextContent('3 linhas sem valor');
    expect(screen.getAllByRole('heading', { level: 2 })[0]).toHaveTextContent('O que precisa');
  });

  it('puts a queue that stands still before all else, and what can wait after', async () => {
    const guard = { ...recorded.backups.guard, guarded: false };
    onTheWire({
      '/v1/ops/queue': { ...recorded.queue, oldest_due_seconds: 600, workers: [] },
      '/v1/ops/backups': { ...recorded.backups, guard },
    });
    visit('/operacoes');
    const now = await list('O que precisa de mim agora');
    await now.findByText(/A fila está PARADA/);
    await now.findByText(/Nenhuma cópia conferida tem menos de 24 h/);
    const needs = now.getAllByRole('listitem');
    expect(needs[0]).toHaveTextContent('■ crítico');
    expect(needs[0]).toHaveTextContent('A fila está PARADA');
    expect(within(needs[0] as HTMLElement).getByRole('link')).toHaveAttribute(
      'href',
      '/operacoes/fila',
    );
    expect(needs.at(-1)).toHaveTextContent(/▲ atenção.*Cópias/);
    const letters = needs.find((need) => need.textContent?.includes('Postos de lado'));
    expect(within(letters as HTMLElement).getByRole('link')).toHaveAttribute(
      'href',
      '/operacoes/mortos',
    );
  });

  it('asks of a section only what the role may see', async () => {
    const asked = onTheWire({ '/v1/session': { ...VIEWER, role: 'viewer' } });
    visit('/operacoes');
    await list('O que precisa de mim agora');
    await screen.findByText(/Postos de lado/);
    expect(asked.some(({ url }) => url.pathname.startsWith('/v1/audit'))).toBe(false);
  });

  it('lists every source, the planned ones too, each with a state in shape and word', async () => {
    onTheWire();
    visit('/operacoes');
    const sources = await list('Fontes');
    const rows = sources.getAllByRole('row').slice(1);
    expect(rows).toHaveLength(recorded.sources.items.length);
    for (const one of rows) {
      expect(one.textContent).toMatch(/^(● ok|▲ atenção|■ crítico|○ desconhecido|◌ silenciado)/);
    }
  });

  it('shows that the rows of a run balance', async () => {
    onTheWire();
    visit('/operacoes');
    const runs = await list('Execuções');
    expect(runs.getAllByText(/^[\d.]+ = [\d.]+ \+ [\d.]+ \+ [\d.]+$/).length).toBeGreaterThan(0);
  });

  it('narrows a list by any word of its rows', async () => {
    onTheWire();
    visit('/operacoes');
    const runs = await list('Execuções');
    const job = recorded.runs.items[0]?.job_name ?? '';
    await userEvent.type(runs.getByRole('textbox', { name: 'Filtrar: Execuções' }), job);
    const rows = runs.getAllByRole('row').slice(1);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.every(({ textContent }) => textContent?.includes(job))).toBe(true);
  });

  it('forgets the key when told to', async () => {
    onTheWire();
    visit('/operacoes');
    await userEvent.click(await screen.findByRole('button', { name: 'Esquecer a chave' }));
    await waitFor(() => expect(readKey()).toBeNull());
    expect(screen.getByLabelText('Chave')).toBeInTheDocument();
  });

  it('asks for a key at once when the one it has is revoked', async () => {
    let revoked = false;
    const answer = (body: unknown) => () => (revoked ? problem(401, 'Chave revogada.') : body);
    onTheWire({ '/v1/session': answer(VIEWER), '/v1/ops/queue': answer(recorded.queue) });
    visit('/operacoes');
    await screen.findByRole('heading', { name: 'Execuções' });
    revoked = true;
    await userEvent.click(screen.getByRole('link', { name: 'Fila' }));
    expect(await screen.findByText(/A chave foi recusada/)).toBeInTheDocument();
    expect(screen.queryByRole('region', { name: 'Fila' })).not.toBeInTheDocument();
  });
});
