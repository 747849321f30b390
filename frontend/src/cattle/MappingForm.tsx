import { Button } from '@mantine/core';
import { useLanguage } from '../i18n/language';
import type { Field, Values } from '../ops/fields';
import { ReasonDialog } from '../ops/ReasonDialog';
import section from '../ops/Section.module.css';
import { StateMark } from '../ops/StateMark';
import { useProposal } from '../ops/useProposal';
import { type Said, sayMapping } from './queries';
import type { FeedFileWhole, Question } from './types';

const NO_COLUMN = '-';
const FORMATS: Record<string, readonly string[]> = {
  decimal_mark: [',', '.'],
  date_order: ['DD/MM', 'MM/DD'],
};

/** What a question is called among the fields; those of columns by their header. */
const nameOf = ({ ask, header, column }: Question) => header ?? column ?? ask;

/** Headers that nothing explains: one of them may be what is missing. */
const freeHeaders = (file: FeedFileWhole) =>
  file.mapping.filter(({ column }) => column === '').map(({ header }) => header);

/** The answers as the API takes them: header → column ('' for none), and the formats. */
function saidOf(file: FeedFileWhole, values: Values, reason: string): Said {
  const columns: Record<string, string> = {};
  const formats: Record<string, string> = {};
  for (const question of file.questions) {
    const value = values[nameOf(question)] ?? '';
    if (question.ask in FORMATS) formats[question.ask] = value;
    else if (question.header) columns[question.header] = value === NO_COLUMN ? '' : value;
    else if (question.column && value !== NO_COLUMN) columns[value] = question.column;
  }
  return { columns, ...formats, reason };
}

/** What a person is asked once: remembered for every later file of the same kind. */
export function MappingForm({ file }: { file: FeedFileWhole }) {
  const { say } = useLanguage();
  const { proposal, close, propose, done } = useProposal();
  const fieldOf = (question: Question): Field => {
    const formats = FORMATS[question.ask];
    const name = nameOf(question);
    const none = [NO_COLUMN, say('cattle.noColumn')] as const;
    if (formats) {
      const label = say(question.ask === 'date_order' ? 'cattle.dates' : 'cattle.decimal');
      return {
        name,
        label,
        kind: 'choice',
        required: true,
        initial: formats[0] ?? '',
        options: formats.map((one) => [one, one]),
      };
    }
    const asked = question.header !== undefined;
    const offered = asked ? (question.candidates ?? []) : freeHeaders(file);
    return {
      name,
      label: say(asked ? 'cattle.ask.header' : 'cattle.ask.column', { name }),
      kind: 'choice',
      required: true,
      initial: offered[0] ?? NO_COLUMN,
      options: [...offered.map((one) => [one, one] as const), none],
    };
  };
  const ask = () =>
    propose({
      title: say('cattle.confirm.title', { name: file.filename }),
      plan: <p>{say('cattle.confirm.plan')}</p>,
      fields: file.questions.map(fieldOf),
      button: say('cattle.confirm.button'),
      act: async (reason, values) => {
        await sayMapping(file.id, saidOf(file, values, reason));
        await done(say('cattle.confirmed', { name: file.filename }));
      },
    });
  return (
    <div className={section.verdict} data-state="warn">
      <p>
        <StateMark state="warn" /> {say('cattle.asks', { count: file.questions.length })}
      </p>
      <p>
        <Button size="compact-sm" onClick={ask}>
          {say('cattle.confirm')}
        </Button>
      </p>
      <ReasonDialog proposal={proposal} onClose={close} />
    </div>
  );
}
