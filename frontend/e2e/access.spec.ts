import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { drawn, go, HOME, INDICATOR, openMap, profile, test } from './screen';

const token = process.env.ATALAIA_TOKEN;

async function grave(page: Page) {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'])
    .analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

/** Each screen, opened and complete. */
const SCREENS: Record<string, (page: Page) => Promise<unknown>> = {
  'operations without key': async (page) => {
    await go(page, '/operacoes');
    await expect(page.getByText('pede uma chave de leitor')).toBeVisible();
  },
  operations: async (page) => {
    test.skip(token === undefined, 'ATALAIA_TOKEN is not set');
    await page.getByLabel('Chave', { exact: true }).fill(token ?? '');
    await page.getByRole('button', { name: 'Usar esta chave' }).click();
    await expect(page.getByRole('heading', { name: 'Execuções' })).toBeVisible();
  },
  territory: async (page) => {
    await go(page, `/territorio/${HOME}?with=3106200`);
    await expect(page.locator('article canvas').first()).toBeVisible();
    await page.getByText('Ver como tabela').first().click();
  },
  origin: async (page) => {
    await page
      .getByRole('button', { name: /De onde veio/ })
      .first()
      .click();
    await expect(page.getByText('Para repetir no terminal')).toBeVisible();
  },
  map: async (page) => {
    await page.keyboard.press('Escape');
    await openMap(page);
  },
  'map with profile': async (page) => {
    await openMap(page, { selected: HOME });
    await expect(profile(page).locator('article').first()).toBeVisible();
  },
};

const WIDTHS = [
  [1440, 900],
  [390, 844],
] as const;

for (const [name, open] of Object.entries(SCREENS)) {
  test(`${name}: axe finds nothing serious, light and dark, wide and narrow`, async ({
    tab: page,
  }) => {
    // A drawer half faded in has no contrast to measure.
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.setViewportSize({ width: 1440, height: 900 });
    await open(page);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const [width, height] of WIDTHS) {
        await page.setViewportSize({ width, height });
        const where = `${name}, ${colorScheme}, ${width} px`;
        expect(await grave(page), where).toEqual([]);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(wide, `${where}: nothing sticks out to the right`).toBeLessThanOrEqual(0);
      }
    }
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
    await page.setViewportSize({ width: 1440, height: 900 });
  });
}

test('the map is closed to screen readers and to the Tab key', async ({ tab: page }) => {
  const map = await openMap(page);
  const stops = await map.locator('[tabindex="0"], button, a[href], input').count();
  expect(stops).toBe(0);
  expect(await map.evaluate((element) => element.closest('[aria-hidden=true]') !== null)).toBe(
    true,
  );
});

test('a keyboard alone gets from the header to the origin of a number and back', async ({
  page,
}) => {
  const map = await openMap(page, { period: '2019' });
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Pular para o conteúdo' })).toBeFocused();
  await page.keyboard.press('Enter');
  const reach = async (there: () => Promise<boolean>) => {
    for (let presses = 0; presses < 30; presses += 1) {
      await page.keyboard.press('Tab');
      if (await there()) return;
    }
    throw new Error('not reached by Tab');
  };
  const focused = (selector: string) => () =>
    page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector);
  // The walk over the map: two steps, then the profile.
  await reach(focused('[role=application]'));
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(page.getByRole('application').getByRole('status')).toHaveText(/ — [A-Z]{2} · /);
  await page.keyboard.press('Enter');
  await expect(profile(page)).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(profile(page)).toBeHidden();
  await expect(page.getByRole('application')).toBeFocused();
  // The table: one stop, arrows walk, the origin is one Tab away.
  await reach(focused('tr[data-id]'));
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await expect(map).toHaveAttribute('data-pointed', /\d{7}/);
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const drawer = page.getByRole('dialog', { name: /De onde veio este número/ });
  await expect(drawer).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(drawer).toBeHidden();
  expect(await focused('tr[data-id] button')()).toBe(true);
});

test('at 200 % zoom nothing is lost sideways', async ({ tab: page }) => {
  // Zooming to 200 % halves the room in CSS pixels.
  await page.setViewportSize({ width: 640, height: 450 });
  await openMap(page, { selected: HOME });
  await expect(profile(page)).toBeVisible();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wide).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1440, height: 900 });
});

test('at 2560 px the map takes the room', async ({ tab: page }) => {
  await page.setViewportSize({ width: 2560, height: 1440 });
  const map = await openMap(page);
  expect((await map.boundingBox())?.width).toBeGreaterThan(2000);
  await page.setViewportSize({ width: 1440, height: 900 });
});

test('who asked for less motion gets no playing, and the map still answers', async ({
  tab: page,
}) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const map = await openMap(page, { period: '2019' });
  await expect(page.getByRole('button', { name: 'Avançar sozinho' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Período anterior' }).click();
  await drawn(map, INDICATOR, '2018');
  await page.emulateMedia({ reducedMotion: null });
});

test('English says the same screen in English', async ({ tab: page }) => {
  await go(page, '/?lang=en');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeAttached();
  await expect(page.getByRole('combobox', { name: 'Find a municipality' })).toBeVisible();
  expect(await page.locator('html').getAttribute('lang')).toBe('en');
});
