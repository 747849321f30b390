import { expect, type Page, test } from '@playwright/test';

const token = process.env.ATALAIA_TOKEN;
const HEAD = 'Data;Hora;Trato;Curral;Dieta;Previsto kg;Realizado kg';

/** A file of this moment, one of whose rows no feedlot can have; and into the section. */
async function sendAndComeIn(page: Page): Promise<string> {
  test.skip(token === undefined, 'ATALAIA_TOKEN is not set');
  const name = `distribuicao-${Date.now()}-${Math.trunc(Math.random() * 1e6)}.csv`;
  const rows = [
    `28/11/2026;07:10;1;${name};A;1000,0;1040,0`,
    `28/11/2026;07:30;1;${name};A;9,0;-5`,
  ];
  await page.addInitScript((key) => sessionStorage.setItem('atalaia.key', key ?? ''), token);
  await page.goto('/etl-operations');
  await page.locator('input[type=file]').setInputFiles({
    name,
    mimeType: 'text/csv',
    buffer: Buffer.from([HEAD, ...rows].join('\n')),
  });
  return name;
}

test('[B-002] [B-003] the operations list a file with its state, and “Processar” asks for it again', async ({
  page,
}) => {
  const name = await sendAndComeIn(page);
  const row = page
    .getByRole('table', { name: 'Arquivos' })
    .getByRole('row')
    .filter({ hasText: name });
  await expect(row).toContainText('carregado em parte', { timeout: 40_000 });
  await row.getByRole('button', { name: /^Processar/ }).click();
  const why = page.getByRole('dialog', { name: /^Processar de novo/ });
  await why.getByLabel(/Por quê/).fill('conferido no navegador');
  await why.getByRole('button', { name: 'Processar' }).click();
  await expect(page.getByText(`Processamento pedido: ${name}.`)).toBeVisible();
});

test('[B-004] a dead letter is resolved by itself in its tab', async ({ page }) => {
  const name = await sendAndComeIn(page);
  const row = page
    .getByRole('table', { name: 'Arquivos' })
    .getByRole('row')
    .filter({ hasText: name });
  await expect(row).toContainText('carregado em parte', { timeout: 40_000 });
  await page.getByRole('tab', { name: /^Dead Letter Queue/ }).click();
  await page.getByLabel(/^Filtrar/).fill(name);
  const letter = page.getByRole('table', { name: 'Dead Letter Queue' }).getByRole('row').nth(1);
  await letter.getByRole('button', { name: /^Resolver/ }).click();
  const why = page.getByRole('dialog', { name: /^Resolver/ });
  await why.getByLabel(/Por quê/).fill('linha de teste');
  await why.getByRole('button', { name: 'Resolver' }).click();
  await expect(page.getByText(/^Resolvido: nº/)).toBeVisible();
});
