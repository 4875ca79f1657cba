// Our engine behind the line protocol: one child process, answers in the order of the requests.
import { spawn } from 'node:child_process';
import readline from 'node:readline';

export function startEngine(command) {
  const child = spawn('/bin/sh', ['-c', 'exec ' + command], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = [];
  let ended = null;
  const answer = (line) => waiting.shift()?.(line);
  readline.createInterface({ input: child.stdout, crlfDelay: Infinity }).on('line', (line) => answer(JSON.parse(line)));
  child.stdin.on('error', () => {});
  child.on('exit', (code, signal) => {
    ended = { died: signal ?? code };
    while (waiting.length) answer(ended);
  });
  return {
    ask: (request) => new Promise((resolve) => {
      if (ended) return resolve(ended);
      waiting.push(resolve);
      child.stdin.write(JSON.stringify(request) + '\n');
    }),
    stop: () => child.stdin.end(),
  };
}
