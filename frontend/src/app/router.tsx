import {
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { AtlasPage } from '../atlas/AtlasPage';
import { useLanguage } from '../i18n/language';
import { parseSearch, type Search, stringifySearch } from '../view/address';
import { Fault } from './Fault';
import { Shell } from './Shell';
import styles from './Shell.module.css';

function NotFound() {
  const { say } = useLanguage();
  return (
    <div className={styles.nowhere}>
      <h1>{say('app.notFound')}</h1>
      <p>{say('app.notFound.todo')}</p>
      <Link to="/">{say('app.backToMap')}</Link>
    </div>
  );
}

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  errorComponent: Fault,
  validateSearch: (search: Record<string, unknown>): Search => search as Search,
});

const atlas = createRoute({ getParentRoute: () => root, path: '/', component: AtlasPage });

const territory = createRoute({
  getParentRoute: () => root,
  path: '/territorio/$id',
  component: lazyRouteComponent(() => import('../profile/ProfilePage'), 'ProfilePage'),
});

const operations = createRoute({
  getParentRoute: () => root,
  path: '/operacoes',
  component: lazyRouteComponent(() => import('../ops/OpsRoom'), 'OpsRoom'),
});

const now = createRoute({
  getParentRoute: () => operations,
  path: '/',
  component: lazyRouteComponent(() => import('../ops/OpsPage'), 'OpsPage'),
});

const audit = createRoute({
  getParentRoute: () => operations,
  path: '/auditoria',
  component: lazyRouteComponent(() => import('../ops/audit/AuditPage'), 'AuditPage'),
});

const keys = createRoute({
  getParentRoute: () => operations,
  path: '/chaves',
  component: lazyRouteComponent(() => import('../ops/keys/KeysPage'), 'KeysPage'),
});

const queue = createRoute({
  getParentRoute: () => operations,
  path: '/fila',
  component: lazyRouteComponent(() => import('../ops/queue/QueuePage'), 'QueuePage'),
});

const letters = createRoute({
  getParentRoute: () => operations,
  path: '/mortos',
  component: lazyRouteComponent(() => import('../ops/letters/LettersPage'), 'LettersPage'),
});

const backups = createRoute({
  getParentRoute: () => operations,
  path: '/copias',
  component: lazyRouteComponent(() => import('../ops/backups/BackupsPage'), 'BackupsPage'),
});

const runs = createRoute({
  getParentRoute: () => operations,
  path: '/execucoes',
  component: lazyRouteComponent(() => import('../ops/runs/RunsPage'), 'RunsPage'),
});

const run = createRoute({
  getParentRoute: () => operations,
  path: '/execucoes/$id',
  component: lazyRouteComponent(() => import('../ops/runs/RunPage'), 'RunPage'),
});

const checks = createRoute({
  getParentRoute: () => operations,
  path: '/verificacoes',
  component: lazyRouteComponent(() => import('../ops/checks/ChecksPage'), 'ChecksPage'),
});

const alerts = createRoute({
  getParentRoute: () => operations,
  path: '/alertas',
  component: lazyRouteComponent(() => import('../ops/alerts/AlertsPage'), 'AlertsPage'),
});

const alert = createRoute({
  getParentRoute: () => operations,
  path: '/alertas/$id',
  component: lazyRouteComponent(() => import('../ops/alerts/AlertPage'), 'AlertPage'),
});

const runbooks = createRoute({
  getParentRoute: () => operations,
  path: '/runbooks',
  component: lazyRouteComponent(() => import('../ops/runbooks/RunbooksPage'), 'RunbooksPage'),
});

const runbook = createRoute({
  getParentRoute: () => operations,
  path: '/runbook/$',
  component: lazyRouteComponent(() => import('../ops/runbooks/RunbookPage'), 'RunbookPage'),
});

const runbookRun = createRoute({
  getParentRoute: () => operations,
  path: '/runbooks-executados/$id',
  component: lazyRouteComponent(() => import('../ops/runbooks/RunbookRunPage'), 'RunbookRunPage'),
});

const incidents = createRoute({
  getParentRoute: () => operations,
  path: '/incidentes',
  component: lazyRouteComponent(() => import('../ops/incidents/IncidentsPage'), 'IncidentsPage'),
});

