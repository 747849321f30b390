import { expect, type Page, test } from '@playwright/test';

const token = process.env.ATALAIA_TOKEN;

test('the room explains that it needs a key, and a wrong one is refused', async ({ page }) => {
  await page.goto('/operacoes');
  await expect(page.getByText('pede uma chave de leitor')).toBeVisible();
  await page.getByLabel('Chave', { exact: true }).fill('not-a-key');
  await page.getByRole('button', { name: 'Usar esta chave' }).click();
  await expect(page.getByText('A chave foi recusada')).toBeVisible();
});

/** Into the room by the key the run was given. */
async function comeIn(page: Page, address: string): Promise<void> {
  test.skip(token === undefined, 'ATALAIA_TOKEN is not set');
  await page.goto(address);
  await page.getByLabel('Chave', { exact: true }).fill(token ?? '');
  await page.getByRole('button', { name: 'Usar esta chave' }).click();
}

test('the audit log says whether it holds, filters into its address and opens a record', async ({
  page,
}) => {
  await comeIn(page, '/operacoes/auditoria');
  await expect(page.getByText(/Tudo confere|Não se sabe se confere/)).toBeVisible();
  await page.getByRole('combobox', { name: 'Cadeia', exact: true }).selectOption('runs');
  await page.getByLabel('Ação').fill('run.closed');
  await expect(page).toHaveURL(/stream=runs.*action=run\.closed/);
  const records = page.getByRole('table', { name: /Quem fez o quê/ });
  await expect(records).not.toContainText('run.opened');
  await records.getByRole('button', { name: 'run.closed' }).first().click();
  await expect(page.getByRole('dialog')).toContainText('Hash anterior');
  await page.reload();
  await expect(page.getByRole('dialog')).toContainText('Hash anterior');
});

test('a dead letter is opened as it came and discarded with a reason that the audit log keeps', async ({
  page,
}) => {
  await comeIn(page, '/operacoes/mortos?sort=-id');
  const letters = page.getByRole('table', { name: 'O que foi posto de lado' });
  await letters.getByRole('row').nth(1).getByRole('button').click();
  const letter = page.getByRole('dialog', { name: /^Morto nº/ });
  await expect(letter.getByRole('heading', { name: 'Como veio' })).toBeVisible();
  const place = new URL(page.url()).searchParams.get('open');
  await letter.getByRole('button', { name: 'Descartar' }).click();
  const why = page.getByRole('dialog', { name: 'Descartar: 1' });
  await why.getByRole('button', { name: 'Descartar 1' }).click();
  await expect(why.getByText('sem motivo nada é feito')).toBeVisible();
  await why.getByLabel(/Por quê/).fill('conferido no navegador');
  await why.getByRole('button', { name: 'Descartar 1' }).click();
  await expect(page.getByText('Descartados: 1.')).toBeVisible();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await page.goto('/operacoes/auditoria?action=dead_letter.discarded');
  const record = page.getByRole('row').filter({ hasText: 'conferido no navegador' }).first();
  await expect(record).toContainText(place ?? 'no letter was open');
});

test('a room that asks for more than the key may says so and how to get it', async ({ page }) => {
  await comeIn(page, '/operacoes/chaves');
  await expect(page.getByText(/pede o papel de administrador/)).toBeVisible();
  await expect(page.getByText('atalaia sign-in --role admin')).toBeVisible();
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
