import { readFile } from 'node:fs/promises';
import { expect, type Response } from '@playwright/test';
import {
  blendOf,
  coloursOf,
  drawn,
  go,
  HOME,
  INDICATOR,
  legendColours,
  openMap,
  profile,
  rows,
  slider,
  test,
} from './screen';

const KB = 1000;

async function bytesOf(response: Response): Promise<number> {
  const { responseBodySize } = await response.request().sizes();
  return responseBodySize;
}

test('the map draws every class of its legend, hatched land and no white', async ({
  tab: page,
}) => {
  const map = await openMap(page);
  const legend = await legendColours(page);
  expect(legend.length).toBeGreaterThanOrEqual(5);
  // The tab may come from a narrow window, whose map was small.
  await page.getByRole('button', { name: 'Ver o Brasil inteiro' }).click();
  const hatched = async () => blendOf(await coloursOf(page, map), '#dedbd2', '#a8a397').share;
  await expect.poll(hatched, 'hatched land').toBeGreaterThan(0.05);
  const shares = await coloursOf(page, map);
  for (const colour of legend) expect(shares.get(colour) ?? 0, colour).toBeGreaterThan(0.0005);
  // "sem dado": over two fifths of its ground are lines, as the pattern is drawn.
  const hatch = blendOf(shares, '#dedbd2', '#a8a397');
  expect(hatch.far, 'lines of the hatch').toBeGreaterThan(0.25);
  expect(hatch.far, 'ground of the hatch').toBeLessThan(0.75);
  expect(shares.get('#ffffff') ?? 0, 'white').toBeLessThan(0.01);
});

test('the first map fits its budget over the wire, and shapes come once', async ({ browser }) => {
  const page = await browser.newPage();
  const answers: Response[] = [];
  page.on('response', (answer) => answers.push(answer));
  const map = await openMap(page, { period: '2018' });
  const sum = async (matches: (url: string) => boolean) => {
    const sizes = answers.filter((answer) => matches(answer.url())).map(bytesOf);
    return (await Promise.all(sizes)).reduce((total, size) => total + size, 0);
  };
  const shapes = await sum((url) => url.includes('/geo/shapes/'));
  const values = await sum((url) => url.includes('/geo/choropleth') && url.includes('2018'));
  expect(shapes, 'the mesh arrived').toBeGreaterThan(100 * KB);
  expect(shapes + values).toBeLessThan(400 * KB);
  const scripts = await sum((url) => url.endsWith('.js') && !/engine|worker/.test(url));
  expect(scripts).toBeGreaterThan(50 * KB);
  expect(scripts).toBeLessThan(300 * KB);
  const before = answers.length;
  await page.getByRole('button', { name: 'Próximo período' }).click();
  await drawn(map, INDICATOR, '2019');
  const later = answers.slice(before).map((answer) => answer.url());
  expect(later.filter((url) => url.includes('/geo/shapes/'))).toEqual([]);
  const next = await sum((url) => url.includes('/geo/choropleth') && url.includes('2019'));
  expect(next).toBeLessThan(40 * KB);
  await page.close();
});

test('classes stay fixed while the period moves', async ({ tab: page }) => {
  const map = await openMap(page, { period: '2019' });
  const legend = page.getByRole('region', { name: 'Legenda', exact: true });
  const names = () => legend.locator('li > span:nth-child(2)').allTextContents();
  const counts = () => legend.locator('li > span:last-child').allTextContents();
  const [namesBefore, countsBefore] = [await names(), await counts()];
  await page.getByRole('button', { name: 'Período anterior' }).click();
  await drawn(map, INDICATOR, '2018');
  expect(await names()).toEqual(namesBefore);
  expect(await counts()).not.toEqual(countsBefore);
});

test('a reader who drags the slider ends on the period they let go at', async ({ tab: page }) => {
  const map = await openMap(page, { period: '2019' });
  await slider(page).focus();
  for (const key of ['Home', 'End', 'Home', 'ArrowRight', 'ArrowRight']) {
    await page.keyboard.press(key);
  }
  await drawn(map, INDICATOR, '2017');
  expect(page.url()).toContain('period=2017');
});

