import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ProblemError } from '../api/problem';
import { useLanguage } from '../i18n/language';
import { Dropzone } from '../ops/Dropzone';
import { RoomLink } from '../ops/RoomLink';
import { StateMark } from '../ops/StateMark';
import type { State } from '../ops/state';
import { useWords } from '../ops/words';
import { formatNumber } from '../text/format';
import styles from './Cattle.module.css';
import { sendFile } from './queries';

interface Sending {
  key: string;
  name: string;
  share: number;
  /** How it ended; null while it is on its way. */
  ended: { state: State; words: string; id?: string | undefined } | null;
}

/** Files dropped or chosen, one after the other, each with how much of it is on its way. */
export function Send() {
  const { say, language } = useLanguage();
  const words = useWords();
  const client = useQueryClient();
  const [list, setList] = useState<Sending[]>([]);
  const change = (key: string, changes: Partial<Sending>) =>
    setList((before) => before.map((one) => (one.key === key ? { ...one, ...changes } : one)));
  const send = async (key: string, file: File) => {
    try {
      const { items } = await sendFile(file, (share) => change(key, { share }));
      const [first] = items;
      const state = first?.status === 'error' ? 'critical' : 'ok';
      const told = first?.error_message ?? words('cattle.status', first?.status);
      change(key, { share: 1, ended: { state, words: told, id: first?.id } });
    } catch (error) {
      const told = error instanceof ProblemError ? error.problem.detail || error.message : '';
      change(key, { ended: { state: 'critical', words: told || say('cattle.notSent') } });
    }
    await client.invalidateQueries({ queryKey: ['ops', 'cattle'] });
  };
  const take = async (files: File[]) => {
    const wanted = files.map((file) => ({ key: crypto.randomUUID(), file }));
    const fresh = wanted.map(({ key, file }) => ({ key, name: file.name, share: 0, ended: null }));
    setList((before) => [...fresh, ...before]);
    // One after the other: a folder of files must not take all of the line at once.
    for (const { key, file } of wanted) await send(key, file);
  };
  return (
    <>
      <Dropzone
        many
        accept=".csv,.tsv,.txt,.xlsx"
        label={say('cattle.choose')}
        onFiles={(files) => void take(files)}
      >
        {say('cattle.drop')}
      </Dropzone>
      {list.length > 0 && (
        <ul className={styles.sending} aria-label={say('cattle.sent')}>
          {list.map(({ key, name, share, ended }) => (
            <li key={key}>
              {ended ? (
                <>
                  <StateMark state={ended.state} />{' '}
                  {ended.id ? (
                    <RoomLink to="/etl-operations/$id" params={{ id: ended.id }}>
                      {name}
                    </RoomLink>
                  ) : (
                    name
                  )}
                  : {ended.words}
                </>
              ) : (
                <label>
                  {say('cattle.sending', { name, percent: formatNumber(100 * share, 0, language) })}
                  <progress max={1} value={share} />
                </label>
              )}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
