import type { Search } from '../../view/address';

/** What a runbook is to be told stands in the address under names of its own. */
const PREFIX = 'arg_';

export function searchOfArguments(values: Record<string, string>): Search {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${PREFIX}${name}`, value]),
  );
}

export function argumentsOf(search: Search): Record<string, string> {
  return Object.fromEntries(
    Object.entries(search).flatMap(([name, value]) =>
      name.startsWith(PREFIX) && value !== undefined ? [[name.slice(PREFIX.length), value]] : [],
    ),
  );
}
