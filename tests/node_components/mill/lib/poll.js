exports.process = async function poll(msg, cfg, snapshot) {
  const from = snapshot.last || 0;
  const to = from + Number(cfg.count);
  for (let number = from + 1; number <= to; number += 1) await this.emit('data', { body: { number } });
  await this.emit('snapshot', { last: to });
};
exports.startup = async () => ({ subscription: 'sub-1' });
exports.shutdown = async (cfg, state) => { console.log(`unsubscribed ${state.subscription}`); };
