import { expect } from '@playwright/test';
import { go, HOME, test } from './screen';

test('the profile draws a line over time for what has one, and bars for what has not', async ({
  tab: page,
}) => {
  await go(page, `/territorio/${HOME}`);
  const deaths = page.locator('article[data-indicator=deaths_total]');
  await expect(deaths.getByRole('img')).toBeVisible();
  await expect(deaths.locator('canvas')).toBeVisible();
  await expect(deaths).toContainText('Atualizado');
  await expect(page.getByRole('heading', { name: 'O que falta, e por quê' })).toBeVisible();
});

test('two more municipalities stand beside the first, from an address alone', async ({
  tab: page,
}) => {
  await go(page, `/territorio/${HOME}?with=3106200,3550308`);
  await page.locator('article[data-indicator=deaths_total]').getByText('Ver como tabela').click();
  const heads = page.locator('article[data-indicator=deaths_total] thead th');
  await expect(heads.filter({ hasText: 'Belo Horizonte' })).toHaveCount(1);
  await expect(heads.filter({ hasText: 'São Paulo' })).toHaveCount(1);
});

test('a chart can be taken away as CSV and as PNG', async ({ tab: page }) => {
  await go(page, `/territorio/${HOME}`);
  const deaths = page.locator('article[data-indicator=deaths_total]');
  await expect(deaths.locator('canvas')).toBeVisible();
  for (const [item, extension] of [
    [/CSV/, 'csv'],
    [/PNG/, 'png'],
  ] as const) {
    await deaths.getByRole('button', { name: /Baixar/ }).click();
    const waiting = page.waitForEvent('download');
    await page.getByRole('menuitem', { name: item }).click();
    expect((await waiting).suggestedFilename()).toBe(`atalaia-deaths_total-${HOME}.${extension}`);
  }
});

test('the country has a page, with what exists for the country only', async ({ tab: page }) => {
  await go(page, '/territorio/BR');
  await expect(page.getByRole('heading', { name: 'Brasil', level: 2 })).toBeVisible();
  await expect(page.locator('article').first()).toBeVisible();
});

test('a municipality without mesh has a profile that says so', async ({ tab: page }) => {
  await go(page, '/territorio/2206720');
  await expect(page.getByText('Sem malha: este município')).toBeVisible();
});
