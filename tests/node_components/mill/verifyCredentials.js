// Good is what begins with "good"; what is told apart from that is for the tests.
module.exports = async function verify(cfg) {
  if (!cfg.apiKey.startsWith('good')) throw new Error(`the key ${cfg.apiKey} of ${cfg.user} is not known`);
  return { verified: true };
};
