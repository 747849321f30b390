import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { executeRunbook, runbookQuery, runbookRunsQuery } from '../../api/runbookQueries';
import type { RunbookWhole } from '../../api/watchTypes';
import { Refusal } from '../../app/Refusal';
import { Waiting } from '../../app/Waiting';
import { useLanguage } from '../../i18n/language';
import type { Search } from '../../view/address';
import { useListSearch } from '../list/useListSearch';
import { type Proposal, ReasonDialog } from '../ReasonDialog';
import { RoomLink } from '../RoomLink';
import { useRoom } from '../room';
import run from '../runs/Run.module.css';
import section from '../Section.module.css';
import { StateMark } from '../StateMark';
import { useWords } from '../words';
import { ArgumentsForm, useArguments, useMayRun } from './ArgumentsForm';
import { argumentsOf } from './arguments';
import { blocksOf } from './judge';
import { RunbookRuns } from './RunbookRuns';
import styles from './Runbooks.module.css';

/** A paragraph of Markdown: its lines run on, those of a list stay, `code` is code. */
function Words({ text }: { text: string }) {
  const parts = text.replace(/\n(?!- |\d+\. )/g, ' ').split('`');
  return (
    <p>
      {parts.map((part, at) => {
        const key = `${at}/${part}`;
        return at % 2 === 1 ? <code key={key}>{part}</code> : <span key={key}>{part}</span>;
      })}
    </p>
  );
}

function Text(props: { runbook: RunbookWhole; onRunCell: (cell: string) => void }) {
  const { runbook, onRunCell } = props;
  const { say } = useLanguage();
  const may = useMayRun(runbook);
  return (
    <div className={styles.text}>
      {blocksOf(runbook.text).map((block, at) => {
        const key = `${at}/${block.kind}`;
        if (block.kind === 'heading') return <h3 key={key}>{block.text}</h3>;
        if (block.kind === 'words') return <Words key={key} text={block.text} />;
        if (block.kind === 'code') return <pre key={key}>{block.text}</pre>;
        const named = block.text;
        const cell = runbook.cells.find(({ name }) => name === named);
        return (
          <div key={key} className={styles.cell} data-danger={cell?.danger}>
            <p>
              <code>{named}</code>{' '}
              {cell?.danger && (
                <>
                  <StateMark state="critical" /> {say('runbook.danger')}
                </>
              )}
              {cell?.confirm && !cell.danger && (
                <>
                  <StateMark state="warn" /> {say('runbook.confirm')}
                </>
              )}
            </p>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable */}
            <pre tabIndex={0}>{cell?.source}</pre>
            {may && cell && (
              <Button
                size="compact-sm"
                variant="default"
                aria-label={`${say('runbook.runCell')}: ${cell.name}`}
                onClick={() => onRunCell(cell.name)}
              >
                {say('runbook.runCell')}
              </Button>
            )}
          </div>
        );
      })}
    </div>
  );
}

interface PlanProps {
  runbook: RunbookWhole;
  values: Record<string, string>;
  /** The only one that is executed. */
  only: string | undefined;
}

function Plan({ runbook, values, only }: PlanProps) {
  const { say } = useLanguage();
  const cells = runbook.cells.filter(({ name }) => only === undefined || name === only);
  return (
    <>
      <p>{only ? say('runbook.planCell') : say('runbook.plan', { count: cells.length })}</p>
      {Object.entries(values).map(([name, value]) => (
        <p key={name}>
          <code>
            {name} = {value}
          </code>
        </p>
      ))}
      <ol className={styles.plan}>
        {cells.map((cell) => (
          <li key={cell.name}>
            <code>{cell.name}</code>
            {cell.danger && ` ■ ${say('runbook.danger')}`}
            {cell.confirm && <pre>{cell.source}</pre>}
          </li>
        ))}
      </ol>
    </>
  );
}

function Whole({ runbook }: { runbook: RunbookWhole }) {
  const { say } = useLanguage();
  const words = useWords();
  const { tell } = useRoom();
  const navigate = useNavigate();
  const { search } = useListSearch();
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const runs = useQuery(runbookRunsQuery(runbook.name)).data;
  const told = useArguments(runbook, argumentsOf(search));
  const propose = (values: Record<string, string>, cell?: string) => {
    // One number per question asked: a second press of the button is the same execution.
    const once = crypto.randomUUID();
    setProposal({
      title: cell
        ? say('runbook.runCell.title', { cell })
        : say('runbook.run.title', { title: runbook.title }),
      plan: <Plan runbook={runbook} values={values} only={cell} />,
      button: say(cell ? 'runbook.runCell' : 'runbook.run'),
      act: async (reason) => {
        const wanted = {
          runbook: runbook.name,
          arguments: values,
          ...(cell && { cell }),
          confirmed: true,
          reason,
        };
        const { id } = await executeRunbook(wanted, once);
        tell(say('runbook.asked', { title: runbook.title }));
        await navigate({
          to: '/operacoes/runbooks-executados/$id',
          params: { id },
          search: ({ lang }: Search): Search => (lang ? { lang } : {}),
        });
      },
    });
  };
  return (
    <>
      <p className={section.words}>
        {words('severity', runbook.severity)} · {say('alert.owner', { owner: runbook.owner })} ·{' '}
        <code>{runbook.name}</code>
      </p>
      <ArgumentsForm runbook={runbook} told={told} onRun={(values) => propose(values)} />
      <Text runbook={runbook} onRunCell={(cell) => told.use((values) => propose(values, cell))} />
      <div className={section.head}>
        <h2>{say('runbook.runs')}</h2>
      </div>
      {runs && <RunbookRuns runs={runs.items} />}
      <ReasonDialog proposal={proposal} onClose={() => setProposal(null)} />
    </>
  );
}

/** One runbook: what to tell it, what it says, what it would execute, and when it was. */
export function RunbookPage() {
  const { say } = useLanguage();
  const { _splat: name = '' } = useParams({ strict: false }) as { _splat?: string };
  const { data, error, refetch } = useQuery(runbookQuery(name));
  return (
    <section aria-label={say('runbook.one')}>
      <p className={run.back}>
        <RoomLink to="/operacoes/runbooks">{say('runbook.back')}</RoomLink>
      </p>
      <div className={section.head}>
        <h2>{data?.title ?? name}</h2>
      </div>
      {error && <Refusal error={error} onRetry={() => void refetch()} kept={Boolean(data)} />}
      {data ? <Whole key={name} runbook={data} /> : !error && <Waiting lines={10} />}
    </section>
  );
}
