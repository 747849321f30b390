import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../../api/key';
import type { Alert } from '../../api/watchTypes';
import { onTheWire, recorded, VIEWER, VIEWER_KEY } from '../../test/api';
import { visit } from '../../test/render';
import { asksForSomeone, STALE_ROUND_MS, stateOfAlert, watchState } from './judge';

const fresh = () => ({ ...recorded.alerts, evaluated_at: new Date().toISOString(), unasked: 0 });
const [first] = recorded.alerts.items as unknown as Alert[];
if (!first) throw new Error('an alert is needed');
const whole = recorded.alert;
const now = async (alerts: object = fresh(), viewer: object = {}) => {
  const asked = onTheWire({
    '/v1/alerts': alerts,
    '/v1/session': { ...VIEWER, ...viewer },
    '/v1/alerts/1/ack': {},
    '/v1/alerts/1/silence': {},
  });
  visit('/operacoes');
  const list = await screen.findByRole('list', { name: 'Alertas que pedem alguém' });
  return { asked, list: within(list) };
};

beforeEach(() => keepKey(VIEWER_KEY));

describe('an alert', () => {
  it.each([
    ['failed', 'critical', 'critical'],
    ['late', 'high', 'critical'],
    ['failed', 'normal', 'warn'],
    ['late', 'low', 'warn'],
    ['unknown', 'critical', 'unknown'],
    ['silenced', 'critical', 'muted'],
    ['ok', 'critical', 'ok'],
  ] as const)('%s and %s is shown as %s', (shown, severity, state) =>
    expect(stateOfAlert({ shown, severity })).toBe(state),
  );

  it('asks for someone unless silenced, resolved, or the consequence of another', () => {
    const open = { ...first, shown: 'failed', follows: null, resolved_at: null } as Alert;
    expect(asksForSomeone(open)).toBe(true);
    expect(asksForSomeone({ ...open, shown: 'silenced' })).toBe(false);
    expect(asksForSomeone({ ...open, follows: 7 })).toBe(false);
    expect(asksForSomeone({ ...open, shown: 'ok', resolved_at: '2026-11-22' })).toBe(false);
  });

  it('that is not there means nothing when the rules are not asked', () => {
    const at = Date.parse('2026-11-22T12:00:00Z');
    const round = (ms: number) => new Date(at - ms).toISOString();
    const state = (evaluated_at: string | null, unasked: number) =>
      watchState({ evaluated_at, unasked }, at);
    expect(state(null, 0)).toBe('never');
    expect(state(round(STALE_ROUND_MS + 1), 0)).toBe('stale');
    expect(state(round(1000), 2)).toBe('partial');
    expect(state(round(1000), 0)).toBe('ok');
  });
});

