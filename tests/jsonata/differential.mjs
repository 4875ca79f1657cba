// Generated expressions over generated data, on npm's jsonata and on ours; every difference is printed.
//   node differential.mjs --cmd 'build/…/jsonata_eval --serve' [--seed N] [--count N] [--seconds N]
import fs from 'node:fs';
import vm from 'node:vm';
import { spawn } from 'node:child_process';
import readline from 'node:readline';
import { createRequire } from 'node:module';
import { generate } from './generate.mjs';

// The reference keeps the place of a library function's last call in the function itself, across evaluations, and
// reports it in later errors: each case gets a fresh copy of the module.
const file = createRequire(import.meta.url).resolve('jsonata');
const script = new vm.Script(`(function (module, exports) {${fs.readFileSync(file, 'utf8')}\n})`);
function freshReference() {
  const module = { exports: {} };
  script.runInThisContext()(module, module.exports);
  return module.exports;
}
const args = process.argv.slice(2);
const option = (name, fallback) => (args.includes('--' + name) ? args[args.indexOf('--' + name) + 1] : fallback);
const seed = Number(option('seed', Date.now() % 1_000_000_007));
const count = Number(option('count', 6000));
const seconds = Number(option('seconds', 30));
const shown = Number(option('show', 20));
console.log(`seed ${seed}`);

const child = spawn('/bin/sh', ['-c', 'exec ' + option('cmd')], { stdio: ['pipe', 'pipe', 'inherit'] });
const waiting = [];
readline.createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line));
child.on('exit', (code, signal) => { while (waiting.length) waiting.shift()(JSON.stringify({ died: signal ?? code })); });
const ours = (request) => new Promise((resolve) => { waiting.push(resolve); child.stdin.write(JSON.stringify(request) + '\n'); });

function withLimits(expression) {
  const start = Date.now();
  let depth = 0;
  const check = () => { if (depth > 600 || Date.now() - start > 3000) throw { code: 'U1001' }; };
  expression.assign(Symbol.for('jsonata.__evaluate_entry'), (e, i, env) => { if (!env.isParallelCall) { depth++; check(); } });
  expression.assign(Symbol.for('jsonata.__evaluate_exit'), (e, i, env) => { if (!env.isParallelCall) { depth--; check(); } });
  return expression;
}

const outcomeOf = (value) => {
  if (value === undefined) return { undefined: true };
  if (typeof value === 'function' || value?._jsonata_lambda || value?._jsonata_function) return { result: null, function: true };
  return { result: JSON.parse(JSON.stringify(value, (k, v) => (v?._jsonata_lambda || v?._jsonata_function ? (Array.isArray(v) ? null : undefined) : v)) ?? 'null') };
};
async function theirs(request) {
  try {
    return outcomeOf(await withLimits(freshReference()(request.expr)).evaluate(structuredClone(request.data)));
  } catch (error) {
    // An exception of JavaScript itself has no code: the reference is broken there, there is nothing to agree on.
    return error.code ? { error } : { crashed: String(error.message) };
  }
}

const tally = { same: 0, different: 0, values: 0, undefined: 0, errors: 0, 'reference crashed': 0, 'another of several errors': 0, 'known divergences looked past': 0 };
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
function difference(expr, want, got) {
  if (want.crashed) return null;
  // docs/jsonata-divergences.md: a wildcard over the list a path starts from, a sort of a scalar, base64 of other text
  if (/\[\s*\*|\]\[-?[\d.]+\].*\^\(|\$base64decode/.test(expr)) {
    tally['known divergences looked past']++;
    return null;
  }
  if (got.died !== undefined) return 'our process ended';
  if (want.error) {
    if (!got.error) return 'an error was expected';
    // The reference evaluates parts of arrays and objects side by side: which of two errors it reports is chance.
    const several = /[[{,]/.test(expr) && (want.error.code !== got.error.code || want.error.position !== got.error.position);
    if (several) {
      tally['another of several errors']++;
      return null;
    }
    if (want.error.code !== got.error.code) return 'other code';
    if (!same(want.error.position, got.error.position)) return 'other position';
    if (!same(want.error.token, got.error.token)) return 'other token';
    return null;
  }
  if (got.error) return 'unexpected error';
  if (!!want.undefined !== !!got.undefined || !!want.function !== !!got.function) return 'other kind';
  return same(want.result, got.result) ? null : 'other value';
}

const until = Date.now() + seconds * 1000;
for (let n = 0; n < count && Date.now() < until; n++) {
  const request = { id: n, timelimit: 5000, depth: 600, ...generate(seed * 1_000_003 + n) };
  const [want, answer] = [await theirs(request), await ours(request)];
  const got = JSON.parse(answer);
  tally[want.crashed ? 'reference crashed' : want.error ? 'errors' : want.undefined ? 'undefined' : 'values']++;
  const why = difference(request.expr, want, got);
  if (why === null) {
    tally.same++;
    continue;
  }
  if (tally.different++ < shown) {
    const brief = (x) => JSON.stringify(x.error ? { ...x.error, stack: undefined } : x)?.slice(0, 300);
    console.log(`DIFFERENT (${why}), case ${n}\n  expr ${request.expr}\n  data ${JSON.stringify(request.data)?.slice(0, 300)}\n  npm  ${brief(want)}\n  ours ${brief(got)}`);
  }
}
child.stdin.end();
console.log(JSON.stringify({ seed, ...tally }));
process.exitCode = tally.different === 0 && tally.same > 0 ? 0 : 1;
