/**
 * Records the answers vitest runs on from a running Atalaia, cut down to a few municipalities.
 *   ATALAIA_URL=http://127.0.0.1:8000 node scripts/record-fixtures.mjs
 * With ATALAIA_TOKEN set (an admin's) the operations room is recorded too.
 */
import { mkdir, writeFile } from 'node:fs/promises';

const base = process.env.ATALAIA_URL ?? 'http://127.0.0.1:8000';
const token = process.env.ATALAIA_TOKEN;
const folder = new URL('../src/test/fixtures/', import.meta.url);

/** Diamantina and who borders it, five called Bom Jesus, a capital, one without mesh. */
const PLACES = [
  '3121605',
  '3107307',
  '3109204',
  '3120102',
  '3121001',
  '3127602',
  '3142502',
  '3145455',
  '3153301',
  '3167103',
  '3104809',
  '2201903',
  '2401701',
  '2502201',
  '4202537',
  '4302303',
  '3550308',
  '2206720',
];
const LAGOONS = ['4300001', '4300002'];
const HOME = '3121605';
const RUNS = 12;

async function get(path) {
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(`${base}/v1${path}`, { headers });
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  return response.json();
}

async function keep(name, answer) {
  await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(answer, null, 1)}\n`);
}

const known = new Set([...PLACES, ...LAGOONS]);
await mkdir(folder, { recursive: true });

const indicators = await get('/indicators');
await keep('indicators', indicators);

const index = await get('/territories/index?level=municipality');
await keep('index', { ...index, rows: index.rows.filter(([id]) => known.has(id)) });

await keep('layers', await get('/map/layers'));

const shapes = await get('/geo/shapes/municipality');
await keep('shapes', {
  ...shapes,
  features: shapes.features.filter(({ properties }) => known.has(properties.id)),
});

for (const period of ['2015', '2018', '2019']) {
  const answer = await get(
    `/geo/choropleth?indicator=deaths_total&period=${period}&level=municipality`,
  );
  const items = answer.items.filter(({ territory_id }) => known.has(territory_id));
  await keep(`choropleth-deaths_total-${period}`, { ...answer, items, count: items.length });
}

const profile = await get(`/territory/${HOME}/profile`);
await keep('profile', profile);
const compared = {};
for (const { code } of profile.indicators) {
  compared[code] = await get(`/territory/${HOME}/compare?indicator=${code}`);
}
await keep('compare', compared);
await keep(
  'peers',
  await get(`/territory/${HOME}/peers?indicator=deaths_total&period=2019&limit=4`),
);
await keep('explain', await get(`/explain/indicator/${HOME}/deaths_total/2019`));

if (token) {
  for (const [name, path] of [
    ['runs', '/ops/pipeline-runs'],
    ['checks', '/ops/pipeline-checks'],
    ['connectors', '/ops/connector-registry'],
  ]) {
    const list = await get(path);
    const items = list.items.slice(0, name === 'connectors' ? undefined : RUNS);
    await keep(name, { ...list, items, count: items.length });
  }
  for (const [name, path] of [
    ['summary', '/ops/summary'],
    ['audit', '/audit?page_size=12'],
    ['audit-streams', '/audit/streams'],
    ['keys', '/access/keys'],
    ['queue', '/ops/queue'],
    ['schedule', '/ops/schedule'],
    ['backups', '/ops/backups'],
    ['alerts', '/alerts'],
    ['slos', '/slos'],
    ['incidents', '/incidents'],
    ['runbooks', '/runbooks'],
    ['runbook', '/runbooks/platform/daily-check'],
    ['webhooks', '/ops/webhooks'],
    ['deliveries', '/ops/deliveries'],
  ]) {
    await keep(name, await get(path));
  }
  await keep('dead-letters', await deadLetters());
  // Of each the first there is: an installation that has seen nothing yet keeps what stands.
  for (const [name, list, id] of [
    ['alert', '/alerts', 'alert_id'],
    ['incident', '/incidents', 'incident_id'],
    ['delivery', '/ops/deliveries', 'delivery_id'],
    ['runbook-run', '/runbook-runs', 'runbook_run_id'],
  ]) {
    const [first] = (await get(list)).items;
    if (first) await keep(name, await get(`${list}/${first[id]}`));
  }
  const [loaded] = (await get('/ops/pipeline-runs?job_name=registro_civil_deaths')).items;
  await keep('run', await get(`/ops/pipeline-runs/${loaded.run_id}`));
  await keep('run-log', await get(`/ops/pipeline-runs/${loaded.run_id}/log`));
  const sources = await get('/ops/sources');
  const few = ['ibge_admin', 'ibge_indicators', 'registro_civil_deaths', 'tse_results'];
  const items = sources.items.filter(({ connector }) => few.includes(connector));
  await keep('sources', { ...sources, items, count: items.length });
  await keep('source', await get('/ops/sources/registro_civil_deaths'));
  await keep('coverage', await get('/ops/sources/registro_civil_deaths/coverage'));
}

/** Of letters put aside alike, a few do as well as all. */
async function deadLetters() {
  for (let page = 1, all = []; ; page += 1) {
    const answer = await get(`/ops/dead-letters?page_size=500&page=${page}`);
    all = [...all, ...answer.items];
    if (!answer.more) return { ...answer, items: fewOfEach(all), count: fewOfEach(all).length };
  }
}

function fewOfEach(letters) {
  const met = new Map();
  return letters.filter(({ reason }) => {
    met.set(reason, (met.get(reason) ?? 0) + 1);
    return met.get(reason) <= 3;
  });
}
