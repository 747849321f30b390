import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import { type Asked, onTheWire, problem, recorded, VIEWER, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';

const letters = recorded.letters.items;
const row = letters.find(({ what, fields }) => what === 'row' && fields.length > 0);
const item = letters.find(({ what }) => what === 'item');
if (!row || !item) throw new Error('a row and an item are needed');
const alike = letters.filter(({ reason }) => reason === row.reason);

const opened = (letter: typeof row | typeof item) => ({
  [`/v1/ops/dead-letters/${letter.dead_letter_id}`]: letter,
});
const posts = (asked: readonly Asked[]) =>
  asked
    .filter(({ method }) => method === 'POST')
    .map(({ url, body }) => [url.pathname.replace('/v1/ops/dead-letters/', ''), body]);
const list = () => screen.findByRole('table', { name: 'O que foi posto de lado' });
const dialogNamed = async (name: RegExp) => within(await screen.findByRole('dialog', { name }));

/** Says why, and goes ahead. */
async function because(name: RegExp, reason: string, button: string | RegExp): Promise<void> {
  const dialog = await dialogNamed(name);
  await userEvent.type(dialog.getByLabelText(/Por quê/), reason);
  await userEvent.click(dialog.getByRole('button', { name: button }));
}

beforeEach(() => keepKey(VIEWER_KEY));

describe('what was put aside', () => {
  it('is told in as many lines as there are reasons, each with what to press', async () => {
    onTheWire();
    visit('/operacoes/mortos');
    await list();
    const groups = within(screen.getByRole('region', { name: 'Mortos' })).getAllByRole('listitem');
    expect(groups).toHaveLength(new Set(letters.map(({ reason }) => reason)).size);
    const mine = groups.find(({ textContent }) => textContent?.includes(row.reason));
    expect(mine).toHaveTextContent(`▲ atenção${alike.length} × ${row.entity_type} ${row.reason}`);
    const buttons = within(mine as HTMLElement).getAllByRole('button');
    expect(buttons.map(({ textContent }) => textContent)).toEqual([
      `Refazer ${alike.length}`,
      `Descartar ${alike.length}`,
    ]);
  });

  it('can be looked at and not decided by who is no operator', async () => {
    onTheWire({ '/v1/session': { ...VIEWER, role: 'viewer' }, ...opened(row) });
    visit(`/operacoes/mortos?open=${row.dead_letter_id}`);
    expect(await screen.findByText(/pedem o papel de operador/)).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: /^(Refazer|Descartar|Corrigir)/ })).toBeNull();
    expect(screen.queryByRole('textbox', { name: /célula errada/ })).toBeNull();
  });

  it('narrows by any word of the row itself, and by source at the API', async () => {
    const asked = onTheWire();
    visit(`/operacoes/mortos?source=${row.entity_type}&filter=doze`);
    const rows = within(await list())
      .getAllByRole('row')
      .slice(1);
    expect(rows).toHaveLength(letters.filter((one) => JSON.stringify(one).includes('doze')).length);
    const question = asked.find(({ url }) => url.pathname === '/v1/ops/dead-letters');
    expect(question?.url.searchParams.get('source')).toBe(row.entity_type);
    expect(question?.url.searchParams.get('resolved')).toBe('false');
  });

  it('says that all is well when nothing is', async () => {
    onTheWire({ '/v1/ops/dead-letters': { items: [], count: 0, page: 1, more: false } });
    visit('/operacoes/mortos');
    expect(await screen.findByText(/Nada posto de lado/)).toHaveTextContent('● ok');
  });
});

