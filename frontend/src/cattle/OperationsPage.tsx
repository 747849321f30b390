import { Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useLanguage } from '../i18n/language';
import { useListSearch } from '../ops/list/useListSearch';
import { FilesTab } from './FilesTab';
import { LettersTab } from './LettersTab';
import { lettersQuery } from './queries';

/** Operações ETL: the files and what was put aside of them. */
export function OperationsPage() {
  const { say } = useLanguage();
  const { search, step } = useListSearch();
  const waiting = useQuery(lettersQuery('unresolved')).data?.count ?? 0;
  const tab = search.tab === 'dlq' ? 'dlq' : 'files';
  return (
    <section aria-label={say('cattle.operations')}>
      <Tabs
        value={tab}
        onChange={(next) => step({ tab: next === 'dlq' ? 'dlq' : undefined, page: undefined })}
        keepMounted={false}
      >
        <Tabs.List aria-label={say('cattle.operations')}>
          <Tabs.Tab value="files">{say('cattle.filesTab')}</Tabs.Tab>
          <Tabs.Tab value="dlq">
            {say('cattle.dlqTab')}
            {waiting > 0 && ` (${waiting})`}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="files" pt="sm">
          <FilesTab />
        </Tabs.Panel>
        <Tabs.Panel value="dlq" pt="sm">
          <LettersTab />
        </Tabs.Panel>
      </Tabs>
    </section>
  );
}
