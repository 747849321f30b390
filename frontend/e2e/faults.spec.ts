import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';

const token = process.env.ATALAIA_TOKEN;
const database = process.env.DATABASE_URL;
const MOST_CLICKS = 3;
const EXECUTE = { name: 'Executar', exact: true } as const;
const COPY = 'Copiar: comando que executa o runbook';

/** A fault, told by the title of its alert: the runbook that answers, with what it is told. */
type Fault = readonly [title: RegExp, runbook: string, told: Record<string, RegExp>];

/** Its runbook stops parts of the product: the screen gives the command, and a button to copy it. */
const AT_TERMINAL = {};
const OURS: Fault = [/^O job falha: ensaio_nosso/, 'daily-check', {}];
const FAULTS: readonly Fault[] = [
  [/^A fonte falhou: ensaio_fonte/, 'source-failed', { job: /^ensaio_fonte$/ }],
  [/não é confiável: ensaio_tls/, 'certificate', { job: /^ensaio_tls$/ }],
  [/vence ou mudou: ibge_geometries/, 'certificate', { job: /^ibge_geometries$/ }],
  [/^A fila cresce: espera/, 'queue-growing', AT_TERMINAL],
  OURS,
  [/^Uma verificação falha: ensaio_totais/, 'daily-check', {}],
  [/orçamento de erro acaba: SLO-3/, 'daily-check', {}],
  [/^Linhas postas de lado: ensaio/, 'dead-letters-growing', { source: /^ensaio_linha$/ }],
  [/^Entregas que não chegaram: ensaio /, 'delivery-failing', { channel: /^[0-9a-f-]{36}$/ }],
  [/^Sem backup verificado recente/, 'backup-late', {}],
];

/** From the first screen to the button that executes the runbook, which is told all it has to be. */
async function clicksTo(page: Page, [title, runbook, told]: Fault): Promise<number> {
  let clicks = 0;
  const asking = page
    .getByRole('list', { name: 'Alertas que pedem alguém' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('link', { name: title }) })
    .first();
  await asking.getByRole('link', { name: `Abrir ${runbook}` }).click();
  clicks += 1;
  for (const [name, value] of Object.entries(told)) {
    await expect(page.getByRole('textbox', { name })).toHaveValue(value);
  }
  if (told === AT_TERMINAL) {
    await expect(page.getByText(`atalaia runbook run platform/${runbook}`)).toBeVisible();
    await expect(page.getByRole('button', { name: COPY })).toBeEnabled();
  } else {
    await expect(page.getByRole('button', EXECUTE)).toBeEnabled();
  }
  return clicks;
}

test('ten faults in any order: from the first screen the right runbook is three clicks away', async ({
  page,
}) => {
  test.skip(!token || !database, 'ATALAIA_TOKEN and DATABASE_URL are not set');
  test.setTimeout(120_000);
  const faults = fileURLToPath(new URL('faults.sql', import.meta.url));
  execFileSync('psql', [database ?? '', '-qX1', '-v', 'ON_ERROR_STOP=1', '-f', faults]);
  await page.addInitScript((key) => sessionStorage.setItem('atalaia.key', key ?? ''), token);
  await page.goto('/operacoes');
  // The rules are asked each ten seconds: an alert comes to a screen that is open.
  const alerts = page.getByRole('list', { name: 'Alertas que pedem alguém' });
  for (const [title] of FAULTS) {
    await expect(alerts.getByRole('link', { name: title }).first()).toBeVisible({
      timeout: 30_000,
    });
  }
  const order = FAULTS.map((fault) => ({ fault, at: Math.random() }));
  order.sort((one, other) => one.at - other.at);
  for (const { fault } of order) {
    // What is left is to press the button and, giving the reason, the one that asks for it.
    expect((await clicksTo(page, fault)) + 2).toBeLessThanOrEqual(MOST_CLICKS);
    await page.goto('/operacoes');
  }
  await clicksTo(page, OURS);
  await page.getByRole('button', EXECUTE).click();
  const why = page.getByRole('dialog', { name: /^Executar/ });
  await why.getByLabel(/Por quê/).fill('ensaio no navegador');
  await why.getByRole('button', EXECUTE).click();
  await expect(page.getByText(/^Execução pedida/)).toBeVisible();
});
