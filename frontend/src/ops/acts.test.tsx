import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { keepKey } from '../api/key';
import { type Asked, onTheWire, problem, recorded, VIEWER, VIEWER_KEY } from '../test/api';
import { visit } from '../test/render';

const READER = { '/v1/session': { ...VIEWER, role: 'viewer' } };
const ADMIN = { '/v1/session': { ...VIEWER, role: 'admin' } };

beforeEach(() => keepKey(VIEWER_KEY));

const press = (name: string | RegExp) => userEvent.click(screen.getByRole('button', { name }));

/** The dialog that is open, its fields filled in and sent with a reason. */
async function decide(fields: Record<string, string>, button: string | RegExp) {
  const dialog = within(await screen.findByRole('dialog'));
  for (const [label, value] of Object.entries(fields)) {
    const field = dialog.getByLabelText(new RegExp(`^${label}`));
    if (field instanceof HTMLSelectElement) await userEvent.selectOptions(field, value);
    else {
      await userEvent.clear(field);
      await userEvent.paste(value);
    }
  }
  await userEvent.click(dialog.getByRole('button', { name: button }));
}

const sent = (asked: readonly Asked[]) =>
  asked
    .filter(({ method }) => method !== 'GET')
    .map(({ method, url, body }) => [method, url.pathname, body]);

