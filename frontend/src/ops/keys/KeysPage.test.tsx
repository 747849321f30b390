import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import { type Asked, onTheWire, problem, recorded, VIEWER, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';

const keys = recorded.keys;
const active = keys.items.filter(({ status }) => status === 'active');
const [mine] = active;
if (!mine) throw new Error('a key that is good is needed');

const asAdmin = { '/v1/session': { ...VIEWER, role: 'admin' } };
const changes = (asked: readonly Asked[]) => asked.filter(({ method }) => method !== 'GET');
const table = () => screen.findByRole('table', { name: 'Chaves de acesso' });

beforeEach(() => keepKey(VIEWER_KEY));

describe('the list of keys', () => {
  it('asks nothing for who may not see it, and says which role may', async () => {
    const asked = onTheWire();
    visit('/operacoes/chaves');
    expect(await screen.findByText(/pede o papel de administrador/)).toHaveTextContent(
      'você entrou como operador',
    );
    expect(asked.some(({ url }) => url.pathname === '/v1/access/keys')).toBe(false);
  });

  it('shows those that are good, and the others when asked, by the address', async () => {
    onTheWire(asAdmin);
    const { address } = visit('/operacoes/chaves');
    const rows = within(await table()).getAllByRole('row');
    expect(rows).toHaveLength(active.length + 1);
    expect(rows[1]).toHaveTextContent('● ok vale');
    await userEvent.selectOptions(screen.getByLabelText('Mostrar'), 'que acabaram');
    const ended = within(await table())
      .getAllByRole('row')
      .slice(1);
    expect(ended).toHaveLength(keys.items.length - active.length);
    expect(ended[0]).toHaveTextContent('◌ silenciado revogada');
    expect(within(ended[0] as HTMLElement).queryByRole('button')).not.toBeInTheDocument();
    expect(address()).toBe('/operacoes/chaves?status=ended');
  });

  it('sorts by any column, into the address', async () => {
    onTheWire(asAdmin);
    const { address } = visit('/operacoes/chaves?status=all&sort=name');
    const names = async () =>
      within(await table())
        .getAllByRole('row')
        .slice(1)
        .map((row) => within(row).getAllByRole('cell')[1]?.textContent ?? '');
    const up = await names();
    expect(up).toEqual([...up].sort((a, b) => a.localeCompare(b, 'pt-BR')));
    await userEvent.click(screen.getByRole('button', { name: /^Nome/ }));
    expect(address()).toContain('sort=-name');
    expect(await names()).toEqual([...up].reverse());
  });
});

describe('revoking', () => {
  it('says what it will do, wants a reason, and does nothing before', async () => {
    const asked = onTheWire({ ...asAdmin, [`/v1/access/keys/${mine.key_id}`]: mine });
    visit('/operacoes/chaves');
    const row = (await screen.findByText(mine.name)).closest('tr') as HTMLElement;
    await userEvent.click(within(row).getByRole('button', { name: /^Revogar/ }));
    const dialog = within(await screen.findByRole('dialog'));
    expect(dialog.getByText(/deixa de valer no próximo pedido/)).toHaveTextContent(mine.prefix);
    await userEvent.click(dialog.getByRole('button', { name: 'Revogar a chave' }));
    expect(dialog.getByText(/sem motivo nada é feito/)).toBeInTheDocument();
    await userEvent.type(dialog.getByLabelText(/Por quê/), '   ');
    await userEvent.click(dialog.getByRole('button', { name: 'Revogar a chave' }));
    expect(changes(asked)).toEqual([]);
    await userEvent.type(dialog.getByLabelText(/Por quê/), 'perdida');
    await userEvent.click(dialog.getByRole('button', { name: 'Revogar a chave' }));
    expect(await screen.findByText(`A chave “${mine.name}” foi revogada.`)).toBeInTheDocument();
    const [change] = changes(asked);
    expect([change?.method, change?.url.pathname, change?.url.search]).toEqual([
      'DELETE',
      `/v1/access/keys/${mine.key_id}`,
      '?reason=perdida',
    ]);
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  });

  it('that was refused says so and keeps the reason', async () => {
    onTheWire({ ...asAdmin, [`/v1/access/keys/${mine.key_id}`]: problem(503, 'Fora do ar.') });
    visit('/operacoes/chaves');
    const row = (await screen.findByText(mine.name)).closest('tr') as HTMLElement;
    await userEvent.click(within(row).getByRole('button', { name: /^Revogar/ }));
    const dialog = within(await screen.findByRole('dialog'));
    await userEvent.type(dialog.getByLabelText(/Por quê/), 'perdida');
    await userEvent.click(dialog.getByRole('button', { name: 'Revogar a chave' }));
    expect(await dialog.findByText('Fora do ar.')).toBeInTheDocument();
    expect(dialog.getByLabelText(/Por quê/)).toHaveValue('perdida');
  });
});

describe('making one', () => {
  it('shows it once, and a slip does not close it', async () => {
    const secret = 'atl_0123456789ab_the-only-copy';
    const asked = onTheWire({
      ...asAdmin,
      '/v1/access/keys': ({ method }: Asked) =>
        method === 'POST' ? { ...mine, name: 'painel', key: secret } : keys,
    });
    visit('/operacoes/chaves');
    await userEvent.click(await screen.findByRole('button', { name: 'Criar uma chave' }));
    const dialog = within(await screen.findByRole('dialog'));
    await userEvent.click(dialog.getByRole('button', { name: 'Criar a chave' }));
    expect(dialog.getByText(/Dê um nome/)).toBeInTheDocument();
    expect(changes(asked)).toEqual([]);
    await userEvent.type(dialog.getByLabelText(/^Nome/), 'painel');
    await userEvent.selectOptions(dialog.getByLabelText('Papel'), 'leitor');
    await userEvent.type(dialog.getByLabelText('Vale por quantos dias'), '30');
    await userEvent.type(dialog.getByLabelText(/Por quê/), 'pedido');
    await userEvent.click(dialog.getByRole('button', { name: 'Criar a chave' }));
    expect(await screen.findByTestId('new-key')).toHaveTextContent(secret);
    expect(changes(asked).map(({ body }) => body)).toEqual([
      { name: 'painel', role: 'viewer', expires_days: 30, reason: 'pedido' },
    ]);
    await userEvent.keyboard('{Escape}');
    expect(screen.getByTestId('new-key')).toBeInTheDocument();
    await userEvent.click(screen.getByRole('button', { name: 'Já guardei' }));
    await waitFor(() => expect(screen.queryByTestId('new-key')).not.toBeInTheDocument());
    expect(document.body.textContent).not.toContain(secret);
  });
});
