import { useLanguage } from '../i18n/language';
import { useWords } from '../ops/words';
import styles from './Equivalence.module.css';
import { marksOf, piecesOf } from './judge';
import type { Answer, Side } from './types';

interface MarkedProps {
  title: string;
  text: string;
  side: Side;
  index: number;
  answer: Answer;
  /** The item looked at: its passages stand out in every text. */
  chosen: number | null;
  onChoose: (item: number | null) => void;
}

/** A syllabus with what was found in it. Each mark says in words what it is, for those who hear it. */
export function Marked(props: MarkedProps) {
  const { title, text, side, index, answer, chosen, onChoose } = props;
  const { say } = useLanguage();
  const words = useWords();
  const items = answer.itens ?? [];
  const pieces = piecesOf(text, marksOf(items, answer.trechos_ignorados ?? [], side, index));
  return (
    <section aria-label={title} className={styles.text}>
      <h3>{title}</h3>
      {text.trim() === '' && <p>{say('eq.noSyllabus')}</p>}
      <p>
        {pieces.map(({ key, text: words_, mark }) => {
          if (mark === null) return <span key={key}>{words_}</span>;
          const about =
            mark.item < 0
              ? say('eq.ignored', { why: words('eq.flag', mark.why) })
              : [
                  items[mark.item]?.rotulo,
                  words('eq.item', mark.kind),
                  mark.critical && say('eq.critical'),
                ]
                  .filter(Boolean)
                  .join(', ');
          return (
            <mark
              key={key}
              className={styles.mark}
              data-kind={mark.kind}
              data-critical={mark.critical || undefined}
              data-on={(chosen !== null && mark.item === chosen) || undefined}
              title={about}
              onPointerEnter={() => onChoose(mark.item < 0 ? null : mark.item)}
              onPointerLeave={() => onChoose(null)}
            >
              {words_}
              <span className="visually-hidden"> ({about}) </span>
            </mark>
          );
        })}
      </p>
    </section>
  );
}
