import { Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useCallback, useState } from 'react';
import { explainQuery } from '../api/queries';
import { Refusal } from '../app/Refusal';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { Origin } from './Origin';
import { OriginContext, type OriginQuestion } from './origin';

function Answer({ question }: { question: OriginQuestion }) {
  const { territoryId, code, period } = question.number;
  const { data, error, refetch } = useQuery(explainQuery(territoryId, code, period));
  if (data) return <Origin explanation={data} />;
  if (error) return <Refusal error={error} onRetry={refetch} />;
  return <Waiting lines={8} />;
}

/** Holds the one drawer, so that any number on any screen can open it. */
export function OriginProvider({ children }: { children: ReactNode }) {
  const { say } = useLanguage();
  const [question, setQuestion] = useState<OriginQuestion | null>(null);
  const close = useCallback(() => setQuestion(null), []);
  return (
    <OriginContext value={setQuestion}>
      {children}
      <Drawer
        opened={question !== null}
        onClose={close}
        position="right"
        size="md"
        title={
          <>
            {say('origin.title')}
            <br />
            <small>{question?.what}</small>
          </>
        }
        closeButtonProps={{ 'aria-label': say('app.close') }}
      >
        {question && <Answer question={question} />}
      </Drawer>
    </OriginContext>
  );
}
