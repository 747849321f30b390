import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import { onTheWire, recorded, VIEWER, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';

const queue = recorded.queue;
const going = queue.batches.find(({ finished_at }) => finished_at === null);
if (!going) throw new Error('a batch that is not over is needed');

const region = async () => within(await screen.findByRole('region', { name: 'Fila' }));

beforeEach(() => keepKey(VIEWER_KEY));

describe('the queue', () => {
  it('that nobody works at says so first, and what to run', async () => {
    onTheWire({ '/v1/ops/queue': { ...queue, oldest_due_seconds: 600, workers: [] } });
    visit('/operacoes/fila');
    const page = await region();
    expect(await page.findByText(/A fila está PARADA/)).toHaveTextContent('■ crítico');
    expect(page.getByText('.venv/bin/atalaia up')).toBeInTheDocument();
  });

  it('that is well shows what is in it and what was put aside', async () => {
    onTheWire({ '/v1/ops/queue': { ...queue, oldest_due_seconds: 0 } });
    visit('/operacoes/fila');
    const page = await region();
    const found = await page.findByText(/^Esperam:/);
    expect(found).toHaveTextContent(`Esperam: ${queue.queued} · em mãos: ${queue.running}`);
    expect(page.queryByText('.venv/bin/atalaia up')).not.toBeInTheDocument();
    const count = recorded.summary.dead_letters;
    expect(await page.findByRole('link', { name: new RegExp(`${count}$`) })).toHaveAttribute(
      'href',
      '/operacoes/mortos',
    );
  });

  it('shows what comes round, and when, in words', async () => {
    const [one] = recorded.schedule.items;
    const weekly = { ...one, name: 'b', recurrence: 'weekly mon 18:30' };
    const monthly = { ...one, name: 'c', recurrence: 'first sun 04:00' };
    const items = [...recorded.schedule.items, weekly, monthly];
    onTheWire({ '/v1/ops/schedule': { ...recorded.schedule, items } });
    visit('/operacoes/fila');
    const table = await screen.findByRole('table', { name: 'O que vem de tempo em tempo' });
    for (const { name } of items) {
      expect(within(table).getByText(name)).toBeInTheDocument();
    }
    for (const words of [
      'todo dia, às 06:00',
      'toda segunda-feira, às 18:30',
      'no primeiro domingo do mês, às 04:00',
    ]) {
      expect(within(table).getByText(words)).toBeInTheDocument();
    }
  });
});

describe('calling work off', () => {
  it('is offered for what is not over, says what it leaves, and asks why', async () => {
    const path = `/v1/jobs/${going.id}/cancel`;
    const asked = onTheWire({ [path]: { id: going.id } });
    visit('/operacoes/fila');
    const table = within(await screen.findByRole('table', { name: 'Trabalhos pedidos' }));
    const open = queue.batches.filter((one) => !one.finished_at && !one.cancelled_at);
    expect(table.getAllByRole('button', { name: /^Cancelar/ })).toHaveLength(open.length);
    await userEvent.click(
      table.getByRole('button', { name: `Cancelar: ${going.kind}, ${going.id}` }),
    );
    const dialog = within(await screen.findByRole('dialog'));
    expect(dialog.getByText(/O que já foi feito fica feito/)).toHaveTextContent(
      `Os que esperam (${going.queued})`,
    );
    await userEvent.type(dialog.getByLabelText(/Por quê/), 'pedido errado');
    await userEvent.click(dialog.getByRole('button', { name: 'Cancelar o trabalho' }));
    expect(await screen.findByText(`O trabalho “${going.kind}” foi cancelado.`)).toBeVisible();
    const change = asked.find(({ method }) => method === 'POST');
    expect([change?.url.pathname, change?.body]).toEqual([path, { reason: 'pedido errado' }]);
  });

  it('is not offered to who only reads', async () => {
    onTheWire({ '/v1/session': { ...VIEWER, role: 'viewer' } });
    visit('/operacoes/fila');
    await screen.findByRole('table', { name: 'Trabalhos pedidos' });
    await waitFor(() => expect(screen.queryByRole('button', { name: /^Cancelar/ })).toBeNull());
  });
});