describe('an incident', () => {
  const { incident } = recorded;

  it('is declared by hand only with what happens and why, and leads to its room', async () => {
    const asked = onTheWire({
      '/v1/incidents': ({ method }: Asked) =>
        method === 'POST' ? { ...incident, title: 'Mapa fora' } : recorded.incidents,
    });
    visit('/operacoes/incidentes');
    await userEvent.click(await screen.findByRole('button', { name: 'Declarar incidente' }));
    await decide({}, 'Declarar');
    expect(screen.getByText('Falta dizer.')).toBeInTheDocument();
    expect(screen.getByText(/sem motivo nada é feito/)).toBeInTheDocument();
    expect(sent(asked)).toEqual([]);
    await decide(
      {
        'O que acontece': 'Mapa fora',
        Gravidade: 'critical',
        Impacto: 'ninguém vê o mapa',
        'O que atinge': 'mapa, API',
        'Por quê': 'ligaram da secretaria',
      },
      'Declarar',
    );
    expect(await screen.findByText('Incidente declarado: Mapa fora.')).toBeInTheDocument();
    expect(await screen.findByRole('region', { name: 'Linha do tempo' })).toBeInTheDocument();
    expect(sent(asked)).toEqual([
      [
        'POST',
        '/v1/incidents',
        {
          alerts: [],
          title: 'Mapa fora',
          severity: 'critical',
          impact: 'ninguém vê o mapa',
          affected: ['mapa', 'API'],
          commander: '',
          reason: 'ligaram da secretaria',
        },
      ],
    ]);
  });

  it('is declared from an alert, which gives what is left empty', async () => {
    const alert = { ...recorded.alert, incident_id: null, resolved_at: null };
    const asked = onTheWire({
      '/v1/alerts/1': alert,
      '/v1/incidents': ({ method }: Asked) => (method === 'POST' ? incident : recorded.incidents),
    });
    visit('/operacoes/alertas/1');
    await userEvent.click(await screen.findByRole('button', { name: 'Declarar incidente' }));
    await decide({ 'Por quê': 'piora' }, 'Declarar');
    await waitFor(() => expect(sent(asked)).toHaveLength(1));
    const [[, , body]] = sent(asked) as [[string, string, Record<string, unknown>]];
    expect(body).toEqual({
      alerts: [alert.alert_id],
      title: alert.title,
      impact: '',
      affected: [],
      commander: '',
      reason: 'piora',
    });
  });

  it('is updated with what was done, resolved with its cause, and kept as a snapshot', async () => {
    const asked = onTheWire({
      '/v1/incidents/1': { ...incident, status: 'investigating' },
      '/v1/incidents/1/update': incident,
      '/v1/incidents/1/resolve': incident,
      '/v1/incidents/1/snapshot': {},
    });
    visit('/operacoes/incidentes/1');
    await userEvent.click(await screen.findByRole('button', { name: 'Atualizar' }));
    await decide({ Situação: 'monitoring', 'O que foi feito': 'voltou' }, 'Atualizar');
    await screen.findByText(/^Atualizado/);
    await press('Encerrar');
    await decide({ 'O que resolveu': 'reinício', 'Por quê': 'fim' }, 'Encerrar');
    expect(screen.getByText('Falta dizer.')).toBeInTheDocument();
    await decide({ Causa: 'disco cheio' }, 'Encerrar');
    await screen.findByText(/^Encerrado/);
    await press('Guardar um retrato');
    await decide({ 'Por quê': 'antes de mexer' }, 'Guardar um retrato');
    await screen.findByText(/^Retrato guardado/);
    expect(sent(asked)).toEqual([
      [
        'POST',
        '/v1/incidents/1/update',
        { status: 'monitoring', next_steps: '', eta: '', reason: 'voltou' },
      ],
      [
        'POST',
        '/v1/incidents/1/resolve',
        { root_cause: 'disco cheio', resolution: 'reinício', prevention: '', reason: 'fim' },
      ],
      ['POST', '/v1/incidents/1/snapshot', { reason: 'antes de mexer' }],
    ]);
  });

  it('has its post-mortem drafted for who may only read, and nothing to press beside', async () => {
    onTheWire({ ...READER, '/v1/incidents/1/postmortem': { text: '# Post-mortem\nFatos.' } });
    visit('/operacoes/incidentes/1');
    await userEvent.click(await screen.findByRole('button', { name: 'Rascunho do post-mortem' }));
    expect(await screen.findByText(/# Post-mortem/)).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Encerrar' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Guardar um retrato' })).toBeNull();
  });
});

describe('a maintenance window', () => {
  it('is announced with its rules, and one that holds is ended', async () => {
    const window = {
      window_id: 7,
      title: 'troca do disco',
      rules: [],
      subjects: [],
      starts_at: '2026-11-30T10:00:00Z',
      ends_at: '2026-11-30T12:00:00Z',
      until: '2026-11-30T12:00:00Z',
      active: true,
      created_by: 'ana',
      reason: 'disco',
      cancelled_at: null,
    };
    const asked = onTheWire({
      '/v1/maintenance-windows': { items: [window], count: 1, total: 1, page: 1, page_size: 50 },
      '/v1/maintenance-windows/7/cancel': window,
    });
    visit('/operacoes/alertas');
    await userEvent.click(await screen.findByRole('button', { name: 'Anunciar manutenção' }));
    await decide(
      { 'O quê': 'rede', 'Regras de alerta': 'source-failed, api-slow', 'Por quê': 'operadora' },
      'Anunciar',
    );
    await screen.findByText('Manutenção anunciada: rede.');
    await press('Terminar agora: troca do disco');
    await decide({ 'Por quê': 'acabou antes' }, 'Terminar agora');
    await screen.findByText('Terminada: troca do disco.');
    const [announced, ended] = sent(asked);
    expect(announced?.[2]).toMatchObject({
      title: 'rede',
      rules: ['source-failed', 'api-slow'],
      subjects: [],
      reason: 'operadora',
    });
    const told = announced?.[2] as Record<'starts_at' | 'ends_at', string> | undefined;
    const span = Date.parse(told?.ends_at ?? '') - Date.parse(told?.starts_at ?? '');
    expect(span).toBe(3_600_000);
    expect(ended).toEqual(['POST', '/v1/maintenance-windows/7/cancel', { reason: 'acabou antes' }]);
  });
});

describe('the schedule', () => {
  const [entry] = recorded.schedule.items;
  const name = entry?.name ?? '';

  it('is paused and run beside its hour, each with a reason', async () => {
    const asked = onTheWire({
      [`/v1/ops/schedule/${name}/pause`]: {},
      [`/v1/ops/schedule/${name}/run-now`]: { id: 'b' },
    });
    visit('/operacoes/fila');
    await userEvent.click(await screen.findByRole('button', { name: `Pausar: ${name}` }));
    await decide({ 'Por quê': 'fonte em obras' }, 'Pausar');
    await screen.findByText(`Em pausa: ${name}.`);
    await press(`Rodar agora: ${name}`);
    await decide({ 'Por quê': 'plantão' }, 'Rodar agora');
    await screen.findByText(/A fila diz como vai/);
    expect(sent(asked).map(([, path]) => path)).toEqual([
      `/v1/ops/schedule/${name}/pause`,
      `/v1/ops/schedule/${name}/run-now`,
    ]);
  });

  it('that is paused is resumed', async () => {
    const paused = {
      ...entry,
      paused_at: '2026-11-30T10:00:00Z',
      paused_by: 'ana',
      pause_reason: 'x',
    };
    onTheWire({ '/v1/ops/schedule': { items: [paused], count: 1 } });
    visit('/operacoes/fila');
    expect(await screen.findByRole('button', { name: `Retomar: ${name}` })).toBeInTheDocument();
  });

  it('has nothing to press for who may only read', async () => {
    onTheWire(READER);
    visit('/operacoes/fila');
    await screen.findByRole('table', { name: /agenda|tempo/i });
    expect(screen.queryByRole('button', { name: /^Pausar/ })).toBeNull();
  });
});

describe('a run', () => {
  const { run } = recorded;
  const path = `/v1/ops/pipeline-runs/${run.run_id}`;

  it('is asked for again once, however often the button is pressed', async () => {
    const asked = onTheWire({
      '/v1/jobs': ({ headers }: Asked) =>
        headers.get('Idempotency-Key') ? { id: 'b' } : problem(422, 'Falta a chave.'),
    });
    visit(`/operacoes/execucoes/${run.run_id}`);
    await userEvent.click(await screen.findByRole('button', { name: 'Pedir de novo' }));
    await decide({ 'Arquivo bruto': 'yes', 'Por quê': 'fonte voltou' }, 'Pedir de novo');
    await screen.findByText(/^Execução pedida/);
    expect(sent(asked)).toEqual([
      [
        'POST',
        '/v1/jobs',
        {
          job_name: run.job_name,
          reference_period: run.reference_period,
          force: true,
          reason: 'fonte voltou',
        },
      ],
    ]);
  });

  it('that went well on what was kept does not say that we failed', async () => {
    onTheWire({ [path]: { ...run, run_status: 'success', verdict: 'we_failed' } });
    visit(`/operacoes/execucoes/${run.run_id}`);
    expect(
      await screen.findByText(/terminou bem com o que já havia: não se chegou à fonte/),
    ).toBeInTheDocument();
    expect(screen.queryByText(/falhamos/)).toBeNull();
  });

  it('that failed says whose fault it was', async () => {
    onTheWire({ [path]: { ...run, run_status: 'failed', verdict: 'source_failed' } });
    visit(`/operacoes/execucoes/${run.run_id}`);
    expect(await screen.findByText(/falhou: a fonte falhou/)).toBeInTheDocument();
  });

  it('leads to the others of its job and period', async () => {
    const other = {
      run_id: '00000000-0000-0000-0000-000000000001',
      job_name: run.job_name,
      reference_period: run.reference_period,
      run_status: 'failed',
      verdict: 'source_failed',
      started_at_utc: run.started_at_utc,
      same_trace: false,
    };
    onTheWire({ [path]: { ...run, others: [other] } });
    visit(`/operacoes/execucoes/${run.run_id}`);
    const others = within(await screen.findByRole('table', { name: 'Outras execuções' }));
    expect(others.getByRole('link', { name: run.job_name })).toHaveAttribute(
      'href',
      `/operacoes/execucoes/${other.run_id}`,
    );
    expect(others.getByText('mesmo job e período')).toBeInTheDocument();
  });
});

describe('a backup', () => {
  it('is asked for with a reason and one number', async () => {
    const asked = onTheWire({
      '/v1/ops/backups': ({ method }: Asked) =>
        method === 'POST' ? { id: 'b' } : recorded.backups,
    });
    visit('/operacoes/copias');
    await userEvent.click(await screen.findByRole('button', { name: 'Fazer uma cópia agora' }));
    await decide({ 'Por quê': 'antes da carga' }, 'Fazer a cópia');
    await screen.findByText(/^Cópia pedida/);
    const [backup] = asked.filter(({ method }) => method === 'POST');
    expect(backup?.body).toEqual({ reason: 'antes da carga' });
    expect(backup?.headers.get('Idempotency-Key')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('a channel', () => {
  const [webhook] = recorded.webhooks.items;
  const one = { ...webhook, channel_id: 'c-1', kind: 'webhook', name: 'plantão' };
  const listed = { items: [one], count: 1 };

  it('is made by an administrator, who sees its secret this once', async () => {
    const asked = onTheWire({
      ...ADMIN,
      '/v1/ops/webhooks': ({ method }: Asked) =>
        method === 'POST' ? { ...one, secret: 'whsec_shown-once' } : listed,
    });
    visit('/operacoes/entregas');
    await userEvent.click(await screen.findByRole('button', { name: 'Novo webhook' }));
    await decide(
      {
        Nome: 'plantão',
        Endereço: 'https://ops.example/x',
        Ouve: 'alert.*, incident.*',
        'Por quê': 'novo',
      },
      'Fazer',
    );
    expect(await screen.findByTestId('secret')).toHaveTextContent('whsec_shown-once');
    await userEvent.keyboard('{Escape}');
    expect(screen.getByTestId('secret')).toBeInTheDocument();
    await press('Já guardei');
    await waitFor(() => expect(screen.queryByTestId('secret')).toBeNull());
    expect(sent(asked)).toEqual([
      [
        'POST',
        '/v1/ops/webhooks',
        {
          name: 'plantão',
          url: 'https://ops.example/x',
          event_types: ['alert.*', 'incident.*'],
          reason: 'novo',
        },
      ],
    ]);
  });

  it('is changed without its address, which stays, and given another secret', async () => {
    const asked = onTheWire({
      ...ADMIN,
      '/v1/ops/webhooks': listed,
      '/v1/ops/webhooks/c-1': one,
      '/v1/ops/webhooks/c-1/rotate': { ...one, secret: 'whsec_next' },
    });
    visit('/operacoes/entregas');
    await userEvent.click(await screen.findByRole('button', { name: 'Mudar: plantão' }));
    await decide({ Ouve: 'alert.*', 'Por quê': 'só alertas' }, 'Mudar');
    await screen.findByText('Mudado: plantão.');
    await press('Trocar segredo: plantão');
    await decide({ 'As duas assinaturas': '0', 'Por quê': 'vazou' }, 'Trocar segredo');
    expect(await screen.findByTestId('secret')).toHaveTextContent('whsec_next');
    expect(sent(asked)).toEqual([
      [
        'PATCH',
        '/v1/ops/webhooks/c-1',
        { name: 'plantão', event_types: ['alert.*'], reason: 'só alertas' },
      ],
      ['POST', '/v1/ops/webhooks/c-1/rotate', { overlap_hours: 0, reason: 'vazou' }],
    ]);
  });

  it('is no operator’s to make', async () => {
    onTheWire();
    visit('/operacoes/entregas');
    expect(await screen.findByText(/pede o papel de administrador/)).toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Novo webhook' })).toBeNull();
  });

  it('has all that ended alike sent again; what still waits is no such thing', async () => {
    const asked = onTheWire({ '/v1/ops/deliveries/replay-all': { replayed: 1234 } });
    visit('/operacoes/entregas?status=exhausted&type=alert.opened');
    await userEvent.click(await screen.findByRole('button', { name: 'Enviar todas de novo' }));
    await decide({ 'Por quê': 'voltou' }, 'Enviar todas de novo');
    expect(await screen.findByText('Enviadas de novo: 1.234.')).toBeInTheDocument();
    expect(sent(asked)[0]?.[2]).toEqual({
      status: 'exhausted',
      event_type: 'alert.opened',
      reason: 'voltou',
    });
    await userEvent.selectOptions(screen.getByLabelText('Estado'), 'waiting');
    expect(screen.queryByRole('button', { name: 'Enviar todas de novo' })).toBeNull();
  });
});
