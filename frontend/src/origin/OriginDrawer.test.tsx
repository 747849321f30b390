import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { onTheWire, problem, recorded, TRACE } from '../test/api';
import { show } from '../test/render';
import { OriginButton } from './OriginButton';
import { OriginProvider } from './OriginDrawer';
import { indicatorUri } from './origin';

const uri = indicatorUri('3121605', 'deaths_total', '2019');

async function ask() {
  show(
    <OriginProvider>
      <OriginButton uri={uri} what="Óbitos, Diamantina" />
    </OriginProvider>,
  );
  await userEvent.click(screen.getByRole('button', { name: 'De onde veio: Óbitos, Diamantina' }));
  return screen.findByRole('dialog', { name: /De onde veio este número/ });
}

describe('de onde veio', () => {
  it('leads from the value to the run and the raw file with its hash', async () => {
    onTheWire();
    const dialog = await ask();
    const { run, bronze } = recorded.explain;
    await waitFor(() => expect(dialog).toHaveTextContent(bronze.sha256));
    expect(dialog).toHaveTextContent(run.run_id);
    expect(dialog).toHaveTextContent(bronze.path);
    expect(dialog).toHaveTextContent(/SHA-256/);
  });

  it('gives the command that repeats it', async () => {
    onTheWire();
    const dialog = await ask();
    await waitFor(() =>
      expect(dialog).toHaveTextContent(`atalaia explain ${recorded.explain.uri}`),
    );
  });

  it('says from where the bytes came: an address or a package', async () => {
    const exchange = {
      url: 'https://ibge.example/x',
      fetched_at: '2026-11-22T12:00:00Z',
      status: 200,
    };
    onTheWire({
      '/v1/explain/indicator/3121605/deaths_total/2019': {
        ...recorded.explain,
        exchange,
        package: { name: 'brazil-monthly-deaths', version: '1.4.0', file: 'data_2019.csv' },
      },
    });
    const dialog = await ask();
    await waitFor(() => expect(dialog).toHaveTextContent(exchange.url));
    expect(dialog).toHaveTextContent('resposta HTTP 200');
    expect(dialog).toHaveTextContent('brazil-monthly-deaths 1.4.0');
  });

  it('shows the way of a number without raw file as far as it goes', async () => {
    onTheWire({
      '/v1/explain/indicator/3121605/deaths_total/2019': {
        uri: 'indicator/x',
        value: 0,
        unit: 'óbitos',
        period: '2019',
      },
    });
    const dialog = await ask();
    await waitFor(() => expect(dialog).toHaveTextContent('0 óbitos'));
    expect(dialog).not.toHaveTextContent('Arquivo bruto');
  });

  it('leads on to the numbers it was made of, and back', async () => {
    const [first] = recorded.explain.derivation.inputs;
    onTheWire({
      [`/v1/explain/${first?.uri}`]: {
        uri: first?.uri,
        value: first?.value,
        unit: 'óbitos',
        period: '2019-01',
      },
    });
    const dialog = await ask();
    await userEvent.click(await within(dialog).findByText(/^Entradas/));
    await userEvent.click(within(dialog).getByText(first?.uri ?? ''));
    await waitFor(() => expect(dialog).toHaveTextContent(`atalaia explain ${first?.uri}`));
    await userEvent.click(within(dialog).getByRole('button', { name: /Voltar/ }));
    await waitFor(() =>
      expect(dialog).toHaveTextContent(`atalaia explain ${recorded.explain.uri}`),
    );
  });

  it('says why there is no number, and whose the hole is', async () => {
    onTheWire({
      '/v1/explain/indicator/3121605/deaths_total/2019': {
        uri,
        value: null,
        unit: 'óbitos',
        period: '2019',
        reason: 'Faltam dois meses.',
        verdict: 'not_published',
      },
    });
    const dialog = await ask();
    await waitFor(() =>
      expect(dialog).toHaveTextContent('a fonte não publicou: Faltam dois meses.'),
    );
  });

  it('refuses with the number to quote, not with an empty drawer', async () => {
    onTheWire({
      '/v1/explain/indicator/3121605/deaths_total/2019': problem(404, 'Sem rastro.'),
    });
    const dialog = await ask();
    await waitFor(() => expect(dialog).toHaveTextContent(TRACE));
  });
});
