import { test as base, expect, type Locator, type Page } from '@playwright/test';

export const INDICATOR = 'deaths_total';
export const HOME = '3121605';

/**
 * One tab for the whole run of a file: loading the map anew in software rendering costs seconds,
 * going to another address inside it does not. Tests about first loads ask for `browser` instead.
 */
export const test = base.extend<{ tab: Page }, { shared: Page }>({
  shared: [
    async ({ browser }, use) => {
      const context = await browser.newContext();
      await use(await context.newPage());
      await context.close();
    },
    { scope: 'worker' },
  ],
  tab: async ({ shared }, use) => {
    await use(shared);
    await shared.unrouteAll();
    await shared.keyboard.press('Escape');
  },
});

/** Goes to an address as a link inside the application does, or by loading it the first time. */
export async function go(page: Page, address: string): Promise<void> {
  if (page.url() === 'about:blank') {
    await page.goto(address);
    return;
  }
  await page.evaluate((to) => {
    history.pushState(null, '', to);
    dispatchEvent(new PopStateEvent('popstate', { state: null }));
  }, address);
}

/** Opens the map and waits until what the address asks is on the screen. */
export async function openMap(page: Page, search: Record<string, string> = {}): Promise<Locator> {
  await go(page, `/?${new URLSearchParams({ indicator: INDICATOR, ...search })}`);
  const map = page.getByTestId('map');
  await drawn(map, search.indicator ?? INDICATOR, search.period);
  return map;
}

/** Waits until this picture has been drawn, not merely asked for. */
export async function drawn(map: Locator, indicator: string, period = '\\d{4}(-\\d{2})?') {
  await expect(map).toHaveAttribute('data-drawn', new RegExp(`^${indicator}/${period}/`), {
    timeout: 60_000,
  });
}

export const slider = (page: Page) => page.getByRole('slider', { name: /Período/ });
export const rows = (page: Page) => page.locator('tr[data-id]');
export const profile = (page: Page) => page.getByRole('complementary', { name: /^Perfil de/ });

/** Screen pixels of an element, as shares of its area by colour (#rrggbb). */
export async function coloursOf(page: Page, element: Locator): Promise<Map<string, number>> {
  const png = (await element.screenshot()).toString('base64');
  const counted = await page.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.width;
    canvas.height = image.height;
    const pen = canvas.getContext('2d');
    if (!pen) throw new Error('no canvas');
    pen.drawImage(image, 0, 0);
    const { data: pixels } = pen.getImageData(0, 0, canvas.width, canvas.height);
    const shares: Record<string, number> = {};
    for (let at = 0; at < pixels.length; at += 4) {
      const rgb = [pixels[at], pixels[at + 1], pixels[at + 2]];
      const hex = `#${rgb.map((one) => (one ?? 0).toString(16).padStart(2, '0')).join('')}`;
      shares[hex] = (shares[hex] ?? 0) + 4 / pixels.length;
    }
    return shares;
  }, png);
  return new Map(Object.entries(counted));
}

/** The legend's own colours, top to bottom. */
export async function legendColours(page: Page): Promise<string[]> {
  return page
    .getByRole('region', { name: 'Legenda', exact: true })
    .locator('li > span:first-child')
    .evaluateAll((swatches) =>
      swatches
        .map((swatch) => getComputedStyle(swatch).backgroundColor.match(/\d+/g))
        .filter((rgb): rgb is [string, string, string] => rgb?.length === 3)
        .map((rgb) => `#${rgb.map((one) => Number(one).toString(16).padStart(2, '0')).join('')}`),
    );
}