const incident = createRoute({
  getParentRoute: () => operations,
  path: '/incidentes/$id',
  component: lazyRouteComponent(() => import('../ops/incidents/IncidentPage'), 'IncidentPage'),
});

const deliveries = createRoute({
  getParentRoute: () => operations,
  path: '/entregas',
  component: lazyRouteComponent(() => import('../ops/deliveries/DeliveriesPage'), 'DeliveriesPage'),
});

const sources = createRoute({
  getParentRoute: () => operations,
  path: '/fontes',
  component: lazyRouteComponent(() => import('../ops/sources/SourcesPage'), 'SourcesPage'),
});

const source = createRoute({
  getParentRoute: () => operations,
  path: '/fontes/$name',
  component: lazyRouteComponent(() => import('../ops/sources/SourcePage'), 'SourcePage'),
});

/** The addresses of the feedlot are printed in its runbook: none of them is below another. */
const cattle = createRoute({
  getParentRoute: () => root,
  id: 'cattle',
  component: lazyRouteComponent(() => import('../cattle/CattleRoom'), 'CattleRoom'),
});

const metrics = createRoute({
  getParentRoute: () => cattle,
  path: '/metrics-dashboard',
  component: lazyRouteComponent(() => import('../cattle/MetricsPage'), 'MetricsPage'),
});

const etlOperations = createRoute({
  getParentRoute: () => cattle,
  path: '/etl-operations',
  component: lazyRouteComponent(() => import('../cattle/OperationsPage'), 'OperationsPage'),
});

const feedFile = createRoute({
  getParentRoute: () => cattle,
  path: '/etl-operations/$id',
  component: lazyRouteComponent(() => import('../cattle/FilePage'), 'FilePage'),
});

const deviations = createRoute({
  getParentRoute: () => cattle,
  path: '/confinamento/desvios',
  component: lazyRouteComponent(() => import('../cattle/DeviationsPage'), 'DeviationsPage'),
});

const equivalence = createRoute({
  getParentRoute: () => root,
  path: '/equivalencia',
  component: lazyRouteComponent(() => import('../equivalence/EquivalenceRoom'), 'EquivalenceRoom'),
});

const evaluateOne = createRoute({
  getParentRoute: () => equivalence,
  path: '/',
  component: lazyRouteComponent(() => import('../equivalence/TryPage'), 'TryPage'),
});

const batches = createRoute({
  getParentRoute: () => equivalence,
  path: '/lotes',
  component: lazyRouteComponent(() => import('../equivalence/BatchesPage'), 'BatchesPage'),
});

const batch = createRoute({
  getParentRoute: () => equivalence,
  path: '/lotes/$id',
  component: lazyRouteComponent(() => import('../equivalence/BatchPage'), 'BatchPage'),
});

const evaluations = createRoute({
  getParentRoute: () => equivalence,
  path: '/avaliacoes',
  component: lazyRouteComponent(() => import('../equivalence/EvaluationsPage'), 'EvaluationsPage'),
});

const evaluation = createRoute({
  getParentRoute: () => equivalence,
  path: '/avaliacoes/$id',
  component: lazyRouteComponent(() => import('../equivalence/EvaluationPage'), 'EvaluationPage'),
});

const rules = createRoute({
  getParentRoute: () => equivalence,
  path: '/regras',
  component: lazyRouteComponent(() => import('../equivalence/RulesPage'), 'RulesPage'),
});

const tenants = createRoute({
  getParentRoute: () => equivalence,
  path: '/clientes',
  component: lazyRouteComponent(() => import('../equivalence/TenantsPage'), 'TenantsPage'),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/entrar',
  component: lazyRouteComponent(() => import('../ops/SignInPage'), 'SignInPage'),
});

export const routeTree = root.addChildren([
  atlas,
  territory,
  signIn,
  cattle.addChildren([metrics, etlOperations, feedFile, deviations]),
  equivalence.addChildren([evaluateOne, batches, batch, evaluations, evaluation, rules, tenants]),
  operations.addChildren([
    now,
    alerts,
    alert,
    incidents,
    incident,
    runbooks,
    runbook,
    runbookRun,
    deliveries,
    sources,
    source,
    runs,
    run,
    checks,
    queue,
    letters,
    keys,
    audit,
    backups,
  ]),
]);

export function newRouter() {
  return createRouter({
    routeTree,
    parseSearch,
    stringifySearch,
    defaultPreload: 'intent',
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
