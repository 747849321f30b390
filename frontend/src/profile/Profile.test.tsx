import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import type { MissingNumber } from '../api/types';
import { type Asked, onTheWire, problem, recorded, TRACE } from '../test/api';
import { visit } from '../test/render';

const HOME = '/territorio/3121605';
const deaths = recorded.profile.indicators.find(({ code }) => code === 'deaths_total');

async function card(code: string): Promise<HTMLElement> {
  return waitFor(() => {
    const found = document.querySelector<HTMLElement>(`article[data-indicator="${code}"]`);
    if (!found) throw new Error(`no card for ${code}`);
    return found;
  });
}

const missing = (verdict: MissingNumber['verdict']) => ({
  ...recorded.profile,
  missing: [{ code: 'x', name: 'População', reason: 'Sem arquivo de 2019.', verdict }],
});

describe('the profile', () => {
  it('opens with the territory in words', async () => {
    onTheWire();
    visit(HOME);
    expect(await screen.findByText(recorded.profile.headline)).toBeInTheDocument();
    expect(screen.getByRole('heading', { name: /Diamantina/, level: 2 })).toBeInTheDocument();
  });

  it('titles each chart with what it shows: from where to where, and never why', async () => {
    onTheWire();
    visit(HOME);
    const title = within(await card('deaths_total')).getByRole('heading');
    const known = (deaths?.series ?? []).filter(({ value }) => value !== null);
    expect(title).toHaveTextContent(`(${known[0]?.period})`);
    expect(title).toHaveTextContent(`(${known.at(-1)?.period})`);
    expect(title.textContent).not.toMatch(/aument|cresc|caiu|subiu/i);
  });

  it('keeps unit, period, source, age, warning and origin beside the number', async () => {
    onTheWire();
    visit(HOME);
    const shown = await card('deaths_total');
    expect(shown).toHaveTextContent(`${deaths?.unit}`);
    expect(shown).toHaveTextContent(`${deaths?.period}`);
    expect(shown).toHaveTextContent(`${deaths?.source}`);
    expect(shown).toHaveTextContent('Atualizado');
    expect(shown).toHaveTextContent('cobertura crescente');
    expect(within(shown).getByRole('button', { name: /De onde veio/ })).toBeInTheDocument();
  });

  it('gives every chart a table with every point of every line', async () => {
    onTheWire();
    visit(HOME);
    const shown = await card('deaths_total');
    await userEvent.click(await within(shown).findByText('Ver como tabela'));
    const table = within(shown).getByRole('table');
    const lines = recorded.compare.deaths_total.series;
    expect(within(table).getAllByRole('columnheader')).toHaveLength(lines.length + 1);
    const periods = new Set(lines.flatMap(({ points }) => points.map(({ period }) => period)));
    expect(within(table).getAllByRole('row')).toHaveLength(periods.size + 1);
  });

  it.each([
    ['we_failed', 'falhamos'],
    ['source_failed', 'a fonte falhou'],
    ['not_published', 'a fonte não publicou'],
  ] as const)('tells a hole of verdict %s as "%s", with its reason', async (verdict, words) => {
    onTheWire({ '/v1/territory/3121605/profile': missing(verdict) });
    visit(HOME);
    const item = (await screen.findByText('População')).closest('li');
    expect(item).toHaveTextContent(words);
    expect(item).toHaveTextContent('Sem arquivo de 2019.');
  });

  it('sets another municipality beside this one on every chart, and in the address', async () => {
    const asked = onTheWire();
    const { address } = visit(HOME);
    await card('deaths_total');
    await userEvent.type(screen.getByRole('combobox', { name: 'Comparar com' }), 'gouveia');
    await userEvent.click(await screen.findByRole('option', { name: 'Gouveia — MG' }));
    await waitFor(() => expect(address()).toBe(`${HOME}?with=3127602`));
    const compared = ({ url }: Asked) => url.searchParams.get('with') === '3127602';
    await waitFor(() => expect(asked.some(compared)).toBe(true));
    await userEvent.click(screen.getByRole('button', { name: 'Tirar Gouveia — MG da comparação' }));
    await waitFor(() => expect(address()).toBe(HOME));
  });

  it('says by which rule the peers were chosen', async () => {
    onTheWire();
    visit(HOME);
    expect(await screen.findByText(`Semelhantes: ${recorded.peers.rule}`)).toBeInTheDocument();
  });

  it('keeps the other charts when one of them fails', async () => {
    onTheWire({
      '/v1/territory/3121605/compare': ({ url }: Asked) =>
        url.searchParams.get('indicator') === 'deaths_total'
          ? problem(503, 'Banco fora.')
          : recorded.compare.deaths_total,
    });
    visit(HOME);
    const shown = await card('deaths_total');
    await waitFor(() => expect(shown).toHaveTextContent(TRACE));
    expect(shown).toHaveTextContent('De onde veio');
    expect((await screen.findAllByText('Ver como tabela')).length).toBeGreaterThan(0);
  });

  it('says so when nobody knows the territory', async () => {
    onTheWire();
    visit('/territorio/9999999');
    expect(await screen.findByRole('alert')).toHaveTextContent('não conhece este dado');
  });
});
