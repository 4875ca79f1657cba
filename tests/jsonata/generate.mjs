// One generated case from a number: an expression of the language and a document it has something to say about.

export function randomOf(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const names = ['a', 'b', 'c', 'd', 'items', 'name'];
const words = ['', 'x', 'ab', 'abc', 'Hello World', ' pad  me ', '10', '-3.5', 'é', '日本語', '😀a', 'a,b,c', '2018-03-23T10:33:36.617Z', 'A1b2'];
const numbers = [0, 1, 2, 3, -1, -2, 0.5, 2.5, 10, 100, 1e3, 12345.678, 1e21, 1e-7, 0.1, 1.005];
const regexes = ['/a/', '/[a-z]+/', '/(\\w)(\\w)?/', '/l+/i', '/\\s+/', '/[^a-z]/', '/b|c/', '/^a/', '/d$/'];
const pictures = ['0', '#,##0.00', '00.00', '#.##', '0%', '0.0e0', '#0.0;(#0.0)'];
const whole = ['1', '001', '#,##0', 'w', 'W', 'Ww', 'I', 'i', 'a', 'A', '1;o', 'w;o'];
const dates = ['[Y]-[M01]-[D01]', '[H01]:[m]:[s]', '[FNn], [D1o] [MNn] [Y]', '[d] [W] [w] [X]', '[h]:[m] [P]', '[Y,2-2] [MN,3-3]', '[Z] [z]'];

export function generate(seed) {
  const random = randomOf(seed);
  const below = (n) => Math.floor(random() * n);
  const pick = (list) => list[below(list.length)];
  const chance = (p) => random() < p;

  const datum = (depth) => {
    const kind = depth <= 0 ? below(5) : below(9);
    if (kind === 0) return pick(words);
    if (kind <= 2) return pick(numbers);
    if (kind === 3) return chance(0.5);
    if (kind === 4) return chance(0.3) ? null : pick(words);
    if (kind <= 6) return Array.from({ length: below(4) }, () => datum(depth - 1));
    return Object.fromEntries(Array.from({ length: below(5) }, () => [pick(names), datum(depth - 1)]));
  };

  const variables = [];
  const text = () => JSON.stringify(pick(words));
  const number = () => String(pick(numbers.filter((n) => n >= 0)));
  const field = () => (chance(0.05) ? '`b`' : pick(names));
  const lambda = (parameters, body) => {
    const own = ['x', 'y', 'z'].slice(0, parameters);
    variables.push(...own);
    const source = `function(${own.map((v) => '$' + v).join(', ')}){${body()}}`;
    variables.length -= own.length;
    return source;
  };

  const leaf = () => {
    switch (below(10)) {
      case 0: case 1: return number();
      case 2: return text();
      case 3: case 4: case 5: return field();
      case 6: return variables.length ? '$' + pick(variables) : '$';
      case 7: return pick(['true', 'false', 'null', '$', '$$', '*', '[]', '{}']);
      case 8: return `-${number()}`;
      default: return `${field()}.${field()}`;
    }
  };

  const path = (depth) => {
    let source = pick([field, field, () => '$', () => `(${any(depth - 1)})`, () => '**', () => `[${any(depth - 1)}]`, () => '$$'])();
    for (let i = below(3); i >= 0; i--) {
      switch (below(16)) {
        case 0: case 1: case 2: case 3: source += '.' + field(); break;
        case 4: source += `[${pick(['0', '-1', '1', '[0..1]', '0.9'])}]`; break;
        case 5: case 6: source += `[${any(depth - 1)}]`; break;
        case 7: source += '[]'; break;
        case 8: source += `.(${any(depth - 1)})`; break;
        case 9: source += `.{${text()}: ${any(depth - 1)}}`; break;
        case 10: source += `.[${any(depth - 1)}]`; break;
        case 11: source += `^(${pick(['', '<', '>'])}${any(depth - 1)})`; break;
        case 12: source += '.*'; break;
        case 13: {
          const name = pick(['p', 'q']);
          variables.push(name);
          source += `${chance(0.5) ? '@' : '#'}$${name}.${field()}${chance(0.5) ? `[${any(depth - 1)}]` : `.{"k": $${name}, "v": ${any(depth - 1)}}`}`;
          variables.pop();
          break;
        }
        case 14: source += `.${field()}.%.${field()}`; break;
        default: source += `{${pick([`$string(${field()})`, '$type($)', text()])}: ${any(depth - 1)}}`; return source;
      }
    }
    return source;
  };

  const call = (depth) => {
    const v = () => any(depth - 1);
    return pick([
      () => `$string(${v()})`, () => `$length(${v()})`, () => `$substring(${v()}, ${pick(['0', '1', '-2', '1, 2', '-3, 2'])})`,
      () => `$uppercase(${v()})`, () => `$lowercase(${v()})`, () => `$trim(${v()})`, () => `$pad(${v()}, ${pick(['5', '-5', '8, "ab"', '-7, "é"'])})`,
      () => `$substringBefore(${v()}, ${text()})`, () => `$substringAfter(${v()}, ${text()})`, () => `$contains(${v()}, ${pick([text, () => pick(regexes)])()})`,
      () => `$split(${v()}, ${pick([text, () => pick(regexes)])()}${chance(0.2) ? ', 2' : ''})`, () => `$join(${v()}${chance(0.6) ? ', ' + text() : ''})`,
      () => `$match(${v()}, ${pick(regexes)}${chance(0.2) ? ', 1' : ''})`,
      () => `$replace(${v()}, ${pick([() => pick(['"a"', '"l"', '" "']), () => pick(regexes)])()}, ${pick(['"-"', '"$1$0"', '"$$"', 'function($m){$uppercase($m.match)}'])})`,
      () => `$number(${v()})`, () => `$abs(${v()})`, () => `$floor(${v()})`, () => `$ceil(${v()})`, () => `$round(${v()}${chance(0.4) ? pick([', 1', ', -1', ', 2']) : ''})`,
      () => `$power(${v()}, ${pick(['2', '0.5', '-1'])})`, () => `$sqrt(${v()})`, () => `$sum(${v()})`, () => `$max(${v()})`, () => `$min(${v()})`, () => `$average(${v()})`, () => `$count(${v()})`,
      () => `$boolean(${v()})`, () => `$not(${v()})`, () => `$exists(${v()})`, () => `$type(${v()})`,
      () => `$append(${v()}, ${v()})`, () => `$sort(${v()})`, () => `$sort(${v()}, ${lambda(2, () => '$x > $y')})`, () => `$reverse(${v()})`, () => `$distinct(${v()})`, () => `$zip(${v()}, ${v()})`,
      () => `$keys(${v()})`, () => `$lookup(${v()}, "${pick(names)}")`, () => `$spread(${v()})`, () => `$merge(${v()})`, () => `$each(${v()}, ${lambda(2, v)})`, () => `$sift(${v()}, ${lambda(1, v)})`,
      () => `$map(${v()}, ${pick([() => lambda(1 + below(3), v), () => pick(['$string', '$uppercase', '$type', '$count', '$not'])])()})`,
      () => `$filter(${v()}, ${lambda(1 + below(2), v)})`, () => `$reduce(${v()}, ${lambda(2, () => pick(['$x & $y', '$append($x, $y)', '$x + $y']))}${chance(0.4) ? ', ' + v() : ''})`, () => `$single(${v()}, ${lambda(1, v)})`,
      () => `$formatNumber(${v()}, "${pick(pictures)}")`, () => `$formatInteger(${v()}, "${pick(whole)}")`, () => `$formatBase(${v()}, ${pick(['2', '16', '36'])})`, () => `$parseInteger($formatInteger(${below(5000)}, "${pick(whole.slice(0, 10))}"), "${pick(whole.slice(0, 3))}")`,
      () => `$fromMillis(${below(2000000000) * 1000 + below(1000)}, "${pick(dates)}"${chance(0.3) ? ', "+0200"' : ''})`, () => `$toMillis(${text()})`,
      () => `$base64encode(${v()})`, () => `$base64decode(${v()})`, () => `$encodeUrlComponent(${v()})`, () => `$encodeUrl(${v()})`, () => `$decodeUrl(${v()})`,
      () => `$eval(${JSON.stringify(v())})`, () => `$assert(${v()}, "no")`, () => `$error(${v()})`,
      () => `${lambda(2, v)}(${v()}, ${v()})`, () => `(${lambda(2, v)}(?, ${v()}))(${v()})`, () => `${v()} ~> |${field()}|{"n": ${v()}}${chance(0.3) ? `, "${pick(names)}"` : ''}|`,
      () => `${v()} ~> ${pick(['$string', '$uppercase', '$count', '$sum', '$keys', '$map(function($x){$x})'])}`, () => `$string(${v()}, true)`,
    ])();
  };

  const operation = (depth) => {
    const v = () => any(depth - 1);
    // The reference copies the left side of `??` and `?:` as JSON: a regular expression there matches other texts, endlessly.
    const left = () => { const source = v(); return regexes.some((regex) => source.includes(regex)) ? field() : source; };
    return pick([
      () => `(${v()} ${pick(['+', '-', '*', '/', '%'])} ${v()})`, () => `(${v()} ${pick(['=', '!=', '<', '<=', '>', '>='])} ${v()})`, () => `(${v()} & ${v()})`,
      () => `(${v()} ${pick(['and', 'or', 'in'])} ${v()})`, () => `(${v()} ? ${v()} : ${v()})`, () => `(${v()} ? ${v()})`, () => `(${left()} ?? ${v()})`, () => `(${left()} ?: ${v()})`,
      () => `[${v()}, ${v()}]`, () => `[${v()}]`, () => `[${below(3)}..${below(6)}]`, () => `[${v()}..${v()}]`, () => `{"p": ${v()}, "q": ${v()}}`, () => `{${v()}: ${v()}}`, () => `-(${v()})`,
      () => {
        const name = pick(['u', 'w']);
        const value = v();
        variables.push(name);
        const source = `($${name} := ${value}; ${v()})`;
        variables.pop();
        return source;
      },
      () => `(${v()}; ${v()})`, () => `(${v()})[${pick(['0', '-1', v()])}]`, () => `[${v()}, ${v()}, ${v()}]^(${pick(['<', '>'])}$)`,
    ])();
  };

  const any = (depth) => {
    if (depth <= 0 || chance(0.15)) return leaf();
    return pick([path, path, call, call, operation])(depth);
  };

  const data = chance(0.05) ? undefined : chance(0.6) ? Object.fromEntries(names.map((n) => [n, datum(3)])) : datum(4);
  const expr = any(1 + below(4));
  return data === undefined ? { expr } : { expr, data };
}
