/** What a decision has to be told beside why: asked for in the same dialog. */
export interface Field {
  name: string;
  label: string;
  help?: string;
  /** One line, several, one of a few, a moment of the clock, or names set apart by commas. */
  kind?: 'line' | 'text' | 'choice' | 'moment' | 'list';
  initial?: string;
  required?: boolean;
  options?: readonly (readonly [value: string, title: string])[];
  most?: number;
}

/** What was filled in, by the field's name; '' where nothing was. */
export type Values = Readonly<Record<string, string>>;

/** A value that is shown in this answer and never again. */
export class Secret {
  readonly text: string;
  readonly what: string;
  readonly note: string;

  constructor(text: string, what: string, note: string) {
    this.text = text;
    this.what = what;
    this.note = note;
  }
}

export function initialOf(fields: readonly Field[]): Values {
  return Object.fromEntries(fields.map(({ name, initial }) => [name, initial ?? '']));
}

/** The names of what must be told and is not. */
export function missingOf(fields: readonly Field[], values: Values): string[] {
  return fields
    .filter(({ name, required }) => required && (values[name] ?? '').trim() === '')
    .map(({ name }) => name);
}

/** Names set apart by commas, spaces or lines. */
export function namesOf(text: string | undefined): string[] {
  return (text ?? '').split(/[\s,;]+/).filter((name) => name !== '');
}

/** Things set apart by commas or lines; each may have spaces in it. */
export function thingsOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(/[,;\n]+/)
    .map((thing) => thing.trim())
    .filter((thing) => thing !== '');
}

/** What the clock of this browser says, as the API is told it. */
export function isoOf(local: string | undefined): string | null {
  const moment = new Date(local ?? '');
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}

const MINUTE_MS = 60_000;

/** A moment as a field of the clock has it: this browser's time, to the minute. */
export function localOf(moment: Date): string {
  const here = new Date(moment.getTime() - moment.getTimezoneOffset() * MINUTE_MS);
  return here.toISOString().slice(0, 16);
}
