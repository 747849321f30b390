import { CopyButton } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Explanation, RawFile, Run } from '../api/types';
import { useLanguage } from '../i18n/language';
import {
  formatMoment,
  formatNumber,
  formatPeriod,
  formatQuantity,
  formatSize,
  type Language,
} from '../text/format';
import styles from './Origin.module.css';

/** The drawer knows no indicator: whole numbers stay whole, others show what tells them apart. */
function decimalsOf(value: number): number {
  return Number.isInteger(value) ? 0 : 2;
}

function figure(value: number, language: Language): string {
  return formatNumber(value, decimalsOf(value), language);
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className={styles.part}>
      <dt>{title}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function CopyLine({ text }: { text: string }) {
  const { say } = useLanguage();
  return (
    <span className={styles.copyLine}>
      <code>{text}</code>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <button type="button" onClick={copy}>
            {say(copied ? 'origin.copied' : 'origin.copy')}
          </button>
        )}
      </CopyButton>
    </span>
  );
}

function Balance({ run }: { run: Partial<Run> }) {
  const { say, language } = useLanguage();
  const count = (rows: number | null | undefined) => formatNumber(rows ?? 0, 0, language);
  if (run.rows_read === null || run.rows_read === undefined) return null;
  return (
    <p>
      {say('origin.run.balance', {
        read: count(run.rows_read),
        loaded: count(run.rows_loaded),
        rejected: count(run.rows_rejected),
        duplicate: count(run.rows_duplicate),
      })}
    </p>
  );
}

function RunPart({ run }: { run: Partial<Run> }) {
  const { say, language } = useLanguage();
  return (
    <Part title={say('origin.run')}>
      {run.job_name && <p>{say('origin.run.job', { job: run.job_name })}</p>}
      {run.run_id && <CopyLine text={run.run_id} />}
      <Balance run={run} />
      {run.finished_at_utc && (
        <p>{say('origin.run.finished', { when: formatMoment(run.finished_at_utc, language) })}</p>
      )}
    </Part>
  );
}

interface DerivationProps {
  derivation: NonNullable<Explanation['derivation']>;
  onFollow: (uri: string) => void;
}

function DerivationPart({ derivation, onFollow }: DerivationProps) {
  const { say, language } = useLanguage();
  const { method, sql_model, inputs } = derivation;
  return (
    <Part title={say('origin.derivation')}>
      <p lang="pt-BR">{method}</p>
      {sql_model && <p>{say('origin.derivation.model', { model: sql_model })}</p>}
      {inputs.length > 0 && (
        <details>
          <summary>{say('origin.derivation.inputs', { count: inputs.length })}</summary>
          <ul className={styles.inputs}>
            {inputs.map(({ uri, value }) => (
              <li key={uri}>
                <button type="button" onClick={() => onFollow(uri)}>
                  <code>{uri}</code>
                </button>
                <span>{value === null ? '—' : figure(value, language)}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Part>
  );
}

function RawFileLines({ file }: { file: RawFile }) {
  const { say, language } = useLanguage();
  return (
    <>
      <p className={styles.path}>{file.path}</p>
      <p>
        {say('origin.bronze.hash')} ·{' '}
        {say('origin.bronze.size', { size: formatSize(file.size, language) })}
      </p>
      <CopyLine text={file.sha256} />
    </>
  );
}

function BronzePart({ bronze, files }: { bronze: RawFile; files: readonly RawFile[] }) {
  const { say } = useLanguage();
  return (
    <Part title={say('origin.bronze')}>
      <RawFileLines file={bronze} />
      {files.length > 1 && (
        <details>
          <summary>{say('origin.files', { count: files.length })}</summary>
          {files.map((file) => (
            <RawFileLines key={file.path} file={file} />
          ))}
        </details>
      )}
    </Part>
  );
}

/** Where the bytes came from: an address of the network, or a package. */
function FetchedPart({ exchange, package: archive }: Pick<Explanation, 'exchange' | 'package'>) {
  const { say, language } = useLanguage();
  return (
    <>
      {exchange && (
        <Part title={say('origin.exchange')}>
          <p className={styles.path}>{exchange.url}</p>
          <p>
            {say('origin.exchange.text', {
              when: formatMoment(exchange.fetched_at, language),
              status: exchange.status,
            })}
          </p>
        </Part>
      )}
      {archive && (
        <Part title={say('origin.package')}>
          <p>{say('origin.package.text', { name: archive.name, version: archive.version })}</p>
          {archive.file && <p className={styles.path}>{archive.file}</p>}
          {archive.license && <p>{say('origin.package.license', { license: archive.license })}</p>}
        </Part>
      )}
    </>
  );
}

/** The number itself, what is said with it and what others say of it; or why there is none. */
function ValuePart({ explanation }: { explanation: Explanation }) {
  const { say, language } = useLanguage();
  const { value, unit, period, row, others, reason, verdict } = explanation;
  return (
    <Part title={say(value === null ? 'origin.missing' : 'origin.value')}>
      {value !== null && (
        <p className={styles.value}>{formatQuantity(value, decimalsOf(value), unit, language)}</p>
      )}
      <p>{formatPeriod(period, language)}</p>
      {reason && (
        <p lang="pt-BR">
          {verdict && <strong>{say(`verdict.${verdict}`)}: </strong>}
          {reason}
        </p>
      )}
      {row?.note && <p lang="pt-BR">▲ {row.note}</p>}
      {others && others.length > 0 && (
        <>
          <p>{say('origin.others')}</p>
          <ul className={styles.inputs}>
            {others.map((other) => (
              <li key={`${other.source}/${other.dataset}`}>
                {other.source} ({other.dataset})
                <span>{other.value === null ? '—' : figure(other.value, language)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Part>
  );
}

interface OriginProps {
  explanation: Explanation;
  /** Asks for another number on the road. */
  onFollow: (uri: string) => void;
}

/** The road from a number back to the bytes it was read from, nearest step first. */
export function Origin({ explanation, onFollow }: OriginProps) {
  const { say } = useLanguage();
  const { derivation, run, contract, bronze, files, exchange, package: archive } = explanation;
  return (
    <dl className={styles.origin}>
      <ValuePart explanation={explanation} />
      {derivation && <DerivationPart derivation={derivation} onFollow={onFollow} />}
      {run && <RunPart run={run} />}
      {contract && (
        <Part title={say('origin.contract')}>
          <p>
            {say('origin.contract.text', {
              connector: contract.connector ?? '—',
              version: contract.version ?? '—',
              table: contract.table_name ?? '—',
            })}
          </p>
        </Part>
      )}
      {bronze && <BronzePart bronze={bronze} files={files ?? []} />}
      <FetchedPart exchange={exchange ?? null} package={archive ?? null} />
      <Part title={say('origin.uri')}>
        <CopyLine text={`atalaia explain ${explanation.uri}`} />
      </Part>
    </dl>
  );
}
