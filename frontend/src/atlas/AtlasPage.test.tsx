import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { type Asked, onTheWire, problem, recorded, TRACE, times } from '../test/api';
import { visit } from '../test/render';

const indicator = recorded.indicators.items.find(({ code }) => code === 'deaths_total');
const START = '/?indicator=deaths_total&period=2019';

/** By text, not by role and name: those cost a second over a whole page in jsdom. */
async function row(name: string): Promise<HTMLElement> {
  const head = await screen.findByText(name, { selector: 'th' });
  return head.closest('tr') as HTMLElement;
}
const periodsAsked = (asked: Asked[]) =>
  asked
    .filter(({ url }) => url.pathname === '/v1/geo/choropleth')
    .map(({ url }) => url.searchParams.get('period'));

describe('the map screen', () => {
  it('shows the same data without WebGL, and says so', async () => {
    onTheWire();
    visit(START);
    expect(await row('Diamantina')).toBeInTheDocument();
    expect(screen.getByText(/não desenha o mapa/)).toBeInTheDocument();
  });

  it('keeps source, licence, age and coverage warning on its face', async () => {
    onTheWire();
    visit(START);
    await row('Diamantina');
    const panel = screen.getByRole('region', { name: 'Legenda, busca e tabela' });
    expect(panel).toHaveTextContent(/cobertura crescente/);
    expect(panel).toHaveTextContent(/Atualizado/);
    expect(panel).toHaveTextContent(`Fonte: ${recorded.values2019.source.name}`);
    expect(panel).toHaveTextContent(`Licença: ${recorded.values2019.source.license}`);
  });

  it('lists the municipalities without mesh apart', async () => {
    onTheWire();
    visit(START);
    const summary = await screen.findByText('Municípios sem malha: 1');
    const list = within(summary.closest('details') as HTMLElement);
    expect(list.getByText('Nazária — PI')).toBeInTheDocument();
  });

  it('finds a municipality typed without accents, tells equal names apart, and opens it', async () => {
    onTheWire();
    const { address } = visit(START);
    await row('Diamantina');
    const search = screen.getByRole('combobox', { name: 'Procurar município' });
    await userEvent.type(search, 'bom jesus');
    const options = await within(
      await screen.findByRole('listbox', { name: 'Procurar município' }),
    ).findAllByRole('option');
    expect(options.map(({ textContent }) => textContent)).toEqual(
      ['PB', 'PI', 'RN', 'RS', 'SC'].map((uf) => `Bom Jesus — ${uf}`),
    );
    await userEvent.clear(search);
    await userEvent.type(search, 'diamantina');
    await userEvent.click(await screen.findByRole('option', { name: 'Diamantina — MG' }));
    expect(
      await screen.findByRole('complementary', { name: 'Perfil de Diamantina' }),
    ).toBeVisible();
    expect(address()).toContain('selected=3121605');
  });

  it('takes the keyboard to the profile it opens and back to the row when it closes', async () => {
    onTheWire();
    const { address } = visit(START);
    const diamantina = await row('Diamantina');
    diamantina.focus();
    await userEvent.keyboard('{Enter}');
    const profile = await screen.findByRole('complementary');
    await waitFor(() => expect(profile).toHaveFocus());
    await userEvent.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByRole('complementary')).toBeNull());
    expect(address()).not.toContain('selected');
    expect(await row('Diamantina')).toHaveFocus();
  });

  it('puts the period in the address, asks only for it, and never for the shapes again', async () => {
    const asked = onTheWire();
    const { address } = visit(START);
    await row('Diamantina');
    const position = ((indicator?.periods ?? []) as string[]).indexOf('2018');
    fireEvent.change(screen.getByRole('slider'), { target: { value: String(position) } });
    await waitFor(() => expect(address()).toContain('period=2018'));
    await waitFor(() => expect(periodsAsked(asked)).toContain('2018'));
    expect(times(asked, '/v1/geo/shapes/municipality')).toBe(1);
    expect(times(asked, '/v1/territories/index')).toBe(1);
  });

  it('has the period before ready before it is asked', async () => {
    const asked = onTheWire();
    visit(START);
    await row('Diamantina');
    await waitFor(() => expect(periodsAsked(asked)).toEqual(['2019', '2018']));
  });

  it('reads sorting and filters from the address and writes them back', async () => {
    onTheWire();
    const { address } = visit(`${START}&sort=name&uf=MG`);
    const body = await screen.findAllByRole('row');
    const names = body.slice(1).map((one) => within(one).queryByRole('rowheader')?.textContent);
    const shown = names.filter((name): name is string => Boolean(name));
    expect(shown).toEqual([...shown].sort((a, b) => a.localeCompare(b, 'pt-BR')));
    expect(shown).not.toContain('São Paulo');
    await userEvent.type(screen.getByRole('textbox', { name: 'Filtrar por nome' }), 'dia');
    await waitFor(() => expect(address()).toContain('filter=dia'));
    expect(address()).toContain('sort=name');
    expect(address()).toContain('uf=MG');
  });

  it('says when the address asks for an indicator that does not exist', async () => {
    onTheWire();
    visit('/?indicator=shoe_size');
    expect(await screen.findByText(/“shoe_size”, que não existe/)).toBeInTheDocument();
  });

  it('keeps the last picture when the next one fails, and gives the number to quote', async () => {
    onTheWire({
      '/v1/geo/choropleth': ({ url }: Asked) =>
        url.searchParams.get('period') === '2019'
          ? recorded.values2019
          : problem(503, 'O banco não respondeu.'),
    });
    visit(START);
    const before = (await row('Diamantina')).textContent;
    const position = ((indicator?.periods ?? []) as string[]).indexOf('2015');
    fireEvent.change(screen.getByRole('slider'), { target: { value: String(position) } });
    const alert = await screen.findByRole('alert');
    expect(alert).toHaveTextContent(TRACE);
    expect(alert).toHaveTextContent('foi mantido');
    expect((await row('Diamantina')).textContent).toBe(before);
  });

  it('gives the table as CSV: the rows as shown, with everything a reader needs above them', async () => {
    onTheWire();
    visit(`${START}&uf=MG`);
    await row('Diamantina');
    const files: Blob[] = [];
    vi.stubGlobal(
      'URL',
      Object.assign(URL, {
        createObjectURL: (file: Blob) => {
          files.push(file);
          return 'blob:x';
        },
        revokeObjectURL: () => undefined,
      }),
    );
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
    await userEvent.click(screen.getByRole('button', { name: /Baixar/ }));
    await userEvent.click(await screen.findByRole('menuitem', { name: /CSV/ }));
    const text = await (files[0] as Blob).text();
    const { source, data_version } = recorded.values2019;
    for (const said of [
      'período: 2019',
      `unidade: ${indicator?.unit}`,
      `fonte: ${source.name}`,
      `licença: ${source.license}`,
      `versão dos dados: ${data_version}`,
      'endereço: http',
      'cobertura crescente',
    ]) {
      expect(text).toContain(said);
    }
    const table = text.split('\r\n').filter((line) => line !== '' && !/^\uFEFF?#/.test(line));
    expect(table[0]).toMatch(/^codigo_ibge;territorio;uf;periodo?|período;/);
    expect(table.slice(1).every((line) => line.split(';')[2] === 'MG')).toBe(true);
    expect(table.some((line) => line.startsWith('3121605;Diamantina;MG;2019;'))).toBe(true);
  });
});
