import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import { onTheWire, problem, recorded, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';

const run = recorded.run;
const address = `/operacoes/execucoes/${run.run_id}`;
const path = `/v1/ops/pipeline-runs/${run.run_id}`;

async function opened(change: object = {}) {
  onTheWire({ [path]: { ...run, ...change } });
  visit(address);
  await screen.findByRole('heading', { name: `${run.job_name} · ${run.reference_period}` });
}
const part = (name: string) => within(screen.getAllByRole('region', { name })[0] as HTMLElement);

beforeEach(() => keepKey(VIEWER_KEY));

describe('a run', () => {
  it('shows where its rows went, and that none is missing', async () => {
    await opened({
      rows_read: 20,
      rows_loaded: 15,
      rows_rejected: 3,
      rows_duplicate: 2,
      dead_letters: 3,
    });
    const balance = part('Balanço das linhas');
    for (const [name, figure] of [
      ['lidas', '20'],
      ['carregadas', '= 15'],
      ['rejeitadas', '+ 3'],
      ['duplicadas', '+ 2'],
    ] as const) {
      expect(balance.getByText(name).closest('div')).toHaveTextContent(`${name}${figure}`);
    }
    expect(balance.getByText(/^Fecha/)).toHaveTextContent('● ok');
    const letters = balance.getByRole('link', { name: 'Ver as rejeitadas' });
    expect(letters).toHaveAttribute('href', `/operacoes/mortos?source=${run.job_name}`);
  });

  it('says that rows are missing', async () => {
    await opened({ rows_read: 20, rows_loaded: 15, rows_rejected: 3, rows_duplicate: 1 });
    expect(screen.getByText(/NÃO fecha/)).toHaveTextContent('■ crítico');
  });

  it('goes from source over raw file to table, each named', async () => {
    await opened();
    const stations = part('De onde para onde').getAllByRole('listitem');
    const [file] = run.bronze;
    expect(stations[0]).toHaveTextContent(`${file?.source} / ${file?.dataset}`);
    expect(stations[1]).toHaveTextContent('arquivos: 1');
    expect(stations[2]).toHaveTextContent('silver.fact_indicator');
    expect(part('Arquivos brutos').getByText(file?.path ?? '')).toBeInTheDocument();
  });

  it('tells its steps in order, in words and seconds', async () => {
    await opened();
    const steps = part('Passos').getAllByRole('listitem');
    expect(steps.map((one) => one.firstElementChild?.textContent)).toEqual([
      'buscar',
      'carregar',
      'verificar',
    ]);
    expect(steps[1]).toHaveTextContent(/0,\d\d s/);
    expect(steps[1]).toHaveTextContent(/lidas 20\.128/);
  });

  it('shows the rows that failed a check, the worst check first', async () => {
    const [good] = run.checks;
    const bad = {
      ...good,
      check_id: 9,
      check_name: 'check_values',
      status: 'fail',
      details: {
        reason: 'negativos',
        todo: 'corrija na fonte',
        samples: [
          { territory_id: '3121605', value: -1 },
          { territory_id: '3106200', value: null },
        ],
      },
    };
    await opened({ checks: [good, bad] });
    const [first] = part('Verificações').getAllByRole('listitem');
    expect(first).toHaveTextContent('■ crítico check_values');
    expect(first).toHaveTextContent('O que fazer: corrija na fonte');
    const rows = within(first as HTMLElement).getAllByRole('row');
    expect(rows.map(({ textContent }) => textContent)).toEqual([
      'territory_idvalue',
      '3121605-1',
      '3106200—',
    ]);
  });

  it('that failed says why, with the trace to quote', async () => {
    await opened({
      run_status: 'failed',
      error: 'A fonte fechou a porta.',
      verdict: 'source_failed',
    });
    expect(screen.getByText('A fonte fechou a porta.')).toBeInTheDocument();
    expect(screen.getByText(/falhou: a fonte falhou/)).toHaveTextContent('■ crítico');
    expect(screen.getByText(run.trace_id)).toBeInTheDocument();
  });

  it('shows what was logged under its trace, and the contract that governed it', async () => {
    await opened();
    const log = within(await screen.findByRole('region', { name: 'Linhas do log' }));
    expect(await log.findByText(/run ended success/)).toBeInTheDocument();
    const contract = part('Contratos').getByRole('row', { name: /registro_civil_deaths/ });
    expect(contract).toHaveTextContent('territory_id');
  });

  it('nobody knows is refused with what to do', async () => {
    onTheWire({ [path]: problem(404, 'Não há execução com esse run_id.') });
    visit(address);
    expect(await screen.findByText('Não há execução com esse run_id.')).toBeInTheDocument();
  });
});

describe('the list of runs', () => {
  it('asks the API for what the address filters, and a row leads to its run', async () => {
    const asked = onTheWire({
      '/v1/ops/pipeline-runs': { items: [run], count: 1, total: 1, page: 1, page_size: 50 },
    });
    const { address: here } = visit('/operacoes/execucoes?status=failed&job=dbt_build');
    const table = within(await screen.findByRole('table', { name: 'Execuções' }));
    const question = asked.find(({ url }) => url.pathname === '/v1/ops/pipeline-runs')?.url;
    expect(question?.searchParams.get('run_status')).toBe('failed');
    expect(question?.searchParams.get('job_name')).toBe('dbt_build');
    await userEvent.selectOptions(screen.getByLabelText('Situação'), 'bloqueada');
    expect(here()).toContain('status=blocked');
    await userEvent.click(table.getByRole('link', { name: run.job_name }));
    expect(await screen.findByRole('heading', { name: /2020/ })).toBeInTheDocument();
  });

  it('goes on to the next page', async () => {
    const asked = onTheWire({
      '/v1/ops/pipeline-runs': { items: [run], count: 1, total: 51, page: 1, page_size: 50 },
    });
    visit('/operacoes/execucoes');
    await userEvent.click(await screen.findByRole('button', { name: 'Próxima' }));
    await screen.findByText('51–51 de 51');
    const pages = asked
      .filter(({ url }) => url.pathname === '/v1/ops/pipeline-runs')
      .map(({ url }) => url.searchParams.get('page'));
    expect(pages).toEqual(['1', '2']);
  });
});
