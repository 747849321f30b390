/** Notes worth saying once: none that is empty, said already, or part of a longer one. */
export function distinctNotes(notes: readonly (string | null | undefined)[]): string[] {
  const said = [...new Set(notes.filter((note): note is string => Boolean(note)))];
  return said.filter((note) => !said.some((other) => other !== note && other.includes(note)));
}
