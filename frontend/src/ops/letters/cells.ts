/** A cell of a row as it came: text, number, nothing, or something nested. */
export type Payload = Record<string, unknown>;

export function isRow(payload: unknown): payload is Payload {
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload);
}

/** A cell as a person edits it. */
export function textOfCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * What was typed, in the kind the cell had: a number stays a number when it can be read as one, an
 * emptied cell that held nothing stays nothing. What cannot be read as the cell's kind is sent as
 * the text it is: the contract judges it, not this form.
 */
export function cellOfText(text: string, was: unknown): unknown {
  if (text === textOfCell(was)) return was;
  if (typeof was === 'string') return text;
  if (text.trim() === '') return null;
  if (typeof was === 'number') {
    const number = Number(text.trim().replace(',', '.'));
    return Number.isFinite(number) ? number : text;
  }
  if (was === null || was === undefined) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** The cells that are no longer what they were, with what they became. */
export function changedCells(payload: Payload, typed: Record<string, string>): Payload {
  return Object.fromEntries(
    Object.entries(typed)
      .filter(([name, text]) => text !== textOfCell(payload[name]))
      .map(([name, text]) => [name, cellOfText(text, payload[name])]),
  );
}