describe('what needs me now', () => {
  it('has each alert with owner, age and the runbook that answers, arguments filled in', async () => {
    const { list } = await now();
    const items = list.getAllByRole('listitem');
    const asking = (recorded.alerts.items as unknown as Alert[]).filter(asksForSomeone);
    expect(items).toHaveLength(asking.length);
    const item = items.find(({ textContent }) => textContent?.includes(first.title));
    expect(item).toHaveTextContent(new RegExp(`de ${first.owner} · há `));
    const runbook = within(item as HTMLElement).getByRole('link', { name: /^Abrir / });
    const [name, value] = Object.entries(first.arguments)[0] ?? ['', ''];
    const argument = name ? `?arg_${name}=${encodeURIComponent(value)}` : '';
    expect(runbook).toHaveAttribute('href', `/operacoes/runbook/${first.runbook}${argument}`);
  });

  it('says that nothing is known when the rules are asked no more, and never that all is well', async () => {
    await now({ ...fresh(), items: [], total: 0, evaluated_at: null });
    expect(screen.getByText(/nunca foram avaliadas/)).toHaveTextContent('○ desconhecido');
  });

  it('takes one on with a reason', async () => {
    const { asked, list } = await now({ ...fresh(), items: [{ ...first, alert_id: 1 }], total: 1 });
    await userEvent.click(list.getByRole('button', { name: `Estou cuidando: ${first.title}` }));
    const dialog = within(await screen.findByRole('dialog'));
    await userEvent.click(dialog.getByRole('button', { name: 'Estou cuidando' }));
    expect(dialog.getByText(/sem motivo nada é feito/)).toBeInTheDocument();
    await userEvent.type(dialog.getByLabelText(/Por quê/), 'vendo a rede');
    await userEvent.click(dialog.getByRole('button', { name: 'Estou cuidando' }));
    await waitFor(() =>
      expect(
        asked
          .filter(({ method }) => method === 'POST')
          .map(({ url, body }) => [url.pathname, body]),
      ).toEqual([['/v1/alerts/1/ack', { reason: 'vendo a rede' }]]),
    );
    expect(await screen.findByText(`Você cuida de: ${first.title}.`)).toBeInTheDocument();
  });

  it('gives who may only read nothing to press but the runbook', async () => {
    const { list } = await now(fresh(), { role: 'viewer' });
    expect(list.queryByRole('button')).toBeNull();
    expect(list.getAllByRole('link', { name: /^Abrir / }).length).toBeGreaterThan(0);
  });

  it('does not tell a failed run again beside its alert', async () => {
    const [run] = recorded.runs.items;
    const failed = { ...run, job_name: 'ibge_indicators', run_status: 'failed', error: 'sem rede' };
    const alert = { ...first, subject: 'ibge_indicators' };
    onTheWire({
      '/v1/alerts': { ...fresh(), items: [alert], total: 1 },
      '/v1/ops/pipeline-runs': { items: [failed], count: 1 },
      '/v1/ops/pipeline-checks': { items: [], count: 0 },
    });
    visit('/operacoes');
    await screen.findByRole('list', { name: 'Alertas que pedem alguém' });
    await screen.findByRole('heading', { name: 'Execuções' });
    expect(screen.queryByText('sem rede')).toBeNull();
  });
});

describe('one alert', () => {
  it('shows what was found, what is done about it and what happened', async () => {
    const history = [
      { at: '2026-11-22T12:00:00Z', actor: 'vigia', action: 'alert.opened', reason: null },
      { at: '2026-11-22T12:05:00Z', actor: 'ana', action: 'alert.acknowledged', reason: 'vejo' },
    ];
    onTheWire({ '/v1/alerts/1': { ...whole, history } });
    visit('/operacoes/alertas/1');
    expect(await screen.findByRole('heading', { name: whole.title })).toBeInTheDocument();
    expect(screen.getByText(whole.says)).toBeInTheDocument();
    const told = within(screen.getByRole('region', { name: 'O que aconteceu' }));
    expect(told.getAllByRole('listitem').map(({ textContent }) => textContent)).toEqual([
      expect.stringMatching(/abertovigia$/),
      expect.stringMatching(/alguém cuidaana: vejo$/),
    ]);
  });

  it('is silenced until a moment that is said before', async () => {
    const asked = onTheWire({ '/v1/alerts/1/silence': {} });
    visit('/operacoes/alertas/1');
    await userEvent.click(await screen.findByRole('button', { name: 'Silenciar' }));
    const dialog = within(await screen.findByRole('dialog'));
    expect(dialog.getByText(/ninguém é avisado/)).toBeInTheDocument();
    await userEvent.type(dialog.getByLabelText(/Por quê/), 'troca de disco');
    await userEvent.click(dialog.getByRole('button', { name: /^Silenciar por/ }));
    await screen.findByText(/^Silenciado:/);
    const sent = asked.find(({ method }) => method === 'POST');
    const body = sent?.body as { reason: string; until: string };
    expect(body.reason).toBe('troca de disco');
    expect(Date.parse(body.until) - Date.now()).toBeGreaterThan(3.9 * 3_600_000);
  });
});

describe('the list of alerts', () => {
  it('has the service levels with the moment they are told for', async () => {
    onTheWire({ '/v1/alerts': fresh() });
    visit('/operacoes/alertas');
    const levels = within(await screen.findByRole('table', { name: 'Níveis de serviço' }));
    expect(levels.getByText(/SLO-1/).closest('tr')).toHaveTextContent(/■ crítico|● ok/);
    expect(screen.getByText(/^Dos 7 dias até/)).toBeInTheDocument();
  });
});
