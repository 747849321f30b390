import { Button, NativeSelect } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Refusal } from '../app/Refusal';
import { useLanguage } from '../i18n/language';
import { reaches, useRoom } from '../ops/room';
import section from '../ops/Section.module.css';
import { useTry } from '../ops/useTry';
import styles from './Equivalence.module.css';
import { catalogQuery, evaluate } from './queries';
import { type Draft, emptyDraft, lacks, SubjectForm, subjectOf } from './SubjectForm';
import type { Answer, Question } from './types';
import { type Texts, VerdictView } from './VerdictView';

const MOST_ORIGINS = 10;

function questionOf(origins: readonly Draft[], destination: Draft, policy: string): Question {
  return {
    // Each press is a question of its own: the same number would be given the same answer.
    request_id: `tela-${crypto.randomUUID()}`,
    origem: origins.map((one) => ({
      ...subjectOf(one),
      aprovado: one.aprovado,
      ano_conclusao: one.ano_conclusao,
    })),
    destino: subjectOf(destination),
    ...(policy && { policy }),
  };
}

function textsOf(origins: readonly Draft[], destination: Draft): Texts {
  const told = ({ key, nome, ementa }: Draft) => ({ key, name: nome, text: ementa });
  return { origins: origins.map(told), destination: told(destination) };
}

function Policies({ value, onChange }: { value: string; onChange: (code: string) => void }) {
  const { say } = useLanguage();
  const { data } = useQuery(catalogQuery('policies'));
  const codes = [...new Set(data?.items.map(({ code }) => code))];
  return (
    <NativeSelect
      label={say('eq.policy')}
      description={say('eq.policy.help')}
      value={value}
      data={[{ value: '', label: say('eq.policy.usual') }, ...codes]}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    />
  );
}

/** Whoever may ask: the house's operators, and a tenant's program. */
function useMayAsk(): boolean {
  const { viewer } = useRoom();
  return viewer.role === 'client' || reaches(viewer.role, 'operator');
}

/** Does what was studied count for what is asked? One origin or several together, one destination. */
export function TryPage() {
  const { say } = useLanguage();
  const client = useQueryClient();
  const may = useMayAsk();
  const [origins, setOrigins] = useState<Draft[]>(() => [emptyDraft()]);
  const [destination, setDestination] = useState(emptyDraft);
  const [policy, setPolicy] = useState('');
  const [tried, setTried] = useState(false);
  const [found, setFound] = useState<{ answer: Answer; texts: Texts } | null>(null);
  const { busy, error, attempt } = useTry();
  const ask = () => {
    setTried(true);
    if ([...origins, destination].some(lacks)) return;
    void attempt(async () => {
      const answer = await evaluate(questionOf(origins, destination, policy));
      setFound({ answer, texts: textsOf(origins, destination) });
      await client.invalidateQueries({ queryKey: ['ops', 'evaluations'] });
    });
  };
  return (
    <section aria-label={say('eq.try')}>
      <p className={section.words}>{say('eq.try.words')}</p>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <div className={styles.sides}>
          <div>
            {origins.map((draft, at) => (
              <SubjectForm
                key={draft.key}
                origin
                title={say('eq.originN', { number: at + 1 })}
                draft={draft}
                tried={tried}
                onChange={(next) =>
                  setOrigins(origins.map((one) => (one.key === draft.key ? next : one)))
                }
                onRemove={
                  origins.length > 1
                    ? () => setOrigins(origins.filter(({ key }) => key !== draft.key))
                    : undefined
                }
              />
            ))}
            {origins.length < MOST_ORIGINS && (
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => setOrigins([...origins, emptyDraft()])}
              >
                {say('eq.addOrigin')}
              </Button>
            )}
          </div>
          <div>
            <SubjectForm
              origin={false}
              title={say('eq.destination')}
              draft={destination}
              tried={tried}
              onChange={setDestination}
            />
            <Policies value={policy} onChange={setPolicy} />
          </div>
        </div>
        <div className={styles.ask}>
          <Button type="submit" loading={busy} disabled={!may}>
            {say('eq.ask')}
          </Button>
          {!may && <p>{say('eq.ask.needs')}</p>}
        </div>
        {error && <Refusal error={error} />}
      </form>
      <div role="status">
        {found && <VerdictView key={found.answer.evaluation_id} {...found} />}
      </div>
    </section>
  );
}
