import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { keepKey } from '../../api/key';
import { type Asked, onTheWire, problem, recorded, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';

const page = { ...recorded.audit, older: null, newer: null };
const [first, second] = recorded.audit.items;
if (!first || !second) throw new Error('two records are needed');

const rows = () => within(screen.getByRole('table', { name: /Quem fez/ })).getAllByRole('row');

/** What the list was asked, in order. */
const listed = (asked: readonly Asked[]) =>
  asked
    .filter(({ url }) => url.pathname === '/v1/audit')
    .map(({ url }) => Object.fromEntries(url.searchParams));

beforeEach(() => keepKey(VIEWER_KEY));

describe('whether the log is what was written', () => {
  const verdict = async (change: object) => {
    const answer = { ...recorded.auditStreams, ...change };
    onTheWire({ '/v1/audit': page, '/v1/audit/streams': answer });
    visit('/operacoes/auditoria');
    return within(await screen.findByRole('region', { name: 'Auditoria' }));
  };

  it('is said first, with when it was verified', async () => {
    const region = await verdict({});
    expect(await region.findByText(/Tudo confere/)).toHaveTextContent(
      /^● ok Tudo confere.*Última conferência: (há|agora)/,
    );
    expect(region.queryByText(/audit verify/)).not.toBeInTheDocument();
  });

  it('names the first bad record and what to run when it is not', async () => {
    const [chain] = recorded.auditStreams.items;
    const broken = { ...chain, state: 'fail', bad_seq: 7, problem: 'o hash não confere' };
    const region = await verdict({ state: 'fail', items: [broken] });
    expect(await region.findByText(/NÃO confere/)).toHaveTextContent('■ crítico');
    expect(region.getByText(`${chain?.stream}:7 — o hash não confere`)).toBeInTheDocument();
    expect(region.getByText(/atalaia audit verify/)).toBeInTheDocument();
    expect(region.getByRole('table', { name: /Cadeias/ })).toBeVisible();
  });

  it('is not taken for granted without anchors', async () => {
    const region = await verdict({ state: 'unknown', problems: ['sem chave'], verified_at: null });
    expect(await region.findByText(/Não se sabe se confere/)).toHaveTextContent('○ desconhecido');
    expect(region.getByText('sem chave')).toBeInTheDocument();
    expect(region.queryByText(/Última conferência/)).not.toBeInTheDocument();
  });
});

describe('the records', () => {
  it('are asked as the address says, days in the zone of the reader', async () => {
    const asked = onTheWire({ '/v1/audit': page });
    visit(
      '/operacoes/auditoria?stream=runs&actor=ana&since=2026-11-22&until=2026-11-22&start=runs:9',
    );
    await waitFor(() =>
      expect(listed(asked)).toEqual([
        {
          stream: 'runs',
          actor: 'ana',
          since: new Date(2026, 10, 22).toISOString(),
          until: new Date(2026, 10, 23).toISOString(),
          start: 'runs:9',
        },
      ]),
    );
  });

  it('are filtered into the address, from the first page again', async () => {
    const asked = onTheWire({ '/v1/audit': page });
    const { address } = visit('/operacoes/auditoria?start=runs:9&direction=newer');
    await userEvent.type(await screen.findByLabelText('Quem'), 'ana');
    await waitFor(() => expect(listed(asked).at(-1)).toEqual({ actor: 'ana' }));
    expect(address()).toBe('/operacoes/auditoria?actor=ana');
    await userEvent.selectOptions(screen.getByLabelText('Cadeia'), 'runs');
    await waitFor(() => expect(listed(asked).at(-1)).toEqual({ actor: 'ana', stream: 'runs' }));
  });

  it('go on from a record, and back', async () => {
    const asked = onTheWire({ '/v1/audit': { ...page, older: 'runs:21', newer: 'runs:32' } });
    const { address } = visit('/operacoes/auditoria');
    await userEvent.click(await screen.findByRole('button', { name: 'Próxima' }));
    await waitFor(() => expect(listed(asked).at(-1)?.start).toBe('runs:21'));
    expect(address()).toContain('start=runs%3A21');
    await userEvent.click(screen.getByRole('button', { name: 'Anterior' }));
    await waitFor(() =>
      expect(listed(asked).at(-1)).toEqual({ start: 'runs:32', direction: 'newer' }),
    );
  });

  it('have no way on where there is none', async () => {
    onTheWire({ '/v1/audit': page });
    visit('/operacoes/auditoria');
    expect(await screen.findByRole('button', { name: 'Próxima' })).toBeDisabled();
    expect(screen.getByRole('button', { name: 'Anterior' })).toBeDisabled();
  });

  it('open whole, from the address too, and close', async () => {
    onTheWire({ '/v1/audit': page });
    const { address } = visit('/operacoes/auditoria');
    await screen.findByRole('table', { name: /Quem fez/ });
    await userEvent.click(within(rows()[1] as HTMLElement).getByRole('button'));
    const dialog = within(await screen.findByRole('dialog'));
    expect(dialog.getByText(first.hash)).toBeInTheDocument();
    expect(dialog.getByText(first.previous)).toBeInTheDocument();
    expect(address()).toContain(`open=${first.stream}%3A${first.seq}`);
    await userEvent.click(dialog.getByRole('button', { name: 'Fechar' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
    expect(address()).toBe('/operacoes/auditoria');
  });

  it('say so when none fits', async () => {
    onTheWire({ '/v1/audit': { ...page, items: [], count: 0, total: 0 } });
    visit('/operacoes/auditoria?actor=ninguém');
    expect(await screen.findByText('Nenhum registro com estes filtros.')).toBeInTheDocument();
  });

  it('say what is missing to a key of too low a role', async () => {
    onTheWire({
      '/v1/audit': problem(403, 'O papel da chave não alcança este endereço.'),
      '/v1/audit/streams': problem(403, 'O papel da chave não alcança este endereço.'),
    });
    visit('/operacoes/auditoria');
    expect((await screen.findAllByText(/O papel da chave não alcança/)).length).toBeGreaterThan(0);
    expect(screen.queryByLabelText('Chave')).not.toBeInTheDocument();
  });
});

describe('what is taken away', () => {
  const saved = async (button: string) => {
    let file: Blob | undefined;
    vi.stubGlobal(
      'URL',
      Object.assign(URL, {
        createObjectURL: (blob: Blob) => {
          file = blob;
          return 'blob:x';
        },
        revokeObjectURL: () => undefined,
      }),
    );
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
    visit('/operacoes/auditoria?stream=runs');
    await userEvent.click(await screen.findByRole('button', { name: button }));
    await waitFor(() => expect(file).toBeDefined());
    return (file as Blob).text();
  };

  it('as CSV is every page that fits, not the one on the screen', async () => {
    const asked = onTheWire({
      '/v1/audit': ({ url }: Asked) =>
        url.searchParams.get('start') === 'runs:1'
          ? { ...page, items: [second] }
          : { ...page, items: [first], older: 'runs:1' },
    });
    const text = await saved('Baixar CSV');
    expect(text).toContain(`${first.stream}:${first.seq}`);
    expect(text).toContain(`${second.stream}:${second.seq}`);
    expect(text).toContain('# endereço: http');
    expect(listed(asked).at(-1)).toEqual({ stream: 'runs', start: 'runs:1', page_size: '500' });
  });

  it('to be verified is what the API exports, of the chain on the screen', async () => {
    const asked = onTheWire({
      '/v1/audit': page,
      '/v1/audit/export': new Response('{"format":"x"}\n'),
    });
    expect(await saved('Baixar para conferir (NDJSON)')).toBe('{"format":"x"}\n');
    const question = asked.find(({ url }) => url.pathname === '/v1/audit/export');
    expect(question?.url.search).toBe('?stream=runs');
    expect(question?.headers.get('Authorization')).toBe(`Bearer ${VIEWER_KEY}`);
  });
});
