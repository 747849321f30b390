import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { drawn, go, HOME, INDICATOR, openMap, profile, test } from './screen';

const token = process.env.ATALAIA_TOKEN;

const SCHEMES = ['light', 'dark'] as const;

const WIDTHS = [
  [1440, 900],
  [390, 844],
] as const;

type Rules = NonNullable<Parameters<AxeBuilder['options']>[0]['runOnly']>;

const ALL_RULES: Rules = {
  type: 'tag',
  values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
};
/** All that another colour scheme can change. */
const COLOUR_RULES: Rules = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };

/** What axe finds serious or worse. */
async function grave(page: Page, rules: Rules): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    // Without frames there is nothing to gather from them, which takes a page of its own each time.
    .setLegacyMode()
    .options({ resultTypes: ['violations'], runOnly: rules })
    .analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

/** Another colour scheme. Who asked for less motion has its colours at once, with no fading. */
async function wear(page: Page, colorScheme: (typeof SCHEMES)[number]): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colorScheme);
  expect(await page.evaluate(() => document.getAnimations().length), 'nothing moves').toBe(0);
}

/** Light and dark, wide and narrow: nothing grave, and nothing sticks out to the right. */
async function looks(page: Page, name: string): Promise<void> {
  for (const scheme of SCHEMES) {
    await wear(page, scheme);
    for (const [width, height] of WIDTHS) {
      await page.setViewportSize({ width, height });
      const where = `${name}, ${scheme}, ${width} px`;
      const rules = scheme === 'light' ? ALL_RULES : COLOUR_RULES;
      expect(await grave(page, rules), where).toEqual([]);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wide, `${where}: nothing sticks out to the right`).toBeLessThanOrEqual(0);
    }
  }
}

/** The two looks that differ most, for a room built of what other rooms are: light wide, dark narrow. */
async function glance(page: Page, name: string): Promise<void> {
  for (const [scheme, [width, height], rules] of [
    ['light', WIDTHS[0], ALL_RULES],
    ['dark', WIDTHS[1], COLOUR_RULES],
  ] as const) {
    await wear(page, scheme);
    await page.setViewportSize({ width, height });
    expect(await grave(page, rules), `${name}, ${scheme}, ${width} px`).toEqual([]);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wide, `${name}: nothing sticks out to the right`).toBeLessThanOrEqual(0);
}

const territory = async (page: Page) => {
  await go(page, `/territorio/${HOME}?with=3106200`);
  await expect(page.locator('article canvas').first()).toBeVisible();
};

/** A section of the operations room, by the key the run was given. */
async function room(page: Page, address: string): Promise<void> {
  test.skip(token === undefined, 'ATALAIA_TOKEN is not set');
  await go(page, address);
  await page.getByLabel('Chave', { exact: true }).fill(token ?? '');
  await page.getByRole('button', { name: 'Usar esta chave' }).click();
}

