import { useState } from 'react';
import { useLanguage } from '../i18n/language';
import { CopyButton } from '../ops/CopyButton';
import { DataTable } from '../ops/list/DataTable';
import run from '../ops/runs/Run.module.css';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { useWords } from '../ops/words';
import { formatNumber } from '../text/format';
import styles from './Equivalence.module.css';
import { STATE_OF_DECISION, STATE_OF_ITEM, termsOf, worstFirst } from './judge';
import { Marked } from './Marked';
import type { Answer, Evidence, Item } from './types';

interface Told {
  key: string;
  name: string;
  text: string;
}

/** The syllabi as they were asked with; of an evaluation found again there are only quotations. */
export interface Texts {
  origins: Told[];
  destination: Told;
}

function Score({ answer }: { answer: Answer }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const number = (value: number, decimals = 1) => formatNumber(value, decimals, language);
  return (
    <section aria-label={say('eq.score')} className={run.part}>
      <h3>{say('eq.score')}</h3>
      <p className={styles.score}>
        <strong>{number(answer.score)}</strong> {say('eq.ofHundred')}
      </p>
      <DataTable
        caption={say('eq.score')}
        items={termsOf(answer.breakdown, answer.score)}
        keyOf={({ name }) => name}
        empty={null}
        columns={[
          { id: 'name', title: say('eq.term'), cell: ({ name }) => words('eq.term', name) },
          {
            id: 'share',
            title: say('eq.share'),
            numeric: true,
            cell: ({ share }) => number(100 * share),
          },
          {
            id: 'weight',
            title: say('eq.weight'),
            numeric: true,
            cell: ({ weight }) => (weight === null ? '—' : number(weight)),
          },
          {
            id: 'points',
            title: say('eq.points'),
            numeric: true,
            cell: ({ points }) => (points === null ? '—' : number(points)),
          },
        ]}
      />
    </section>
  );
}