test('table and map point at the same municipality', async ({ tab: page }) => {
  const map = await openMap(page);
  const chosen = await rows(page).nth(2).getAttribute('data-id');
  await page.locator(`tr[data-id="${chosen}"]`).focus();
  await expect(map).toHaveAttribute('data-pointed', chosen ?? '');
  const box = await map.boundingBox();
  if (!box) throw new Error('no map');
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 3 });
  await expect(page.locator('tr[data-pointed]')).toHaveCount(1);
  const id = await page.locator('tr[data-pointed]').getAttribute('data-id');
  await expect(map).toHaveAttribute('data-pointed', id ?? '');
});

test('a click on the map opens the profile beside it, not over it', async ({ tab: page }) => {
  const map = await openMap(page);
  const before = await map.boundingBox();
  if (!before) throw new Error('no map');
  await page.mouse.click(before.x + before.width / 2, before.y + before.height / 2);
  await expect(profile(page)).toBeVisible();
  await expect(page).toHaveURL(/selected=\d{7}/);
  const [beside, shrunk] = [await profile(page).boundingBox(), await map.boundingBox()];
  expect((shrunk?.x ?? 0) + (shrunk?.width ?? 0)).toBeLessThanOrEqual((beside?.x ?? 0) + 1);
});

test('search forgives accents and tells equal names apart by state', async ({ tab: page }) => {
  await openMap(page);
  const search = page.getByRole('combobox', { name: 'Procurar município' });
  await search.fill('sao joao del rei');
  const found = page.getByRole('listbox', { name: 'Procurar município' }).getByRole('option');
  await expect(found.first()).toHaveText(/São João del[ -]Rei — MG/i);
  await search.fill('bom jesus');
  const exact = found.filter({ hasText: /^Bom Jesus — [A-Z]{2}$/ });
  await expect(exact).toHaveCount(5);
  await search.fill('diamantina');
  await page.keyboard.press('Enter');
  await expect(
    profile(page)
      .getByRole('heading', { name: /Diamantina/ })
      .first(),
  ).toBeVisible();
  await expect(page).toHaveURL(new RegExp(`selected=${HOME}`));
});

test('the indicator picker finds without accents and redraws', async ({ tab: page }) => {
  const map = await openMap(page);
  await page.getByRole('combobox', { name: 'Indicador' }).fill('area');
  await page
    .getByRole('option', { name: /[ÁA]rea/ })
    .first()
    .click();
  await expect(map).not.toHaveAttribute('data-drawn', new RegExp(`^${INDICATOR}/`));
});

test('the address reproduces the view', async ({ tab: page, browser }) => {
  const map = await openMap(page, { period: '2017', selected: HOME, uf: 'MG', sort: 'name' });
  await page.getByRole('button', { name: 'Aproximar' }).click();
  await expect(page).toHaveURL(/map=-?[\d.]+,-?[\d.]+,[\d.]+/);
  await page.waitForLoadState('networkidle');
  const state = async (shown: typeof page) => ({
    drawn: await shown.getByTestId('map').getAttribute('data-drawn'),
    chosen: await shown.getByTestId('map').getAttribute('data-chosen'),
    selected: await shown.locator('tr[aria-selected=true]').getAttribute('data-id'),
    sorted: await shown.locator('th[aria-sort=ascending]').textContent(),
    uf: await shown.getByRole('combobox', { name: 'UF', exact: true }).inputValue(),
    url: shown.url(),
  });
  const before = await state(page);
  expect(before.chosen).toBe(HOME);
  const picture = await coloursOf(page, map);
  const copy = await browser.newPage();
  await copy.goto(page.url());
  await drawn(copy.getByTestId('map'), INDICATOR, '2017');
  await expect(copy.locator('tr[aria-selected=true]')).toBeVisible();
  await copy.waitForLoadState('networkidle');
  expect(await state(copy)).toEqual(before);
  // The same camera shows the same share of each class.
  const again = await coloursOf(copy, copy.getByTestId('map'));
  for (const colour of await legendColours(copy)) {
    expect(again.get(colour) ?? 0).toBeCloseTo(picture.get(colour) ?? 0, 2);
  }
  await copy.close();
});

