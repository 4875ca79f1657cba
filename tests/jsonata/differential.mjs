// Our engine beside npm's jsonata, every difference printed: first a sample of each topic's cases (topics/*.mjs, each a
// list of expressions that go through one part of the language), then generated expressions over generated data.
//   node differential.mjs --cmd 'build/…/jsonata_eval --serve' [--seed N] [--seconds N] [--sample N | --all] [--topic NAME] [--count N]
import fs from 'node:fs';
import { difference, report } from './compare.mjs';
import { startEngine } from './engine.mjs';
import { generate, randomOf } from './generate.mjs';
import { freshReference, limits, reference } from './reference.mjs';

const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes('--' + name) ? args[args.indexOf('--' + name) + 1] : fallback);
const seed = Number(option('seed', Date.now() % 1_000_000_007));
const count = Number(option('count', Infinity));
const sample = args.includes('--all') ? Infinity : Number(option('sample', 1500));
const until = Date.now() + Number(option('seconds', 30)) * 1000;
const shown = Number(option('show', 20));
console.log(`seed ${seed}`);

const engine = startEngine(option('cmd'));
const tally = { values: 0, undefined: 0, errors: 0, crashed: 0, same: 0, different: 0 };
const lookedPast = {};

async function judge(name, request, exact) {
  const answer = await engine.ask(request);
  const { id, ...got } = answer;
  if (got.error) delete got.error.phase;
  let want = await reference(request);
  let found = difference(request.expr, want, got, exact);
  if (found?.why) {  // the shared copy of the reference may carry an earlier case's call over into this one
    want = await freshReference(request);
    found = difference(request.expr, want, got, exact);
  }
  tally[want.crashed ? 'crashed' : want.error ? 'errors' : want.undefined ? 'undefined' : 'values']++;
  if (found === null) {
    tally.same++;
  } else if (found.lookedPast) {
    lookedPast[found.lookedPast] = (lookedPast[found.lookedPast] ?? 0) + 1;
  } else if (tally.different++ < shown) {
    console.log(report(name, request, found.why, want, got));
  }
  return got.died === undefined;
}

/** `most` of the cases, drawn by the seed. */
function drawn(cases, most, random) {
  if (cases.length <= most) return cases;
  const list = [...cases];
  for (let i = 0; i < most; i++) {
    const k = i + Math.floor(random() * (list.length - i));
    [list[i], list[k]] = [list[k], list[i]];
  }
  return list.slice(0, most);
}

async function run() {
  const folder = new URL('./topics/', import.meta.url);
  for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('.mjs')).sort()) {
    const topic = file.replace('.mjs', '');
    if (option('topic', topic) !== topic) continue;
    const { cases } = await import(new URL(file, folder));
    let n = 0;
    for (const entry of drawn(cases, sample, randomOf(seed))) {
      const request = { id: n++, ...limits, ...(typeof entry === 'string' ? { expr: entry } : entry) };
      if (!(await judge(`${topic} ${n}`, request, true))) return;
    }
    console.log(`${topic}: ${n} of ${cases.length} cases`);
  }
  let n = 0;
  for (; n < count && Date.now() < until && !args.includes('--topic'); n++) {
    if (!(await judge(`generated ${n}`, { id: n, ...limits, ...generate(seed * 1_000_003 + n) }, false))) return;
  }
  console.log(`generated: ${n} cases`);
}

await run();
engine.stop();
console.log(JSON.stringify({ seed, ...tally, 'looked past': lookedPast }));
process.exitCode = tally.different === 0 && tally.same > 0 ? 0 : 1;
