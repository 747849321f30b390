import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { DataTable } from '../ops/list/DataTable';
import { Moment } from '../ops/Moment';
import { type Proposal, ReasonDialog } from '../ops/ReasonDialog';
import { reaches, useRoom } from '../ops/room';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { useProposal } from '../ops/useProposal';
import styles from './Equivalence.module.css';
import { activate, addToCatalog, bind, bindingsQuery, catalogQuery } from './queries';
import type { CatalogKind, Catalogued } from './types';

/** A document as it was added; it never changes. */
function Document({ kind, of }: { kind: CatalogKind; of: Catalogued }) {
  const { say } = useLanguage();
  const { data, error, refetch } = useQuery(catalogQuery(kind, of.code, of.version));
  const found = data?.items.find(({ sha256 }) => sha256 === of.sha256);
  return (
    <section aria-label={say('eq.document', { code: of.code, version: of.version })}>
      <h3>{say('eq.document', { code: of.code, version: of.version })}</h3>
      {error && <Refusal error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Waiting lines={6} />}
      {found && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable
        <pre tabIndex={0} className={styles.document}>
          {JSON.stringify(found.document, null, 2)}
        </pre>
      )}
    </section>
  );
}

/** What was typed, as JSON; what is none is refused by the dialog that asked. */
function parsed(text: string | undefined, problem: string): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch {
    throw new Error(problem);
  }
}

function useCatalogActs(kind: CatalogKind) {
  const { say } = useLanguage();
  const { proposal, close, propose, done } = useProposal();
  const add = () =>
    propose({
      title: say(kind === 'policies' ? 'eq.addPolicy' : 'eq.addTaxonomy'),
      plan: <p>{say('eq.add.plan')}</p>,
      fields: [
        {
          name: 'document',
          label: say('eq.documentJson'),
          help: say('eq.documentJson.help'),
          kind: 'text',
          required: true,
          most: 1_000_000,
        },
        {
          name: 'activate',
          label: say('eq.inUse'),
          kind: 'choice',
          options: [
            ['', say('eq.activate.later')],
            ['yes', say('eq.activate.now')],
          ],
        },
      ],
      button: say('eq.add'),
      act: async (reason, values) => {
        const document = parsed(values.document, say('eq.notJson'));
        await addToCatalog(kind, { document, activate: values.activate === 'yes', reason });
        await done(say('eq.added'));
      },
    });
  const use = ({ code, version }: Catalogued): void => {
    const wanted: Proposal = {
      title: say('eq.activate.title', { code, version }),
      plan: <p>{say('eq.activate.plan')}</p>,
      button: say('eq.activate'),
      act: async (reason) => {
        await activate(kind, { code, version, reason });
        await done(say('eq.activated', { code, version }));
      },
    };
    propose(wanted);
  };
  return { proposal, close, add, use };
}

