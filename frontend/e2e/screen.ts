import { test as base, expect, type Locator, type Page } from '@playwright/test';

export const INDICATOR = 'deaths_total';
export const HOME = '3121605';

/**
 * One tab for all tests of a worker: loading the map anew in software rendering costs seconds,
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
  // Every test finds the tab as the first one did, whatever the one before it did or failed to do.
  tab: async ({ shared }, use) => {
    await shared.setViewportSize({ width: 1440, height: 900 });
    await shared.emulateMedia({ colorScheme: 'light', reducedMotion: null });
    await use(shared);
    await shared.unrouteAll();
    await shared.keyboard.press('Escape');
    // A pointer left on the map would have the next test's table follow it.
    await shared.mouse.move(0, 0);
    await shared.evaluate(() => {
      sessionStorage.clear();
      for (const grid of document.querySelectorAll('[role=grid]')) {
        grid.parentElement?.scrollTo({ top: 0 });
      }
    });
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

/**
 * How much of the ground between two colours is drawn nearer to the second: for thin lines, whose
 * every pixel is blended.
 */
export function blendOf(shares: ReadonlyMap<string, number>, from: string, to: string) {
  const channels = (hex: string) =>
    [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const [start, end] = [channels(from), channels(to)];
  const span = start.map((value, channel) => (end[channel] ?? 0) - value);
  const length = span.reduce((sum, one) => sum + one * one, 0);
  let [near, far] = [0, 0];
  for (const [hex, share] of shares) {
    const way = channels(hex).map((value, channel) => value - (start[channel] ?? 0));
    const along = way.reduce((sum, one, channel) => sum + one * (span[channel] ?? 0), 0) / length;
    const off = way.map((one, channel) => Math.abs(one - along * (span[channel] ?? 0)));
    if (along < -0.02 || along > 1.02 || Math.max(...off) > 2) continue;
    if (along > 0.5) far += share;
    else near += share;
  }
  return { share: near + far, far: far / (near + far) };
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
