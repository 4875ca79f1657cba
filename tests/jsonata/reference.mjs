// npm's jsonata, asked as our engine is asked: one request of the line protocol, one answer.
import fs from 'node:fs';
import vm from 'node:vm';
import { createRequire } from 'node:module';

const file = createRequire(import.meta.url).resolve('jsonata');
const script = new vm.Script(`(function (module, exports) {${fs.readFileSync(file, 'utf8')}\n})`);
const load = script.runInThisContext();
function freshModule() {
  const module = { exports: {} };
  load(module, module.exports);
  return module.exports;
}
const sharedModule = freshModule();

const depthMax = 600, millisMax = 3000;
function withLimits(expression) {
  const start = Date.now();
  let depth = 0;
  const check = () => { if (depth > depthMax || Date.now() - start > millisMax) throw { code: 'U1001' }; };
  expression.assign(Symbol.for('jsonata.__evaluate_entry'), (e, i, env) => { if (!env.isParallelCall) { depth++; check(); } });
  expression.assign(Symbol.for('jsonata.__evaluate_exit'), (e, i, env) => { if (!env.isParallelCall) { depth--; check(); } });
  return expression;
}

const isFunction = (v) => typeof v === 'function' || v?._jsonata_lambda || v?._jsonata_function;
// What the engine would print: JSON.stringify, with functions as JSON.stringify treats those of JavaScript.
const plain = (value) =>
  JSON.parse(JSON.stringify(value, function (k, v) { return isFunction(v) ? (Array.isArray(this) ? null : undefined) : v; }) ?? 'null');

async function ask(jsonata, request) {
  try {
    const value = await withLimits(jsonata(request.expr)).evaluate(structuredClone(request.data), request.bindings);
    if (value === undefined) return { undefined: true };
    if (isFunction(value)) return { result: null, function: true };
    return { result: plain(value) };
  } catch (error) {
    // An exception of JavaScript itself has no code: the reference is broken there, there is nothing to agree on.
    if (!error.code) return { crashed: String(error.message ?? error) };
    const { stack, ...fields } = error;
    try {
      return { error: plain(fields) };
    } catch {
      return { crashed: 'an error that has no JSON form' };
    }
  }
}

export const limits = { timelimit: 5000, depth: depthMax };
/** Fast, but the place of a library function's last call leaks from earlier cases into later errors. */
export const reference = (request) => ask(sharedModule, request);
/** A copy of the module made for this case alone. */
export const freshReference = (request) => ask(freshModule(), request);
