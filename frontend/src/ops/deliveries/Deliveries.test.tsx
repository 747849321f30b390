import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import { onTheWire, recorded, times, VIEWER, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';
import { stateOfChannel, stateOfDelivery } from './judge';

const { delivery } = recorded;

beforeEach(() => keepKey(VIEWER_KEY));

describe('a delivery', () => {
  it.each([
    ['delivered', 0, 'ok'],
    ['waiting', 0, 'unknown'],
    ['waiting', 2, 'warn'],
    ['sending', 1, 'warn'],
    ['exhausted', 10, 'critical'],
    ['failed', 1, 'critical'],
    ['cancelled', 3, 'muted'],
  ] as const)('%s after %i failures is %s', (status, tries, state) =>
    expect(stateOfDelivery({ status, tries })).toBe(state),
  );

  it('opens with every attempt: code, whose fault, and what was answered', async () => {
    onTheWire();
    visit('/operacoes/entregas');
    const list = within(await screen.findByRole('table', { name: 'Entregas' }));
    const row = list.getByText('503').closest('tr') as HTMLElement;
    expect(row).toHaveTextContent('de quem recebe (HTTP 503)');
    await userEvent.click(within(row).getByRole('button'));
    const drawer = within(await screen.findByRole('dialog'));
    const [attempt] = await drawer.findAllByRole('listitem');
    expect(attempt).toHaveTextContent('■ crítico tentativa 1');
    expect(attempt).toHaveTextContent('503');
    expect(attempt).toHaveTextContent(delivery.history[0]?.answer ?? '');
    expect(drawer.getByText(/"alert_id": 1/)).toBeInTheDocument();
  });

  it('goes on from the last of the page', async () => {
    const older = delivery.delivery_id;
    const asked = onTheWire({ '/v1/ops/deliveries': { ...recorded.deliveries, older } });
    visit('/operacoes/entregas');
    await userEvent.click(await screen.findByRole('button', { name: 'Próxima' }));
    await screen.findByText(/Nesta página/);
    const pages = asked
      .filter(({ url }) => url.pathname === '/v1/ops/deliveries')
      .map(({ url }) => url.searchParams.get('before'));
    expect(pages).toEqual([null, older]);
  });
});

describe('what a person may do about it', () => {
  const reasoned = async (why: string, button: string) => {
    const dialog = within(await screen.findByRole('dialog', { name: /painel da prefeitura/ }));
    await userEvent.type(dialog.getByLabelText(/Por quê/), why);
    await userEvent.click(dialog.getByRole('button', { name: button }));
  };
  const posted = (asked: ReturnType<typeof onTheWire>) =>
    asked.filter(({ method }) => method === 'POST').map(({ url, body }) => [url.pathname, body]);

  it('one that ended is sent again, with a reason', async () => {
    const ended = { ...delivery, status: 'exhausted', finished_at: '2026-11-22T12:00:00Z' };
    const path = `/v1/ops/deliveries/${delivery.delivery_id}`;
    const asked = onTheWire({ [path]: ended, [`${path}/replay`]: { replayed: 1 } });
    visit(`/operacoes/entregas?open=${delivery.delivery_id}`);
    await userEvent.click(await screen.findByRole('button', { name: 'Mandar de novo' }));
    await reasoned('o endereço voltou', 'Mandar de novo');
    await screen.findByText(/^Mandado de novo/);
    expect(posted(asked)).toEqual([[`${path}/replay`, { reason: 'o endereço voltou' }]]);
  });

  it('one under way comes by itself', async () => {
    onTheWire();
    visit(`/operacoes/entregas?open=${delivery.delivery_id}`);
    await screen.findByText('O que foi enviado');
    expect(screen.queryByRole('button', { name: 'Mandar de novo' })).toBeNull();
  });

  it('a webhook is tried, and the answer opens', async () => {
    const [webhook] = recorded.webhooks.items;
    const path = `/v1/ops/webhooks/${webhook?.channel_id}/test`;
    const asked = onTheWire({ [path]: { delivery_id: delivery.delivery_id } });
    const { address } = visit('/operacoes/entregas');
    await userEvent.click(
      await screen.findByRole('button', { name: 'Testar: painel da prefeitura' }),
    );
    await reasoned('endereço novo', 'Testar');
    await screen.findByText('O que foi enviado');
    expect(posted(asked)).toEqual([[path, { reason: 'endereço novo' }]]);
    expect(address()).toContain(`open=${delivery.delivery_id}`);
  });
});

describe('who is told', () => {
  it('that is switched off, or fails, says so', () => {
    expect(stateOfChannel({ status: 'disabled', failures: 3 })).toBe('muted');
    expect(stateOfChannel({ status: 'active', failures: 3 })).toBe('warn');
    expect(stateOfChannel({ status: 'active', failures: 0 })).toBe('ok');
  });

  it('shows mailboxes only to who may see them', async () => {
    const asked = onTheWire({ '/v1/session': { ...VIEWER, role: 'viewer' } });
    visit('/operacoes/entregas');
    const channels = within(await screen.findByRole('table', { name: 'Quem recebe avisos' }));
    expect(channels.getByText('painel da prefeitura')).toBeInTheDocument();
    expect(times(asked, '/v1/ops/mailboxes')).toBe(0);
  });
});
