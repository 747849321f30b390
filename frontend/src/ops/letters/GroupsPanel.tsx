import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Letter } from '../../api/opsTypes';
import { useLanguage } from '../../i18n/language';
import { formatNumber } from '../../text/format';
import { Moment } from '../Moment';
import { reaches, useRoom } from '../room';
import { StateMark } from '../StateMark';
import { groupsOf } from './groups';
import styles from './Letters.module.css';
import type { Decisions } from './useDecisions';

const FIRST = 5;

/** What is stuck and why, in as few lines as there are reasons; each decided for all of its kind. */
export function GroupsPanel(props: { letters: readonly Letter[]; decisions: Decisions }) {
  const { letters, decisions } = props;
  const { say, language } = useLanguage();
  const { viewer } = useRoom();
  const [all, setAll] = useState(false);
  const groups = groupsOf(letters);
  const may = reaches(viewer.role, 'operator');
  return (
    <>
      <ul className={styles.groups}>
        {groups.slice(0, all ? undefined : FIRST).map((group) => {
          const count = formatNumber(group.ids.length, 0, language);
          const about = `${group.source}: ${group.reason}`;
          return (
            <li key={group.key}>
              <StateMark state="warn" />
              <span className={styles.what}>
                <strong>{say('letter.group', { count })}</strong> <code>{group.source}</code>{' '}
                {group.reason}
              </span>
              <span className={styles.since}>
                <Moment iso={group.since} />
              </span>
              {may && (
                <span className={styles.groupButtons}>
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={`${say('letter.replay.button', { count })}: ${about}`}
                    onClick={() => decisions.replay(group)}
                  >
                    {say('letter.replay.button', { count })}
                  </Button>
                  <Button
                    size="compact-sm"
                    variant="default"
                    aria-label={`${say('letter.discard.button', { count })}: ${about}`}
                    onClick={() => decisions.discard(group)}
                  >
                    {say('letter.discard.button', { count })}
                  </Button>
                </span>
              )}
            </li>
          );
        })}
      </ul>
      {groups.length > FIRST && !all && (
        <Button size="compact-sm" variant="subtle" onClick={() => setAll(true)}>
          {say('letter.moreGroups', { count: groups.length - FIRST })}
        </Button>
      )}
    </>
  );
}
