import { Button, Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useCallback, useState } from 'react';
import { explainQuery } from '../api/queries';
import { Refusal } from '../app/Refusal';
import { useFocusBack } from '../app/useFocusBack';
import { Waiting } from '../app/Waiting';
import { useLanguage } from '../i18n/language';
import { Origin } from './Origin';
import { OriginContext, type OriginQuestion } from './origin';

function Answer({ uri, onFollow }: { uri: string; onFollow: (uri: string) => void }) {
  const { data, error, refetch } = useQuery(explainQuery(uri));
  if (data) return <Origin explanation={data} onFollow={onFollow} />;
  if (error) return <Refusal error={error} onRetry={refetch} />;
  return <Waiting lines={8} />;
}

/**
 * Holds the one drawer, so that any number on any screen can open it. A derived number leads on to
 * the numbers it was made of, and back.
 */
export function OriginProvider({ children }: { children: ReactNode }) {
  const { say } = useLanguage();
  const [road, setRoad] = useState<OriginQuestion[]>([]);
  const ask = useCallback((question: OriginQuestion) => setRoad([question]), []);
  const close = useCallback(() => setRoad([]), []);
  const here = road.at(-1);
  const focusBack = useFocusBack(here !== undefined);
  return (
    <OriginContext value={ask}>
      {children}
      <Drawer
        {...focusBack}
        opened={here !== undefined}
        onClose={close}
        position="right"
        size="md"
        title={
          <>
            {say('origin.title')}
            <br />
            <small>{here?.what}</small>
          </>
        }
        closeButtonProps={{ 'aria-label': say('app.close') }}
      >
        {road.length > 1 && (
          <Button
            size="compact-sm"
            variant="default"
            mb="sm"
            onClick={() => setRoad(road.slice(0, -1))}
          >
            {say('origin.back')}
          </Button>
        )}
        {here && (
          <Answer uri={here.uri} onFollow={(uri) => setRoad([...road, { uri, what: uri }])} />
        )}
      </Drawer>
    </OriginContext>
  );
}
