import { announceWindow, cancelWindow } from '../../api/watchQueries';
import type { Window } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { isoOf, localOf, namesOf } from '../fields';
import { useProposal } from '../useProposal';

const HOUR_MS = 3_600_000;

/** Work announced beforehand, and its end. */
export function useWindowActs() {
  const { say } = useLanguage();
  const { proposal, close, propose, done } = useProposal();
  const announce = () =>
    propose({
      title: say('window.announce'),
      plan: <p>{say('window.announce.plan')}</p>,
      fields: [
        {
          name: 'title',
          label: say('window.what'),
          help: say('window.what.help'),
          required: true,
          most: 500,
        },
        {
          name: 'from',
          label: say('run.began'),
          help: say('window.clock'),
          kind: 'moment',
          required: true,
          initial: localOf(new Date()),
        },
        {
          name: 'to',
          label: say('run.ended'),
          kind: 'moment',
          required: true,
          initial: localOf(new Date(Date.now() + HOUR_MS)),
        },
        {
          name: 'rules',
          label: say('window.rules'),
          help: say('window.rules.help'),
          kind: 'list',
        },
        {
          name: 'subjects',
          label: say('window.subjects'),
          help: say('window.subjects.help'),
          kind: 'list',
        },
      ],
      button: say('window.announce.button'),
      act: async (reason, { title = '', from, to, rules, subjects }) => {
        await announceWindow({
          title,
          starts_at: isoOf(from),
          ends_at: isoOf(to),
          rules: namesOf(rules),
          subjects: namesOf(subjects),
          reason,
        });
        await done(say('window.announced', { title }));
      },
    });
  const end = ({ window_id, title, active }: Window) =>
    propose({
      title: say(active ? 'window.end.title' : 'window.cancel.title', { title }),
      plan: <p>{say('window.end.plan')}</p>,
      button: say(active ? 'window.end' : 'window.cancel'),
      act: async (reason) => {
        await cancelWindow(window_id, reason);
        await done(say('window.ended', { title }));
      },
    });
  return { proposal, close, announce, end };
}
