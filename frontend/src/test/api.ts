import { vi } from 'vitest';
import alert from './fixtures/alert.json';
import alerts from './fixtures/alerts.json';
import audit from './fixtures/audit.json';
import auditStreams from './fixtures/audit-streams.json';
import backups from './fixtures/backups.json';
import checks from './fixtures/checks.json';
import values2015 from './fixtures/choropleth-deaths_total-2015.json';
import values2018 from './fixtures/choropleth-deaths_total-2018.json';
import values2019 from './fixtures/choropleth-deaths_total-2019.json';
import compare from './fixtures/compare.json';
import connectors from './fixtures/connectors.json';
import coverage from './fixtures/coverage.json';
import letters from './fixtures/dead-letters.json';
import deliveries from './fixtures/deliveries.json';
import delivery from './fixtures/delivery.json';
import explain from './fixtures/explain.json';
import incident from './fixtures/incident.json';
import incidents from './fixtures/incidents.json';
import index from './fixtures/index.json';
import indicators from './fixtures/indicators.json';
import keys from './fixtures/keys.json';
import layers from './fixtures/layers.json';
import peers from './fixtures/peers.json';
import profile from './fixtures/profile.json';
import queue from './fixtures/queue.json';
import run from './fixtures/run.json';
import runLog from './fixtures/run-log.json';
import runbook from './fixtures/runbook.json';
import runbookRun from './fixtures/runbook-run.json';
import runbooks from './fixtures/runbooks.json';
import runs from './fixtures/runs.json';
import schedule from './fixtures/schedule.json';
import shapes from './fixtures/shapes.json';
import slos from './fixtures/slos.json';
import source from './fixtures/source.json';
import sources from './fixtures/sources.json';
import summary from './fixtures/summary.json';
import webhooks from './fixtures/webhooks.json';

export const recorded = {
  coverage,
  runLog,
  source,
  sources,
  alert,
  alerts,
  deliveries,
  delivery,
  incident,
  incidents,
  runbook,
  runbookRun,
  runbooks,
  slos,
  webhooks,
  audit,
  auditStreams,
  backups,
  checks,
  compare,
  connectors,
  explain,
  index,
  indicators,
  keys,
  layers,
  letters,
  peers,
  profile,
  queue,
  run,
  runs,
  schedule,
  shapes,
  summary,
  values2015,
  values2018,
  values2019,
};

export interface Asked {
  url: URL;
  headers: Headers;
  method: string;
  body: unknown;
  signal: AbortSignal | null | undefined;
}

type Answer = unknown | ((asked: Asked) => unknown | Promise<unknown>);

export const VIEWER_KEY = 'recorded-viewer-key';
export const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

export function problem(status: number, detail: string): Response {
  const body = { type: 'about:blank', title: 'Problem', status, detail, trace_id: TRACE };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
  });
}

const choropleths: Record<string, unknown> = {
  '2015': values2015,
  '2018': values2018,
  '2019': values2019,
};

function guarded(answer: unknown) {
  return ({ headers }: Asked) =>
    headers.get('Authorization') === `Bearer ${VIEWER_KEY}`
      ? answer
      : problem(401, 'Este endereço pede uma chave.');
}

export const VIEWER = {
  kind: 'key',
  name: 'operador local',
  role: 'operator',
  tenant_id: 'default',
  prefix: 'atl_0123456789ab',
};

const ROUTES: Record<string, Answer> = {
  '/v1/indicators': indicators,
  '/v1/territories/index': index,
  '/v1/geo/shapes/municipality': shapes,
  '/v1/map/layers': layers,
  '/v1/geo/shapes/state': { type: 'FeatureCollection', features: [] },
  '/v1/geo/choropleth': ({ url }: Asked) => {
    const { indicator, period } = Object.fromEntries(url.searchParams);
    const known = indicator === 'deaths_total' ? choropleths[period ?? ''] : undefined;
    return known ?? { ...values2019, indicator, period, count: 0, items: [] };
  },
  '/v1/territory/3121605/profile': profile,
  '/v1/territory/3121605/compare': ({ url }: Asked) =>
    (compare as Record<string, unknown>)[url.searchParams.get('indicator') ?? ''],
  '/v1/territory/3121605/peers': peers,
  '/v1/explain/indicator/3121605/deaths_total/2019': explain,
  '/v1/ops/pipeline-runs': guarded(runs),
  [`/v1/ops/pipeline-runs/${run.run_id}`]: guarded(run),
  '/v1/ops/pipeline-checks': guarded(checks),
  '/v1/ops/connector-registry': guarded(connectors),
  '/v1/ops/summary': guarded(summary),
  '/v1/alerts': (asked: Asked) =>
    guarded({
      ...alerts,
      items: [],
      count: 0,
      total: 0,
      // The rules have just been asked.
      evaluated_at: new Date().toISOString(),
    })(asked),
  '/v1/alerts/1': guarded(alert),
  '/v1/slos': guarded(slos),
  '/v1/maintenance-windows': guarded({ items: [], count: 0, total: 0, page: 1, page_size: 50 }),
  '/v1/incidents': guarded(incidents),
  '/v1/incidents/1': guarded(incident),
  '/v1/runbooks': guarded(runbooks),
  [`/v1/runbooks/${runbook.name}`]: guarded(runbook),
  '/v1/runbook-runs': guarded({ items: [], count: 0, more: false }),
  [`/v1/runbook-runs/${runbookRun.runbook_run_id}`]: guarded(runbookRun),
  '/v1/ops/webhooks': guarded(webhooks),
  '/v1/ops/mailboxes': guarded({ items: [], count: 0 }),
  '/v1/ops/deliveries': guarded(deliveries),
  [`/v1/ops/deliveries/${delivery.delivery_id}`]: guarded(delivery),
  '/v1/ops/sources': guarded(sources),
  [`/v1/ops/sources/${source.connector}`]: guarded(source),
  [`/v1/ops/sources/${source.connector}/coverage`]: guarded(coverage),
  [`/v1/ops/pipeline-runs/${run.run_id}/log`]: guarded(runLog),
  '/v1/session': guarded(VIEWER),
  '/v1/access/keys': guarded(keys),
  '/v1/ops/dead-letters': guarded({ ...letters, more: false }),
  '/v1/ops/queue': guarded(queue),
  '/v1/ops/schedule': guarded(schedule),
  '/v1/ops/backups': guarded(backups),
  '/v1/audit': guarded(audit),
  '/v1/audit/streams': guarded(auditStreams),
};

/**
 * Puts the recorded answers on the wire in place of the network. `routes` overrides by path: a value,
 * a Response, or a function of what was asked. Returns what was asked, in order.
 */
export function onTheWire(routes: Record<string, Answer> = {}): Asked[] {
  const asked: Asked[] = [];
  const table = { ...ROUTES, ...routes };
  vi.stubGlobal('fetch', async (input: string, init: RequestInit = {}) => {
    const url = new URL(input, 'http://atalaia.test');
    const question = {
      url,
      headers: new Headers(init.headers),
      signal: init.signal,
      method: init.method ?? 'GET',
      body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
    };
    asked.push(question);
    const route = table[url.pathname];
    const answer: unknown = typeof route === 'function' ? await route(question) : route;
    if (init.signal?.aborted) throw new DOMException('aborted', 'AbortError');
    if (answer instanceof Response) return answer.clone();
    return answer === undefined ? problem(404, 'Nada aqui.') : Response.json(answer);
  });
  return asked;
}

/** How often a path was asked. */
export function times(asked: readonly Asked[], path: string): number {
  return asked.filter(({ url }) => url.pathname === path).length;
}
