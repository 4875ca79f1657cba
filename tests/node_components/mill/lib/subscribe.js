// A trigger that has itself called by a service for as long as its flow runs.
const call = async (cfg, method, path) => {
  const response = await fetch(cfg.service + path, { method, headers: { 'X-Key': cfg.apiKey } });
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`);
  return response.json();
};

exports.startup = async (cfg) => call(cfg, 'POST', '/subscriptions');
exports.process = async (msg) => ({ body: msg.body });
exports.shutdown = async (cfg, { id }) => {
  await call(cfg, 'DELETE', `/subscriptions/${id}`);
  console.log(`unsubscribed ${id}`);
};
