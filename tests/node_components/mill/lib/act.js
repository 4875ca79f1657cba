const crypto = require('crypto');
const fs = require('fs');
const { Readable } = require('stream');

// elastic.io's own way to attachments, for those that want it: it takes a while to load.
const attachments = (msg) => {
  const { AttachmentProcessor } = require('@elastic.io/component-commons-library');
  return new AttachmentProcessor('mill', msg.id);
};
const hash = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

// Each message says in body.do what is to be done with it; without, it is echoed.
const things = {
  async echo(msg, cfg) {
    return { body: { ...msg.body, greeting: cfg.greeting }, headers: { seen: 'yes' } };
  },
  async split(msg) {
    for (let i = 0; i < msg.body.count; i += 1) await this.emit('data', { body: { i } });
  },
  // As components were written before promises: nothing is awaited, the end comes at once.
  legacy(msg) {
    for (let i = 0; i < msg.body.count; i += 1) this.emit('data', { body: { i } });
    this.emit('end');
  },
  async burst(msg) {
    const text = 'x'.repeat(msg.body.size || 0);
    await Promise.all(Array.from({ length: msg.body.count }, (_, i) => this.emit('data', { body: { i, text } })));
  },
  async big(msg) {
    await this.emit('data', { body: { text: 'x'.repeat(msg.body.size) }, headers: { seen: 'big' } });
  },
  async batches(msg) {
    const { count, size = 0 } = msg.body;
    for (let from = 0; from < count; from += 100) {
      const batch = Array.from({ length: Math.min(100, count - from) }, (_, i) => ({ i: from + i, text: 'x'.repeat(size) }));
      await Promise.all(batch.map((body) => this.emit('data', { body })));
    }
  },
  async attach(msg) {
    const content = Buffer.alloc(msg.body.size, `report ${msg.body.number}`);
    const processor = attachments(msg);
    const id = await processor.uploadAttachment(async () => Readable.from([content]), {}, 'application/x-report');
    console.log(`uploaded ${id}`);
    // It hangs the first time, for a test that kills it between upload and emission.
    const { once } = msg.body;
    if (once && !fs.existsSync(once)) return fs.promises.writeFile(once, '').then(() => new Promise(() => {}));
    const report = { url: processor.getMaesterAttachmentUrlById(id), size: content.length, 'content-type': 'application/x-report' };
    return { body: { ...msg.body, do: 'readAttachment', hash: hash(content) }, attachments: { report } };
  },
  async readAttachment(msg) {
    if (Date.now() < msg.body.until) return void await this.emit('rebound', new Error('too early'));
    const { data, headers } = await attachments(msg).getAttachment(msg.attachments.report.url, 'arraybuffer');
    return { body: { number: msg.body.number, same: hash(data) === msg.body.hash, type: headers['content-type'] } };
  },
  async storage() {
    return { body: { uri: process.env.ELASTICIO_OBJECT_STORAGE_URI, token: process.env.ELASTICIO_OBJECT_STORAGE_TOKEN } };
  },
  async fail() {
    throw new TypeError('the mill is dry');
  },
  async failAfterData() {
    await this.emit('data', { body: { before: 'the error' } });
    await this.emit('error', new Error('emitted, not thrown'));
  },
  async rebound() {
    await this.emit('rebound', new Error('come again'));
  },
  async snapshot(msg) {
    await this.emit('snapshot', { position: msg.body.position });
  },
  async updateSnapshot(msg) {
    await this.emit('updateSnapshot', { extra: msg.body.extra });
  },
  async reply(msg) {
    await this.emit('httpReply', { statusCode: 201, headers: { 'x-mill': 'turns' }, body: { ground: msg.body.corn } });
  },
  async replyAsData(msg) {
    await this.emit('data', {
      headers: { 'X-EIO-Routing-Key': msg.headers.reply_to, 'x-eio-status-code': 202, 'Content-Type': 'text/plain' },
      body: 'as data',
    });
  },
  async lostKey() {
    await this.emit('data', { headers: { 'X-EIO-Routing-Key': 'nowhere' }, body: {} });
  },
  async keys(msg) {
    await this.emit('updateKeys', msg.body.keys);
    return { body: { kept: true } };
  },
  async told(msg, { apiKey, user, region, oauth, greeting, _account: account, secretId }) {
    return { body: { apiKey, user, region, oauth, greeting, account, secretId, process: process.pid } };
  },
  // As elastic.io's REST API component asks for its secret; what it is answered goes on.
  async secret(msg, cfg) {
    const { ELASTICIO_API_URI: uri, ELASTICIO_API_USERNAME: user, ELASTICIO_API_KEY: key, ELASTICIO_WORKSPACE_ID: workspace } = process.env;
    const login = Buffer.from(`${user}:${msg.body.key || key}`).toString('base64');
    const path = msg.body.path || `/v2/workspaces/${workspace}/secrets/${cfg.secretId}`;
    const response = await fetch(uri + path, { method: msg.body.method || 'GET', headers: { Authorization: `Basic ${login}` } });
    return { body: { status: response.status, answer: await response.json() } };
  },
  async leak(msg, { apiKey }) {
    console.log(`the key is ${apiKey}`);
    this.logger.warn('the key is still %s', apiKey);
    throw new Error(`${apiKey} is not taken`);
  },
  async die(msg) {
    process.exit(msg.body.code);
  },
  never() {},
  async environment() {
    return { body: { flow: process.env.ELASTICIO_FLOW_ID, step: process.env.ELASTICIO_STEP_ID,
      leaks: Object.keys(process.env).filter((name) => name.startsWith('MILLRACE_')), initialised: this.constructor && act.initialised } };
  },
};

function act(msg, cfg, snapshot) {
  const thing = things[msg.body.do || 'echo'];
  if (!thing) throw new Error(`the mill cannot ${msg.body.do}`);
  this.logger.info('grinding %s', msg.body.do || 'echo');
  return thing.call(this, msg, cfg, snapshot);
}

exports.process = act;
exports.init = async (cfg) => { act.initialised = cfg.greeting || 'yes'; };
exports.grains = async function grains(cfg) {
  if (cfg.greeting) this.emit('updateKeys', { region: cfg.greeting });
  return { rye: `of ${cfg.user}, ${cfg._account}, ${cfg.apiKey}` };
};
