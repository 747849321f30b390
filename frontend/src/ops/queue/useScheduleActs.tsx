import { actOnSchedule } from '../../api/opsQueries';
import type { Scheduled } from '../../api/opsTypes';
import { useLanguage } from '../../i18n/language';
import { useProposal } from '../useProposal';

/** What a person does about what comes round. */
export function useScheduleActs() {
  const { say } = useLanguage();
  const { proposal, close, propose, done } = useProposal();
  const turn = ({ name, paused_at }: Scheduled) => {
    const paused = paused_at !== null;
    propose({
      title: say(paused ? 'schedule.resume.title' : 'schedule.pause.title', { name }),
      plan: <p>{say(paused ? 'schedule.resume.plan' : 'schedule.pause.plan')}</p>,
      button: say(paused ? 'schedule.resume' : 'schedule.pause'),
      act: async (reason) => {
        await actOnSchedule(name, paused ? 'resume' : 'pause', reason);
        await done(say(paused ? 'schedule.resumed' : 'schedule.paused', { name }));
      },
    });
  };
  const runNow = ({ name }: Scheduled) =>
    propose({
      title: say('schedule.runNow.title', { name }),
      plan: <p>{say('schedule.runNow.plan')}</p>,
      button: say('schedule.runNow'),
      act: async (reason) => {
        await actOnSchedule(name, 'run-now', reason);
        await done(say('schedule.asked', { name }));
      },
    });
  return { proposal, close, turn, runNow };
}

export type ScheduleActs = ReturnType<typeof useScheduleActs>;
