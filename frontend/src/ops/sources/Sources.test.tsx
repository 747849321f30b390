import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { keepKey } from '../../api/key';
import { onTheWire, problem, recorded, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';
import { countsOf, stateOfSource } from './judge';

const { source, sources, coverage } = recorded;
const address = `/operacoes/fontes/${source.connector}`;

beforeEach(() => keepKey(VIEWER_KEY));

describe('a source', () => {
  it.each([
    ['implemented', 'ok', 'ok'],
    ['implemented', 'late', 'warn'],
    ['implemented', 'not_published', 'warn'],
    ['implemented', 'failed', 'critical'],
    ['partial', 'unknown', 'unknown'],
    ['planned', 'ok', 'warn'],
    ['retired', 'failed', 'muted'],
  ] as const)('%s and %s is %s', (status, state, expected) =>
    expect(stateOfSource({ status, state })).toBe(expected),
  );

  it('counts its days by state, leaving out what never was', () => {
    const day = (state: 'ok' | 'failed') => ({ day: '2026-11-22', state, runs: 1 });
    expect(countsOf([day('ok'), day('failed'), day('ok')])).toEqual([
      ['ok', 2],
      ['failed', 1],
    ]);
  });

  it('has a bar per day, and the same in words for who does not see them', async () => {
    onTheWire();
    visit('/operacoes/fontes');
    const strips = await screen.findAllByRole('img', { name: /90 dias: / });
    expect(strips).toHaveLength(sources.items.length);
    const one = sources.items.find(({ connector }) => connector === 'ibge_indicators');
    const strip = screen.getByRole('img', { name: /^ibge_indicators/ });
    expect(strip.children).toHaveLength(one?.days.length ?? 0);
    const unknown = one?.days.filter(({ state }) => state === 'unknown').length;
    expect(strip).toHaveAccessibleName(new RegExp(`desconhecido: ${unknown}`));
  });

  it('shows every period with the run it stands on', async () => {
    onTheWire();
    visit(address);
    const periods = within(await screen.findByRole('region', { name: 'Que períodos há' }));
    const cells = await periods.findAllByRole('listitem');
    expect(cells).toHaveLength(coverage.items.length);
    const [first] = coverage.items;
    expect(periods.getByRole('link', { name: first?.reference_period ?? '' })).toHaveAttribute(
      'href',
      `/operacoes/execucoes/${first?.good_run_id}`,
    );
    expect(cells[0]).toHaveTextContent('● ok em dia');
  });

  it('gives what its verdict stands on as one file', async () => {
    const link = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined);
    vi.stubGlobal(
      'URL',
      Object.assign(URL, { createObjectURL: () => 'blob:x', revokeObjectURL: () => undefined }),
    );
    const asked = onTheWire({
      [`/v1/ops/sources/${source.connector}/evidence`]: () => new Response('zip'),
    });
    visit(address);
    await userEvent.click(await screen.findByRole('button', { name: /Baixar as provas/ }));
    await waitFor(() => expect(link).toHaveBeenCalledOnce());
    expect(asked.at(-1)?.headers.get('Authorization')).toBe(`Bearer ${VIEWER_KEY}`);
  });

  it('without evidence says why', async () => {
    onTheWire({
      [`/v1/ops/sources/${source.connector}/evidence`]: problem(404, 'Ainda não houve execução.'),
    });
    visit(address);
    await userEvent.click(await screen.findByRole('button', { name: /Baixar as provas/ }));
    expect(await screen.findByText('Ainda não houve execução.')).toBeInTheDocument();
  });
});
