import { CopyButton } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Explanation, Run } from '../api/types';
import { useLanguage } from '../i18n/language';
import {
  formatMoment,
  formatNumber,
  formatPeriod,
  formatQuantity,
  formatSize,
} from '../text/format';
import styles from './Origin.module.css';

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

function DerivationPart({ derivation }: { derivation: NonNullable<Explanation['derivation']> }) {
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
                <code>{uri}</code>{' '}
                <span>{value === null ? '—' : formatNumber(value, 0, language)}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Part>
  );
}

/** The road from a number back to the bytes it was read from, nearest step first. */
export function Origin({ explanation }: { explanation: Explanation }) {
  const { say, language } = useLanguage();
  const { value, unit, period, derivation, run, contract, bronze, exchange } = explanation;
  const decimals = value !== null && Number.isInteger(value) ? 0 : 2;
  return (
    <dl className={styles.origin}>
      <Part title={say('origin.value')}>
        <p className={styles.value}>
          {value === null ? say('table.noData') : formatQuantity(value, decimals, unit, language)}
        </p>
        <p>{formatPeriod(period, language)}</p>
      </Part>
      {derivation && <DerivationPart derivation={derivation} />}
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
      {bronze && (
        <Part title={say('origin.bronze')}>
          <p className={styles.path}>{bronze.path}</p>
          <p>{say('origin.bronze.hash')}</p>
          <CopyLine text={bronze.sha256} />
          <p>{say('origin.bronze.size', { size: formatSize(bronze.size, language) })}</p>
        </Part>
      )}
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
      {explanation.package && (
        <Part title={say('origin.package')}>
          <p>{say('origin.package.text', explanation.package)}</p>
          {explanation.package.file && <p className={styles.path}>{explanation.package.file}</p>}
        </Part>
      )}
      <Part title={say('origin.uri')}>
        <CopyLine text={`atalaia explain ${explanation.uri}`} />
      </Part>
    </dl>
  );
}
