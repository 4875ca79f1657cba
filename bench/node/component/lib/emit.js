const { randomUUID } = require('crypto');

const text = 'x'.repeat(270); // about 300 bytes of JSON with the rest

// With an id each: the library stops at the second of several messages of one id in work, which only Millrace keeps from it.
exports.process = async function emit(msg, cfg) {
  const count = Number(cfg.count);
  for (let at = 0; at < count; at += 50) {
    const batch = Array.from({ length: Math.min(50, count - at) }, (_, i) => ({
      id: randomUUID(), body: { number: at + i, text } }));
    await Promise.all(batch.map((message) => this.emit('data', message)));
  }
};