function Rules({ answer }: { answer: Answer }) {
  const { say } = useLanguage();
  return (
    <section aria-label={say('eq.hardRules')} className={run.part}>
      <h3>{say('eq.hardRules')}</h3>
      <ul className={styles.rules}>
        {answer.hard_rules.map((rule) => (
          <li key={`${rule.regra}/${rule.origem}`}>
            <StateMark state={rule.passou ? 'ok' : 'critical'} /> <span>{rule.texto}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Quotes({ of, side }: { of: readonly Evidence[]; side: Evidence['lado'] }) {
  const { say, language } = useLanguage();
  const words = useWords();
  const here = of.filter(({ lado }) => lado === side);
  if (here.length === 0) return '—';
  return (
    <ul className={styles.quotes}>
      {here.map((one) => (
        <li key={`${one.indice}/${one.inicio}`}>
          <q>{one.trecho}</q>{' '}
          <small>
            {side === 'origem' && `${say('eq.originN', { number: one.indice + 1 })} · `}
            {say('eq.sure', {
              method: words('eq.method', one.metodo),
              percent: formatNumber(100 * one.confianca, 0, language),
            })}
          </small>
        </li>
      ))}
    </ul>
  );
}

interface ConceptsProps {
  answer: Answer;
  items: readonly Item[];
  chosen: number | null;
  onChoose: (item: number | null) => void;
}

function Concepts({ answer, items, chosen, onChoose }: ConceptsProps) {
  const { say, language } = useLanguage();
  const words = useWords();
  const placeOf = (item: Item) => items.indexOf(item);
  return (
    <DataTable
      caption={say('eq.concepts')}
      items={worstFirst(answer.itens ?? [])}
      keyOf={(item) => String(placeOf(item))}
      open={chosen === null ? undefined : String(chosen)}
      empty={<p>{say('eq.noConcepts')}</p>}
      columns={[
        {
          id: 'state',
          title: say('ops.col.state'),
          cell: ({ situacao }) => (
            <StateMark state={STATE_OF_ITEM[situacao]} word={words('eq.item', situacao)} />
          ),
        },
        {
          id: 'concept',
          title: say('eq.concept'),
          cell: (item) => (
            <button
              type="button"
              className={styles.concept}
              aria-pressed={chosen === placeOf(item)}
              onClick={() => onChoose(chosen === placeOf(item) ? null : placeOf(item))}
            >
              {item.rotulo}
              {item.critico && <strong> ◆ {say('eq.critical')}</strong>}
            </button>
          ),
        },
        {
          id: 'weight',
          title: say('eq.weight'),
          numeric: true,
          cell: ({ peso }) => formatNumber(peso, 1, language),
        },
        {
          id: 'destination',
          title: say('eq.inDestination'),
          cell: ({ evidencias }) => <Quotes of={evidencias} side="destino" />,
        },
        {
          id: 'origin',
          title: say('eq.inOrigin'),
          cell: ({ evidencias }) => <Quotes of={evidencias} side="origem" />,
        },
      ]}
    />
  );
}

function Proof({ answer }: { answer: Answer }) {
  const { say, language } = useLanguage();
  const named = (one: Answer['policy'] | null) =>
    one ? `${one.code} · ${say('eq.version', { version: one.version })}` : '—';
  return (
    <section aria-label={say('eq.proof')} className={run.part}>
      <h3>{say('eq.proof')}</h3>
      <dl className={run.about}>
        <dt>{say('eq.policy')}</dt>
        <dd>{named(answer.policy)}</dd>
        <dt>{say('eq.taxonomy')}</dt>
        <dd>{named(answer.taxonomy)}</dd>
        <dt>{say('eq.mapper')}</dt>
        <dd>
          <code>{answer.mapper}</code>
        </dd>
        <dt>{say('eq.took')}</dt>
        <dd>
          {say('delivery.ms', { count: formatNumber(answer.timings_ms.avaliacao, 0, language) })}
        </dd>
        <dt>{say('eq.evaluation')}</dt>
        <dd>
          <code>{answer.evaluation_id}</code>{' '}
          <CopyButton text={answer.evaluation_id} what={say('eq.evaluation')} />
        </dd>
        <dt>{say('eq.request')}</dt>
        <dd>
          <code>{answer.request_id}</code>
        </dd>
      </dl>
    </section>
  );
}

/** A decision and all that led to it: the sentence first, then the texts, the terms and the proof. */
export function VerdictView({ answer, texts }: { answer: Answer; texts?: Texts | undefined }) {
  const { say } = useLanguage();
  const words = useWords();
  const [chosen, setChosen] = useState<number | null>(null);
  const state = STATE_OF_DECISION[answer.decisao];
  const common = { answer, chosen, onChoose: setChosen };
  return (
    <section aria-label={say('eq.verdict')} className={styles.verdict}>
      <div className={section.verdict} data-state={state}>
        <p className={styles.decision}>
          <StateMark state={state} word={words('eq.decision', answer.decisao)} />
        </p>
        <p>{answer.justificativa_curta}</p>
        {answer.criticos_faltantes.length > 0 && (
          <p>
            {say('eq.criticalMissing')} {answer.criticos_faltantes.join(', ')}
          </p>
        )}
      </div>
      {answer.degraded_mode && (
        <div className={section.verdict} data-state="warn" role="note">
          <p>
            <StateMark state="warn" /> {say('eq.degraded', { mapper: answer.mapper })}
          </p>
        </div>
      )}
      {texts && (
        <>
          <div className={styles.texts}>
            <div>
              {texts.origins.map(({ key, name, text }, index) => (
                <Marked
                  key={key}
                  {...common}
                  title={say('eq.textOf', {
                    what: say('eq.originN', { number: index + 1 }),
                    name,
                  })}
                  text={text}
                  side="origem"
                  index={index}
                />
              ))}
            </div>
            <Marked
              {...common}
              title={say('eq.textOf', {
                what: say('eq.destination'),
                name: texts.destination.name,
              })}
              text={texts.destination.text}
              side="destino"
              index={0}
            />
          </div>
          <p className={styles.legend}>
            {(['coberto', 'duvidoso', 'faltante', 'ignorado'] as const).map((kind) => (
              <span key={kind}>
                <mark className={styles.mark} data-kind={kind}>
                  {words('eq.item', kind)}
                </mark>
              </span>
            ))}
          </p>
        </>
      )}
      <div className={section.head}>
        <h3>{say('eq.concepts')}</h3>
      </div>
      <Concepts {...common} items={answer.itens ?? []} />
      <div className={run.parts}>
        <Score answer={answer} />
        <Rules answer={answer} />
      </div>
      {answer.justificativa_detalhada && (
        <section aria-label={say('eq.reasons')} className={run.part}>
          <h3>{say('eq.reasons')}</h3>
          <p className={styles.reasons}>{answer.justificativa_detalhada}</p>
        </section>
      )}
      <Proof answer={answer} />
    </section>
  );
}