test('de onde veio leads from a number of the table to the hash of the raw file', async ({
  tab: page,
}) => {
  await openMap(page, { period: '2019' });
  await rows(page)
    .first()
    .getByRole('button', { name: /De onde veio/ })
    .click();
  const drawer = page.getByRole('dialog', { name: /De onde veio este número/ });
  await expect(drawer).toContainText(/[0-9a-f]{64}/);
  await expect(drawer).toContainText('SHA-256');
  await expect(drawer).toContainText(/atalaia explain indicator\//);
});

test('every kind of number leads back: each card of a profile answers', async ({ tab: page }) => {
  await go(page, `/territorio/${HOME}`);
  const buttons = page.locator('article').getByRole('button', { name: /De onde veio/ });
  await expect(buttons.first()).toBeVisible();
  const count = await buttons.count();
  for (let index = 0; index < count; index += 1) {
    await buttons.nth(index).click();
    const drawer = page.getByRole('dialog', { name: /De onde veio este número/ });
    await expect(drawer.getByText('Para repetir no terminal')).toBeVisible();
    await expect(drawer.getByRole('alert')).toHaveCount(0);
    await page.keyboard.press('Escape');
    await expect(drawer).toBeHidden();
  }
});

test('the CSV carries its metadata and the rows as shown', async ({ tab: page }) => {
  await openMap(page, { period: '2019', uf: 'RR' });
  await page
    .getByRole('button', { name: /Baixar/ })
    .first()
    .click();
  const waiting = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: /CSV/ }).click();
  const download = await waiting;
  expect(download.suggestedFilename()).toBe('atalaia-deaths_total-2019.csv');
  const text = await readFile(await download.path(), 'utf8');
  for (const name of ['fonte', 'licença', 'período', 'unidade', 'versão dos dados', 'endereço']) {
    expect(text).toMatch(new RegExp(`^\\uFEFF?# ${name}: \\S`, 'm'));
  }
  const lines = text
    .trim()
    .split('\r\n')
    .filter((line) => !/^\uFEFF?#/.test(line));
  expect(lines).toHaveLength(16);
  expect(lines.slice(1).every((line) => /^\d{7};[^;]+;RR;2019;/.test(line))).toBe(true);
});

test('the PNG is the map with title, legend and source around it', async ({ tab: page }) => {
  const map = await openMap(page, { period: '2019' });
  await page
    .getByRole('button', { name: /Baixar/ })
    .first()
    .click();
  const waiting = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: /PNG/ }).click();
  const bytes = await readFile(await (await waiting).path());
  expect(bytes.subarray(1, 4).toString()).toBe('PNG');
  const box = await map.boundingBox();
  expect(bytes.readUInt32BE(16)).toBeCloseTo(box?.width ?? 0, -1);
  expect(bytes.readUInt32BE(20)).toBeGreaterThan((box?.height ?? 0) + 100);
});

test('another theme draws the same map on another ground, and nothing breaks', async ({
  tab: page,
}) => {
  test.slow(); // every municipality is drawn again, by software
  const faults: string[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  const map = await openMap(page, { period: '2019', selected: HOME });
  const [light, classes] = [await legendColours(page), await map.getAttribute('data-drawn')];
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(() => legendColours(page)).not.toEqual(light);
  const dark = await legendColours(page);
  await expect
    .poll(
      async () => {
        const shares = await coloursOf(page, map);
        return dark.filter((colour) => (shares.get(colour) ?? 0) < 0.0005);
      },
      { timeout: 60_000 },
    )
    .toEqual([]);
  expect(await map.getAttribute('data-drawn')).toBe(classes);
  expect(faults).toEqual([]);
});

test('an unanswered question keeps the picture and says what to do', async ({ tab: page }) => {
  const monthly = { indicator: `${INDICATOR}_monthly`, period: '2019-03' };
  const map = await openMap(page, monthly);
  await page.route('**/geo/choropleth?**2015-01**', (route) => route.abort());
  await slider(page).focus();
  await page.keyboard.press('Home');
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('A Atalaia não respondeu');
  await expect(alert).toContainText('foi mantido');
  await expect(alert.locator('code')).toHaveText(/^[0-9a-f]{32}$/);
  await drawn(map, monthly.indicator, monthly.period);
  await expect(page.getByText(/ainda mostram .*mar\/2019/)).toBeVisible();
});
