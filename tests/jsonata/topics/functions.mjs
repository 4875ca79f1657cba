// Every function of the library with no, one, two and three arguments of every kind, and with the context in their place.
const values = ['nope', 'null', 'true', 'false', '0', '-1.5', '3', '""', '"abc"', '"12"', '[]', '["a"]', '["a","b"]', '[1]', '[3,1,2]', '[1,"a"]', '[[1],[2]]', '[{"a":1},{"b":2}]', '{}', '{"a":1,"b":[2]}',
  '$sum', 'function($x){$x}', 'function($x,$y){$x}', '/b/', '[null]', '[nope]', '[true]', '[$sum]', '(1;)', 'items', 'items.id', 'items[0]'];
const few = ['nope', 'null', 'true', '2', '-1', '"b"', '["b"]', '{"a":1}', '[1,2]', 'function($x,$y){$x=$y}', '/b/', 'items.id'];
const least = ['nope', '1', '-1', '"x"', 'null', '[1]', 'function($a){1}'];
export const names = ['sum', 'count', 'max', 'min', 'average', 'string', 'substring', 'substringBefore', 'substringAfter', 'lowercase', 'uppercase', 'length', 'trim', 'pad', 'match', 'contains', 'replace', 'split', 'join',
  'formatNumber', 'formatBase', 'formatInteger', 'parseInteger', 'number', 'floor', 'ceil', 'round', 'abs', 'sqrt', 'power', 'boolean', 'not', 'map', 'zip', 'filter', 'single', 'reduce', 'sift', 'keys', 'lookup', 'append', 'exists',
  'spread', 'merge', 'reverse', 'each', 'error', 'assert', 'type', 'sort', 'distinct', 'base64encode', 'base64decode', 'encodeUrlComponent', 'encodeUrl', 'decodeUrlComponent', 'decodeUrl', 'eval', 'toMillis', 'fromMillis', 'clone'];
const data = { items: [{ id: 1, n: 'a' }, { id: 2, n: 'b' }], s: 'abc', n: 5, o: { a: 1 }, l: [1, 2], e: [], z: null };
const calls = [];
for (const f of names) {
  const $f = '$' + f;
  calls.push(`${$f}()`, `s.${$f}()`, `n.${$f}()`, `o.${$f}()`, `l.${$f}()`, `z.${$f}()`, `items.${$f}()`, `items.id.${$f}()`, `nope.${$f}()`, `["a","b"].${$f}("b")`, `s.${$f}("b")`, `s.${$f}(1)`, `n.${$f}(2)`, `n.${$f}("0")`, `o.${$f}(function($v){$v})`, `$type(${$f})`, `$string(${$f})`, `${$f} = ${$f}`,
    `$map(["a","b"], ${$f})`, `$map([1,2], ${$f})`, `$filter([0,1,2], ${$f})`, `$each({"a":1}, ${$f})`, `$sift({"a":1,"b":""}, ${$f})`, `$reduce([[1],[2],[3]], ${$f})`, `$sort([2,1], ${$f})`, `"abc" ~> ${$f}`, `[1,2] ~> ${$f}`, `5 ~> ${$f}()`, `"abc" ~> ${$f}("b")`, `(${$f} ~> $string)("a")`, `($string ~> ${$f})("a")`, `(function($f){$f("ab")})(${$f})`, `($f := ${$f}; $f(1))`, `(${$f} := function($x){"own"}; ${$f}(1))`, `${f}(1)`, `${f}(?)`, `$single(["a",""], ${$f})`);
  for (const a of values) {
    calls.push(`${$f}(${a})`, `${a}.${$f}()`);
    for (const b of few) {
      calls.push(`${$f}(${a}, ${b})`);
    }
  }
  for (const a of few) for (const b of least) for (const c of least) calls.push(`${$f}(${a}, ${b}, ${c})`);
  for (const a of least) calls.push(`${$f}("abc", "b", ${a}, 2)`, `${$f}("abc", "b", "c", ${a})`, `${$f}(1, 2, 3, 4, ${a})`);
}
// What docs/jsonata-divergences.md has: regular expressions called with more than a text, functions shown as objects,
// JavaScript's "undefined" as a replacement.
const skipped = /\$(map|filter|single|sift|each|sort|reduce)\(.*\/b\/|\$sum\]?\.\$spread|\$spread\(\[\$sum|\$replace\("abc", "b", (nope|function)/;
export const cases = calls.filter((expr) => !skipped.test(expr)).map((expr) => ({ expr, data }));
