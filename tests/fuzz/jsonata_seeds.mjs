// Seeds for the fuzz targets jsonata_parser and jsonata_evaluator: expressions of tests/jsonata/topics, and of the official
// suite where it is at hand.   node jsonata_seeds.mjs FOLDER SHARED
import fs from 'node:fs';
import path from 'node:path';

const [folder, shared] = process.argv.slice(2);
const every = 97;  // a sample of the topics: libFuzzer reads all seeds first
fs.mkdirSync(folder, { recursive: true });
let n = 0;
const write = (expr, data) => {
  const text = data === undefined ? expr : `${expr}\0${JSON.stringify(data)}`;
  if (text.length <= 2048) fs.writeFileSync(path.join(folder, `seed${n++}`), text);
};
const topics = new URL('../jsonata/topics/', import.meta.url);
for (const file of fs.readdirSync(topics)) {
  const { cases } = await import(new URL(file, topics));
  cases.forEach((entry, i) => { if (i % every === 0) typeof entry === 'string' ? write(entry) : write(entry.expr, entry.data); });
}
const groups = path.join(shared ?? '', 'jsonata/suite/groups');
if (shared && fs.existsSync(groups)) {
  for (const group of fs.readdirSync(groups)) {
    for (const file of fs.readdirSync(path.join(groups, group)).filter((f) => f.endsWith('.json'))) {
      const spec = JSON.parse(fs.readFileSync(path.join(groups, group, file), 'utf8'));
      for (const entry of Array.isArray(spec) ? spec : [spec]) if (entry.expr) write(entry.expr, entry.data);
    }
  }
}
console.log(`${n} seeds`);
