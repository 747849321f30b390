import { readFile } from 'node:fs/promises';
import { expect, type Page, test } from '@playwright/test';

const token = process.env.ATALAIA_TOKEN;

/** Into the room by the key the run was given. */
async function comeIn(page: Page, address: string): Promise<void> {
  test.skip(token === undefined, 'ATALAIA_TOKEN is not set');
  await page.addInitScript((key) => sessionStorage.setItem('atalaia.key', key ?? ''), token);
  await page.goto(address);
}

test('a room is told what changes: a letter decided elsewhere leaves the list by itself', async ({
  page,
  request,
}) => {
  await comeIn(page, '/operacoes/mortos?sort=-id');
  await expect(page.getByText('● ao vivo')).toBeVisible();
  const letters = page.getByRole('table', { name: 'O que foi posto de lado' });
  const row = letters.getByRole('row').nth(2);
  const id = (await row.getByRole('cell').first().textContent()) ?? '';
  const mine = letters.getByRole('cell', { name: id, exact: true });
  await expect(mine).toHaveCount(1);
  const answer = await request.post('/v1/ops/dead-letters/discard', {
    headers: { Authorization: `Bearer ${token}` },
    data: { ids: [Number(id)], reason: 'decidido em outra janela' },
  });
  expect(answer.ok()).toBe(true);
  // Well before the half minute after which a list without the stream would ask.
  await expect(mine).toHaveCount(0, { timeout: 10_000 });
});

test('a run leads from its balance to its files, steps and log lines', async ({ page }) => {
  await comeIn(page, '/operacoes/execucoes?job=registro_civil_deaths&status=success');
  const runs = page.getByRole('table', { name: 'Execuções' });
  await runs.getByRole('link', { name: 'registro_civil_deaths' }).first().click();
  await expect(page.getByText(/^● ok Fecha/)).toBeVisible();
  const steps = page.getByRole('region', { name: 'Passos' });
  await expect(steps.getByRole('listitem').first()).toContainText('buscar');
  await expect(page.getByRole('table', { name: 'Arquivos brutos' })).toContainText('bronze/');
  await expect(page.getByText('run ended success')).toBeVisible();
});

test('a source is measured over ninety days and gives its evidence as a file', async ({ page }) => {
  await comeIn(page, '/operacoes/fontes?filter=registro');
  await expect(page.getByRole('img', { name: /^registro_civil_deaths, 90 dias/ })).toBeVisible();
  await page.getByRole('link', { name: 'registro_civil_deaths' }).click();
  await expect(page.getByRole('region', { name: 'Que períodos há' })).toContainText('● ok em dia');
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: /Baixar as provas/ }).click();
  const file = await waiting;
  expect(file.suggestedFilename()).toBe('evidencia-registro_civil_deaths.zip');
  expect((await readFile(await file.path())).subarray(0, 2).toString()).toBe('PK');
});

test('a check opens with what to do about it and the run that asked', async ({ page }) => {
  await comeIn(page, '/operacoes/verificacoes?status=warn');
  const checks = page.getByRole('table', { name: /O que cada verificação/ });
  await checks.getByRole('button').filter({ hasText: 'check_' }).first().click();
  const drawer = page.getByRole('dialog');
  await expect(drawer).toContainText('▲ atenção');
  await drawer.getByRole('link', { name: /^Execução/ }).click();
  await expect(page.getByRole('region', { name: 'Balanço das linhas' })).toBeVisible();
});

test('a runbook shows what it would execute, asks why, and is followed cell by cell', async ({
  page,
}) => {
  await comeIn(page, '/operacoes/runbooks');
  const runbooks = page.getByRole('table', { name: 'Runbooks' });
  await runbooks
    .getByRole('row', { name: /platform\/daily-check/ })
    .getByRole('link')
    .click();
  await page.getByRole('button', { name: 'Executar', exact: true }).click();
  const why = page.getByRole('dialog', { name: /^Executar/ });
  await why.getByRole('button', { name: 'Executar' }).click();
  await expect(why.getByText('sem motivo nada é feito')).toBeVisible();
  await why.getByLabel(/Por quê/).fill('conferido no navegador');
  await why.getByRole('button', { name: 'Executar' }).click();
  await expect(page.getByText(/^Execução pedida/)).toBeVisible();
  await expect(page.getByRole('listitem').filter({ hasText: 'parts' })).toContainText('● ok', {
    timeout: 30_000,
  });
});
