// The mappings on this engine and on npm's jsonata, one after the other in one run.
//   node compare.mjs BENCH_EXECUTABLE MAPPINGS_FOLDER [SECONDS]
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

const [executable, folder, seconds = '1'] = process.argv.slice(2);
const jsonata = createRequire(new URL('../../tests/jsonata/package.json', import.meta.url))('jsonata');
const files = fs.readdirSync(folder).filter((f) => f.endsWith('.json')).sort().map((f) => path.join(folder, f));

async function rate(work, limit) {
  const rates = [];
  for (let repeat = 0; repeat < 3; repeat++) {
    let done = 0, batch = 1;
    const start = performance.now(), end = start + (limit * 1000) / 3;
    while (performance.now() < end) {
      const before = performance.now();
      for (let i = 0; i < batch; i++) await work();
      done += batch;
      if (performance.now() - before < 5) batch *= 2;
    }
    rates.push((done / (performance.now() - start)) * 1000);
  }
  return rates.sort((a, b) => a - b)[1];
}

const mean = (list) => Math.exp(list.reduce((sum, x) => sum + Math.log(x), 0) / list.length);
const table = {}, rows = [];
for (const file of files) {
  const mapping = JSON.parse(fs.readFileSync(file, 'utf8'));
  const text = JSON.stringify(mapping.data), expression = jsonata(mapping.expr);
  const answer = JSON.stringify(await expression.evaluate(JSON.parse(text)));
  const referenceRight = answer === JSON.stringify(mapping.expected);
  await rate(() => expression.evaluate(mapping.data), seconds / 2);
  const reference = {
    eval: await rate(() => expression.evaluate(mapping.data), +seconds),
    whole: await rate(async () => JSON.stringify(await expression.evaluate(JSON.parse(text))), +seconds),
  };
  const ours = JSON.parse(execFileSync(executable, [file, seconds], { encoding: 'utf8' }));
  const row = {
    name: mapping.name, right: ours.right && referenceRight, eval: Math.round(ours.eval), reference_eval: Math.round(reference.eval),
    eval_times: +(ours.eval / reference.eval).toFixed(1), whole: Math.round(ours.whole),
    reference_whole: Math.round(reference.whole), whole_times: +(ours.whole / reference.whole).toFixed(1),
    compile_us: +ours.compile_us.toFixed(1),
  };
  rows.push(row);
  table[row.name] = { right: row.right, 'eval/s': row.eval, 'npm eval/s': row.reference_eval, '×': row.eval_times, 'parse+eval+print/s': row.whole, 'npm /s': row.reference_whole, '× ': row.whole_times, 'compile µs': row.compile_us };
}
console.table(table);
console.log(JSON.stringify({ bench: 'jsonata', eval_times_mean: +mean(rows.map((r) => r.eval_times)).toFixed(1), eval_times_min: Math.min(...rows.map((r) => r.eval_times)), whole_times_mean: +mean(rows.map((r) => r.whole_times)).toFixed(1), compile_us_max: Math.max(...rows.map((r) => r.compile_us)), right: rows.every((r) => r.right), mappings: rows }));
process.exitCode = rows.every((r) => r.right) ? 0 : 1;
