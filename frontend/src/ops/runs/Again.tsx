import { Button } from '@mantine/core';
import { askForRun } from '../../api/watchQueries';
import type { RunWhole } from '../../api/watchTypes';
import { useLanguage } from '../../i18n/language';
import { ReasonDialog } from '../ReasonDialog';
import { reaches, useRoom } from '../room';
import { useProposal } from '../useProposal';

/** The same job and period asked for once more; the run that is looked at stays as it is. */
export function Again({ run }: { run: RunWhole }) {
  const { say } = useLanguage();
  const { viewer } = useRoom();
  const { proposal, close, propose, done } = useProposal();
  const period = run.reference_period;
  if (!reaches(viewer.role, 'operator') || run.run_status === 'running' || period === null) {
    return null;
  }
  const name = `${run.job_name} · ${period}`;
  const ask = () => {
    // One number per question asked: a second press of the button is the same run.
    const once = crypto.randomUUID();
    propose({
      title: say('run.again.title', { name }),
      plan: <p>{say('run.again.plan')}</p>,
      fields: [
        {
          name: 'force',
          label: say('run.again.force'),
          kind: 'choice',
          options: [
            ['', say('run.again.force.no')],
            ['yes', say('run.again.force.yes')],
          ],
        },
      ],
      button: say('run.again'),
      act: async (reason, { force }) => {
        const wanted = { job_name: run.job_name, reference_period: period, force: force === 'yes' };
        await askForRun({ ...wanted, reason }, once);
        await done(say('run.askedAgain', { name }));
      },
    });
  };
  return (
    <>
      <Button size="compact-sm" onClick={ask}>
        {say('run.again')}
      </Button>
      <ReasonDialog proposal={proposal} onClose={close} />
    </>
  );
}