/** Each screen, opened and complete. */
const SCREENS: Record<string, (page: Page) => Promise<unknown>> = {
  'operations without key': async (page) => {
    await go(page, '/operacoes');
    await expect(page.getByText('pede uma chave de leitor')).toBeVisible();
  },
  operations: async (page) => {
    await room(page, '/operacoes');
    await expect(page.getByRole('heading', { name: 'Execuções' })).toBeVisible();
  },
  audit: async (page) => {
    await room(page, '/operacoes/auditoria');
    await expect(page.getByRole('table', { name: /Quem fez o quê/ })).toBeVisible();
    await page.getByText(/^Cadeias \(/).click();
  },
  queue: async (page) => {
    await room(page, '/operacoes/fila');
    await expect(page.getByRole('table', { name: 'O que vem de tempo em tempo' })).toBeVisible();
  },
  'dead letter': async (page) => {
    await room(page, '/operacoes/mortos');
    const letters = page.getByRole('table', { name: 'O que foi posto de lado' });
    await letters.getByRole('row').nth(1).getByRole('button').click();
    await expect(page.getByRole('heading', { name: 'Como veio' })).toBeVisible();
  },
  backups: async (page) => {
    await room(page, '/operacoes/copias');
    await expect(page.getByRole('heading', { name: 'Como voltar' })).toBeVisible();
  },
  territory: async (page) => {
    await territory(page);
    await page.getByText('Ver como tabela').first().click();
  },
  origin: async (page) => {
    await territory(page);
    await page
      .getByRole('button', { name: /De onde veio/ })
      .first()
      .click();
    await expect(page.getByText('Para repetir no terminal')).toBeVisible();
  },
  map: async (page) => openMap(page),
  'map with profile': async (page) => {
    await openMap(page, { selected: HOME });
    await expect(profile(page).locator('article').first()).toBeVisible();
  },
  nowhere: async (page) => {
    await go(page, '/nada');
    await expect(page.getByText('Não há nada neste endereço')).toBeVisible();
  },
};

/** An incident that is over, so that its room has something in it; a fresh instance has none. */
async function incidentPast(page: Page): Promise<void> {
  const headers = { 'X-API-Key': token ?? '' };
  const post = async (path: string, data: object) => {
    const answer = await page.request.post(`/v1/incidents${path}`, { headers, data });
    expect(answer.ok(), await answer.text()).toBe(true);
    return answer.json();
  };
  const said = { title: 'Ensaio', severity: 'normal', reason: 'ensaio' };
  const { incident_id } = await post('', said);
  await post(`/${incident_id}/resolve`, {
    root_cause: 'nenhuma',
    resolution: 'era um ensaio',
    reason: 'ensaio',
  });
}

/** Rooms of the watch, in one tab each: loading the application anew for each would cost seconds. */
const ROOMS: Record<string, [address: string, shown: RegExp][]> = {
  'alerts, incidents, runbooks and deliveries': [
    ['/operacoes/alertas', /^Níveis de serviço$/],
    ['/operacoes/incidentes', /^Incidentes$/],
    ['/operacoes/runbooks', /^O que foi executado$/],
    ['/operacoes/runbook/platform/daily-check', /^Como saber que acabou$/],
    ['/operacoes/entregas', /^Entregas$/],
  ],
  'runs, sources and checks': [
    ['/operacoes/execucoes', /^Execuções$/],
    ['/operacoes/fontes', /^Fontes medidas/],
    ['/operacoes/fontes/registro_civil_deaths', /^Que períodos há$/],
    ['/operacoes/verificacoes', /^O que cada verificação/],
  ],
};

for (const [name, rooms] of Object.entries(ROOMS)) {
  SCREENS[name] = async (page) => {
    if (token !== undefined) await incidentPast(page);
    for (const [at, [address, shown]] of rooms.entries()) {
      if (at === 0) await room(page, address);
      else await go(page, address);
      await expect(page.getByRole('heading', { name: shown }).first()).toBeVisible();
      const full = page.getByRole('table').or(page.getByRole('article'));
      await expect(full.or(page.getByText(/Nenhum|Nada/)).first()).toBeVisible();
      if (at < rooms.length - 1) await glance(page, `${name}: ${address}`);
    }
  };
}

for (const [name, open] of Object.entries(SCREENS)) {
  test(`${name}: axe finds nothing serious, light and dark, wide and narrow`, async ({
    tab: page,
  }) => {
    // Axe looks at every word of the page; on a busy machine the longest page takes its time.
    test.slow();
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await open(page);
    await looks(page, name);
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
  // The drawer gives the focus back a moment after it is gone.
  await expect.poll(focused('tr[data-id] button')).toBe(true);
});

test('at 200 % zoom nothing is lost sideways', async ({ tab: page }) => {
  // Zooming to 200 % halves the room in CSS pixels.
  await page.setViewportSize({ width: 640, height: 450 });
  await openMap(page, { selected: HOME });
  await expect(profile(page)).toBeVisible();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wide).toBeLessThanOrEqual(0);
});

test('at 2560 px the map takes the room', async ({ tab: page }) => {
  await page.setViewportSize({ width: 2560, height: 1440 });
  const map = await openMap(page);
  expect((await map.boundingBox())?.width).toBeGreaterThan(2000);
});

test('who asked for less motion gets no playing, and the map still answers', async ({
  tab: page,
}) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const map = await openMap(page, { period: '2019' });
  await expect(page.getByRole('button', { name: 'Avançar sozinho' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Período anterior' }).click();
  await drawn(map, INDICATOR, '2018');
});

test('English says the same screen in English', async ({ tab: page }) => {
  await go(page, '/?lang=en');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeAttached();
  await expect(page.getByRole('combobox', { name: 'Find a municipality' })).toBeVisible();
  expect(await page.locator('html').getAttribute('lang')).toBe('en');
});
