import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import { onTheWire, recorded, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';
import { samplesOf } from './said';

const [one] = recorded.checks.items;
if (!one) throw new Error('a check is needed');
const answers = [
  { ...one, check_id: 1, check_name: 'a_good', status: 'pass', details: {} },
  { ...one, check_id: 2, check_name: 'b_doubtful', status: 'warn', details: { reason: 'vazia' } },
  {
    ...one,
    check_id: 3,
    check_name: 'c_bad',
    status: 'fail',
    details: { reason: 'negativos', samples: [{ id: 7 }, { id: 8 }] },
  },
];

const opened = async (address: string) => {
  onTheWire({ '/v1/ops/pipeline-checks': { items: answers, count: 3 } });
  visit(address);
  return within(await screen.findByRole('table', { name: /O que cada verificação/ }));
};

beforeEach(() => keepKey(VIEWER_KEY));

describe('what the checks said', () => {
  it('comes worst first, in shape and word', async () => {
    const rows = (await opened('/operacoes/verificacoes')).getAllByRole('row').slice(1);
    expect(rows.map((row) => within(row).getByRole('button').textContent)).toEqual([
      'c_bad',
      'b_doubtful',
      'a_good',
    ]);
    expect(rows[0]).toHaveTextContent('■ crítico');
    expect(rows[1]).toHaveTextContent('▲ atenção');
  });

  it('opens with the rows that failed, and the way to the run that asked', async () => {
    const table = await opened('/operacoes/verificacoes');
    await userEvent.click(table.getByRole('button', { name: 'c_bad' }));
    const drawer = within(await screen.findByRole('dialog'));
    const samples = drawer.getByRole('table', { name: 'Linhas que falharam (amostra de 2)' });
    expect(
      within(samples)
        .getAllByRole('row')
        .map((row) => row.textContent),
    ).toEqual(['id', '7', '8']);
    const run = drawer.getByRole('link', { name: /^Execução/ });
    expect(run).toHaveAttribute('href', `/operacoes/execucoes/${one.run_id}`);
  });

  it('narrows by state', async () => {
    const table = await opened('/operacoes/verificacoes?status=warn');
    expect(table.getAllByRole('row')).toHaveLength(2);
    expect(table.getByRole('button', { name: 'b_doubtful' })).toBeInTheDocument();
  });
});

describe('samples', () => {
  it('are rows; what is no row stands by itself; what is not there is none', () => {
    expect(samplesOf({ details: { samples: [{ a: 1 }, ['x', 'y'], 'z'] } })).toEqual([
      { a: 1 },
      { '': 'x · y' },
      { '': 'z' },
    ]);
    expect(samplesOf({ details: null })).toEqual([]);
    expect(samplesOf({ details: { samples: 3 } })).toEqual([]);
  });
});
