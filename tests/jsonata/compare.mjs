// Whether two answers are the same, and if not, how they differ.
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
// The reference puts an undefined item into empty arrays of the input that it groups.
const emptied = (x) => JSON.stringify(x)?.replaceAll('[null]', '[]');
const isEmptyObject = (x) => JSON.stringify(x) === '{}';
// Roots and powers: engines may differ in the last of 17 digits.
const close = (a, b) => typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= 1e-14 * Math.abs(b);

// docs/jsonata-divergences.md: what we knowingly do otherwise, and how such a case is recognized.
const divergences = [
  [/\$eval\(.*\$eval/, 'the place of a call inside of $eval leaks into the one outside'],
  [/\)\)?\s*\{[^}]*\}\}\(/, 'a grouping behind the last call of a function'],
  [/\[[^\]]*\*/, 'a wildcard over the list a path starts from also finds its inner flag'],
  [/\$replace\((?!.*\/).*", function/, 'a text replaced by a function'],
  [/\][^^]*\^\(.*\)[.[{#@]/, 'steps behind the sort of what is no array'],
];

/** null: the same. Otherwise a few words; `looked past` where the reference gives nothing to agree on. */
export function difference(expr, want, got, exact = false) {
  if (got.died !== undefined) return { why: `our process ended (${got.died})` };
  if (want.crashed) return { lookedPast: 'reference crashed' };
  for (const [pattern, why] of exact ? [] : divergences) if (pattern.test(expr)) return { lookedPast: why };
  if (want.error) {
    if (!got.error) return { why: 'an error was expected' };
    // The reference evaluates parts of arrays and objects side by side: which of two errors it reports is chance.
    const parallel = !exact && /[[{,]/.test(expr);
    for (const field of ['code', 'position', 'token', 'value', 'value2', 'index', 'exp', 'functionName', 'type', 'offset', 'message']) {
      if (same(want.error[field], got.error[field])) continue;
      if (!exact && emptied(want.error[field]) === emptied(got.error[field])) continue;
      if (field === 'token' && isEmptyObject(want.error.token)) continue;  // a RegExp of JavaScript as JSON
      if (field === 'message' && /_jsonata_|\{\}/.test(want.error.message)) continue;  // shows the inside of a function
      const another = want.error.code !== got.error.code || want.error.position !== got.error.position || field === 'value';
      if (parallel && another)
        return { lookedPast: 'another of several errors' };
      return { why: `other ${field}` };
    }
    return null;
  }
  if (got.error) return { why: 'unexpected error' };
  if (!!want.undefined !== !!got.undefined || !!want.function !== !!got.function) return { why: 'other kind' };
  const power = /\$(power|sqrt)\(/.test(expr) && close(want.result, got.result);
  return power || (!exact && emptied(want.result) === emptied(got.result)) || same(want.result, got.result) ? null : { why: 'other value' };
}

export function report(n, request, why, want, got) {
  const brief = (x) => JSON.stringify(x)?.slice(0, 400);
  return `DIFFERENT (${why}), case ${n}\n  expr ${request.expr}\n  data ${brief(request.data)}\n  npm  ${brief(want)}\n  ours ${brief(got)}`;
}