function Catalog({ kind }: { kind: CatalogKind }) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const acts = useCatalogActs(kind);
  const [open, setOpen] = useState<Catalogued | null>(null);
  const { data, error, refetch } = useQuery(catalogQuery(kind));
  const admin = reaches(viewer.role, 'admin');
  const title = say(kind === 'policies' ? 'eq.policies' : 'eq.taxonomies');
  return (
    <>
      <div className={section.head}>
        <h2>{title}</h2>
        {admin && (
          <Button size="compact-sm" variant="default" onClick={acts.add}>
            {say(kind === 'policies' ? 'eq.addPolicy' : 'eq.addTaxonomy')}
          </Button>
        )}
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {!data && !error && <Waiting lines={4} />}
      {data && (
        <DataTable
          caption={title}
          items={data.items}
          keyOf={({ tenant_id, code, version }) => `${tenant_id}/${code}/${version}`}
          empty={<p>{say('eq.noRules')}</p>}
          columns={[
            {
              id: 'state',
              title: say('eq.inUse'),
              cell: ({ active }) =>
                active ? (
                  <>
                    <StateMark state="ok" /> <small>{say('eq.active')}</small>
                  </>
                ) : (
                  '—'
                ),
            },
            {
              id: 'code',
              title: say('eq.code'),
              cell: (one) => (
                <button type="button" className={styles.concept} onClick={() => setOpen(one)}>
                  {one.code}
                </button>
              ),
            },
            { id: 'version', title: say('source.version'), cell: ({ version }) => version },
            {
              id: 'tenant',
              title: say('eq.tenant'),
              wide: true,
              cell: ({ tenant_id }) => tenant_id,
            },
            {
              id: 'sha',
              title: say('origin.bronze.hash'),
              wide: true,
              cell: ({ sha256 }) => <code title={sha256}>{sha256.slice(0, 12)}</code>,
            },
            {
              id: 'when',
              title: say('ops.col.when'),
              wide: true,
              cell: ({ created_at }) => <Moment iso={created_at} />,
            },
            {
              id: 'who',
              title: say('audit.actor'),
              wide: true,
              cell: ({ created_by }) => created_by,
            },
            {
              id: 'act',
              title: say('list.actions'),
              cell: (one) =>
                admin && !one.active && one.tenant_id === viewer.tenant_id ? (
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={`${say('eq.activate')}: ${one.code} ${one.version}`}
                    onClick={() => acts.use(one)}
                  >
                    {say('eq.activate')}
                  </Button>
                ) : (
                  '—'
                ),
            },
          ]}
        />
      )}
      {open && <Document kind={kind} of={open} />}
      <ReasonDialog proposal={acts.proposal} onClose={acts.close} />
    </>
  );
}

function Bindings() {
  const { say } = useLanguage();
  const { proposal, close, propose, done } = useProposal();
  const { data, error, refetch } = useQuery(bindingsQuery);
  const add = () =>
    propose({
      title: say('eq.bind'),
      plan: <p>{say('eq.bind.plan')}</p>,
      fields: [
        { name: 'tenant_id', label: say('eq.tenant'), required: true, most: 63 },
        { name: 'course', label: say('eq.course'), help: say('eq.course.help'), most: 80 },
        { name: 'policy', label: say('eq.policy'), required: true, most: 63 },
        { name: 'taxonomy', label: say('eq.taxonomy'), help: say('eq.taxonomy.help'), most: 63 },
      ],
      button: say('eq.bind.button'),
      act: async (reason, { tenant_id = '', course = '', policy = '', taxonomy }) => {
        await bind({ tenant_id, course, policy, taxonomy: taxonomy || null, reason });
        await done(say('eq.bound', { tenant: tenant_id, policy }));
      },
    });
  return (
    <>
      <div className={section.head}>
        <h2>{say('eq.bindings')}</h2>
        <Button size="compact-sm" variant="default" onClick={add}>
          {say('eq.bind')}
        </Button>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data && (
        <DataTable
          caption={say('eq.bindings')}
          items={data.items}
          keyOf={({ tenant_id, course }) => `${tenant_id}/${course}`}
          empty={<p>{say('eq.noBindings')}</p>}
          columns={[
            { id: 'tenant', title: say('eq.tenant'), cell: ({ tenant_id }) => tenant_id },
            {
              id: 'course',
              title: say('eq.course'),
              cell: ({ course }) => course || say('eq.otherCourses'),
            },
            { id: 'policy', title: say('eq.policy'), cell: ({ policy }) => policy },
            {
              id: 'taxonomy',
              title: say('eq.taxonomy'),
              wide: true,
              cell: ({ taxonomy }) => taxonomy ?? say('eq.byArea'),
            },
            {
              id: 'who',
              title: say('audit.actor'),
              wide: true,
              cell: ({ updated_by }) => updated_by,
            },
          ]}
        />
      )}
      <ReasonDialog proposal={proposal} onClose={close} />
    </>
  );
}

/** By which policies and taxonomies is judged, in which version, and who uses which. */
export function RulesPage() {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  return (
    <section aria-label={say('eq.rules')}>
      <p className={section.words}>{say('eq.rules.words')}</p>
      <Catalog kind="policies" />
      <Catalog kind="taxonomies" />
      {reaches(viewer.role, 'admin') && viewer.tenant_id === 'default' && <Bindings />}
    </section>
  );
}