describe('deciding for all alike', () => {
  const ids = alike.map(({ dead_letter_id }) => dead_letter_id);

  it('says how many runs it asks for, then sends all of them with the reason', async () => {
    const asked = onTheWire({ '/v1/ops/dead-letters/replay': { decided: ids.length } });
    visit('/operacoes/mortos');
    await list();
    const what = `Refazer ${ids.length}: ${row.entity_type}: ${row.reason}`;
    await userEvent.click(screen.getByRole('button', { name: what }));
    const dialog = await dialogNamed(/^Refazer como veio/);
    expect(dialog.getByText(/Execuções pedidas: 1\./)).toBeInTheDocument();
    await because(/^Refazer como veio/, 'regra nova', `Refazer ${ids.length}`);
    expect(await screen.findByText(`Aceitos de novo: ${ids.length}. A fila mostra o andamento.`));
    expect(posts(asked)).toEqual([['replay', { ids, reason: 'regra nova' }]]);
  });

  it('does not close on a refusal', async () => {
    onTheWire({ '/v1/ops/dead-letters/discard': problem(404, '3 não espera decisão.') });
    visit('/operacoes/mortos');
    await list();
    const what = `Descartar ${ids.length}: ${row.entity_type}: ${row.reason}`;
    await userEvent.click(screen.getByRole('button', { name: what }));
    await because(/^Descartar/, 'lixo', `Descartar ${ids.length}`);
    expect(await screen.findByText('3 não espera decisão.')).toBeInTheDocument();
    expect(screen.getByRole('dialog', { name: /^Descartar/ })).toBeInTheDocument();
  });
});

describe('one of them', () => {
  it('shows the row as it came, with the bad cells marked in shape and word', async () => {
    onTheWire(opened(row));
    visit('/operacoes/mortos');
    await userEvent.click(
      within(await list()).getAllByRole('button', { name: row.reason })[0] as HTMLElement,
    );
    const dialog = await dialogNamed(/^Morto nº/);
    await dialog.findByText('Como veio');
    for (const [name, value] of Object.entries(row.payload)) {
      const cell = dialog.getByText(name).closest('tr');
      const bad = (row.fields as string[]).includes(name);
      expect(cell?.textContent?.includes('■ célula errada')).toBe(bad);
      expect(within(cell as HTMLElement).getByRole('textbox')).toHaveValue(String(value));
    }
  });

  it('of a file sends the cells that changed, in the kind they had', async () => {
    const asked = onTheWire({
      ...opened(row),
      [`/v1/ops/dead-letters/${row.dead_letter_id}/correct`]: { id: 'x', status: 'queued' },
    });
    visit(`/operacoes/mortos?open=${row.dead_letter_id}`);
    const dialog = await dialogNamed(/^Morto nº/);
    const correct = await dialog.findByRole('button', { name: 'Corrigir e refazer' });
    expect(correct).toBeDisabled();
    const year = dialog.getByRole('textbox', { name: 'Ano' });
    await userEvent.clear(year);
    await userEvent.type(year, '2023');
    await userEvent.click(correct);
    const plan = await dialogNamed(/^Corrigir o morto/);
    expect(plan.getByText(/O arquivo guardado não muda/)).toBeInTheDocument();
    expect(plan.getByText('2024').tagName).toBe('DEL');
    await userEvent.keyboard('{Escape}');
    await waitFor(() =>
      expect(screen.queryByRole('dialog', { name: /^Corrigir/ })).not.toBeInTheDocument(),
    );
    expect(dialog.getByRole('textbox', { name: 'Ano' })).toHaveValue('2023');
    expect(posts(asked)).toEqual([]);
    await userEvent.click(correct);
    await because(/^Corrigir o morto/, 'ano trocado', 'Corrigir e refazer');
    await waitFor(() =>
      expect(posts(asked)).toEqual([
        [`${row.dead_letter_id}/correct`, { payload: { Ano: 2023 }, reason: 'ano trocado' }],
      ]),
    );
  });

  it('that is work sends all of its content, corrected', async () => {
    const asked = onTheWire({
      ...opened(item),
      [`/v1/ops/dead-letters/${item.dead_letter_id}/correct`]: { id: 'x', status: 'queued' },
    });
    visit(`/operacoes/mortos?open=${item.dead_letter_id}`);
    const dialog = await dialogNamed(/^Morto nº/);
    const cell = await dialog.findByRole('textbox', { name: /^cabecas/ });
    await userEvent.clear(cell);
    await userEvent.type(cell, '12');
    await userEvent.click(dialog.getByRole('button', { name: 'Corrigir e refazer' }));
    await because(/^Corrigir o morto/, 'sinal trocado', 'Corrigir e refazer');
    await waitFor(() =>
      expect(posts(asked)).toEqual([
        [
          `${item.dead_letter_id}/correct`,
          { payload: { ...item.payload, cabecas: 12 }, reason: 'sinal trocado' },
        ],
      ]),
    );
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  });
});
