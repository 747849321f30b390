import { expect, test } from '@playwright/test';

const token = process.env.ATALAIA_TOKEN;

test('the room explains that it needs a key, and a wrong one is refused', async ({ page }) => {
  await page.goto('/operacoes');
  await expect(page.getByText('pede uma chave de leitor')).toBeVisible();
  await page.getByLabel('Chave', { exact: true }).fill('not-a-key');
  await page.getByRole('button', { name: 'Usar esta chave' }).click();
  await expect(page.getByText('A chave foi recusada')).toBeVisible();
});

test('with a key the room says first what needs a person', async ({ page }) => {
  test.skip(token === undefined, 'ATALAIA_TOKEN is not set');
  await page.goto('/operacoes');
  await page.getByLabel('Chave', { exact: true }).fill(token ?? '');
  await page.getByRole('button', { name: 'Usar esta chave' }).click();
  await expect(page.getByRole('heading', { level: 2 }).first()).toHaveText(
    'O que precisa de mim agora',
  );
  const sources = page.getByRole('region', { name: 'Fontes' }).first();
  await expect(sources.getByRole('row').nth(1)).toContainText(/ok|atenção|crítico|desconhecido/);
  await expect(page.getByRole('region', { name: 'Execuções' }).first()).toContainText(
    /[\d.]+ = [\d.]+ \+ [\d.]+ \+ [\d.]+/,
  );
  expect(await page.evaluate(() => localStorage.getItem('atalaia.key'))).toBeNull();
});
