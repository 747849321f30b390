import { readFile } from 'node:fs/promises';
import { expect, type Page } from '@playwright/test';
import { openMap, test } from './screen';

/** Steps between the months drawn: far enough apart that neither side has the next one at hand. */
const STRIDE = 7;
const DRAWN = 7;
const MOST_TIMES_BARE = 2;

/** The least page that does the same with the same library on the same answers. */
const BARE = `<!doctype html><html><head><link rel="stylesheet" href="/bare/maplibre-gl.css"></head>
<body style="margin:0"><div id="map" style="width:1040px;height:848px"></div>
<script type="module" src="/bare/page.mjs"></script></body></html>`;

const BARE_PAGE = `
import { Map as GlMap } from '/bare/maplibre-gl.mjs';
const get = async (path) => (await fetch('/v1/geo/' + path)).json();
const colours = ['#f5f3b7', '#c9e6b4', '#83cdbb', '#2283b6', '#23509c', '#0b1f59'];
const shapes = await get('shapes/municipality');
const map = new GlMap({
  container: 'map',
  bounds: [-74.2, -33.9, -34.6, 5.4],
  fadeDuration: 0,
  style: {
    version: 8,
    sources: { shapes: { type: 'geojson', data: shapes, promoteId: 'id' } },
    layers: [
      { id: 'fill', type: 'fill', source: 'shapes', paint: {
        'fill-color': ['to-color', ['feature-state', 'fill'], '#dddddd'] } },
      { id: 'line', type: 'line', source: 'shapes', paint: { 'line-width': 0.3 } },
    ],
  },
});
await new Promise((done) => map.once('idle', done));
window.draw = async (indicator, period) => {
  const query = new URLSearchParams({ indicator, period, level: 'municipality' });
  const { items, classes } = await get('choropleth?' + query);
  for (const { territory_id: id, value } of items) {
    let at = 0;
    while (at < classes.length - 2 && value >= classes[at + 1]) at += 1;
    map.setFeatureState({ source: 'shapes', id }, { fill: colours[at] });
  }
  await new Promise((done) => map.once('render', done));
};
window.ready = true;
`;

async function openBare(page: Page): Promise<void> {
  const dist = new URL('../node_modules/maplibre-gl/dist/', import.meta.url);
  await page.route('**/bare/**', async (route) => {
    const name = new URL(route.request().url()).pathname.slice('/bare/'.length);
    if (name === '') return route.fulfill({ contentType: 'text/html', body: BARE });
    const body = name === 'page.mjs' ? BARE_PAGE : await readFile(new URL(name, dist), 'utf8');
    const contentType = name.endsWith('.css') ? 'text/css' : 'text/javascript';
    return route.fulfill({ contentType, body });
  });
  await page.goto('/bare/');
  await page.waitForFunction(() => 'ready' in window, undefined, { timeout: 60_000 });
}

interface Course {
  indicator: string;
  all: string[];
  periods: string[];
}

/** The monthly indicator, and some of its months. */
async function courseOf(page: Page): Promise<Course> {
  const { items } = (await (await page.request.get('/v1/indicators')).json()) as {
    items: { code: string; periods: string[]; levels: string[] }[];
  };
  const monthly = items.find(
    ({ periods, levels }) => periods.length > STRIDE * DRAWN && levels.includes('municipality'),
  );
  if (!monthly) throw new Error('no indicator with enough months');
  const all = monthly.periods;
  const periods = Array.from({ length: DRAWN }, (_, step) => all[3 + step * STRIDE] ?? '');
  return { indicator: monthly.code, all, periods };
}

/** Milliseconds from asking for a period to its picture, through the network both times. */
async function bareTimes(page: Page, { indicator, periods }: Course): Promise<number[]> {
  return page.evaluate(
    async ([indicator, periods]: readonly [string, string[]]) => {
      const { draw } = window as unknown as { draw: (i: string, p: string) => Promise<void> };
      const times: number[] = [];
      for (const period of periods) {
        const start = performance.now();
        await draw(indicator, period);
        times.push(performance.now() - start);
        await new Promise((done) => setTimeout(done, 400));
      }
      return times;
    },
    [indicator, periods] as const,
  );
}

async function ourTimes(page: Page, { indicator, all, periods }: Course): Promise<number[]> {
  return page.evaluate(
    async ([indicator, all, periods]: readonly [string, string[], string[]]) => {
      const map = document.querySelector<HTMLElement>('[data-testid=map]');
      const range = document.querySelector<HTMLInputElement>('input[type=range]');
      if (!map || !range) throw new Error('no map');
      const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set;
      const shown = (period: string) =>
        new Promise<void>((done) => {
          const look = () => map.dataset.drawn?.startsWith(`${indicator}/${period}/`) && done();
          new MutationObserver(look).observe(map, { attributes: true });
          look();
        });
      const times: number[] = [];
      for (const period of periods) {
        const start = performance.now();
        set?.call(range, String(all.indexOf(period)));
        range.dispatchEvent(new Event('input', { bubbles: true }));
        await shown(period);
        times.push(performance.now() - start);
        await new Promise((done) => setTimeout(done, 400));
      }
      return times;
    },
    [indicator, all, periods] as const,
  );
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

test('another period is drawn in at most twice the time of a bare MapLibre page', async ({
  browser,
}) => {
  // The browser's cache would hide the work; both sides ask the server each time.
  const context = await browser.newContext({ extraHTTPHeaders: { 'Cache-Control': 'no-cache' } });
  const bare = await context.newPage();
  await openBare(bare);
  const course = await courseOf(bare);
  const bareMedian = median(await bareTimes(bare, course));
  await bare.close();
  const ours = await context.newPage();
  await openMap(ours, { indicator: course.indicator, period: course.all[0] ?? '' });
  await ours.waitForLoadState('networkidle');
  const ourMedian = median(await ourTimes(ours, course));
  await context.close();
  const ratio = ourMedian / bareMedian;
  test.info().annotations.push({
    type: 'ratio',
    description: `${ourMedian.toFixed(0)} ms / ${bareMedian.toFixed(0)} ms = ${ratio.toFixed(2)}`,
  });
  process.stdout.write(`    drawn: ${test.info().annotations.at(-1)?.description}\n`);
  expect(bareMedian).toBeGreaterThan(0);
  expect(ratio).toBeLessThanOrEqual(MOST_TIMES_BARE);
});
