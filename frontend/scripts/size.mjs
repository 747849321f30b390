/**
 * What the first page costs over the wire, compressed, against its budget.
 * Run after `npm run build`; exits 1 when something outgrew its budget.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const KB = 1000;
const BUDGETS = { script: 300 * KB, style: 60 * KB, map: 320 * KB, charts: 200 * KB };

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));

/** A chunk and everything it needs before it can run. */
function needed(key, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  for (const next of manifest[key].imports ?? []) needed(next, seen);
  return seen;
}

const weigh = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
const sum = (files) => [...new Set(files)].reduce((total, file) => total + weigh(file), 0);
const filesOf = (keys) => [...keys].map((key) => manifest[key].file);

const first = needed('index.html');
const only = (key) => filesOf([...needed(key)].filter((one) => !first.has(one)));

const measured = {
  script: sum(filesOf(first)),
  style: sum([...first].flatMap((key) => manifest[key].css ?? [])),
  map: sum(only('src/atlas/engine.ts')),
  charts: sum(only('src/profile/LineChart.tsx')),
};

let tooLarge = false;
for (const [name, budget] of Object.entries(BUDGETS)) {
  const over = measured[name] > budget;
  tooLarge ||= over;
  const figures = `${(measured[name] / KB).toFixed(1).padStart(7)} kB of ${budget / KB} kB`;
  process.stdout.write(`${over ? '■ too large' : '● ok       '} ${name.padEnd(7)} ${figures}\n`);
}
process.exitCode = tooLarge ? 1 : 0;
