// A real authorization server on a free port of loopback. Prints {"url": …}, then a line for each token request that it has
// answered. Reads commands on standard input: "hold" (token requests wait), "release", "revoke" (all refresh tokens), "fail"
// and "work" (503 or not).
// Arguments: redirect URL, seconds that access tokens live.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const [redirectUrl, lifetime] = process.argv.slice(2);
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');

const server = createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(url, {
  clients: [
    { client_id: 'machine', client_secret: 'machine-secret-41b7', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_basic' },
    { client_id: 'person', client_secret: 'person-secret-90ce', grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [redirectUrl], token_endpoint_auth_method: 'client_secret_post' },
  ],
  features: { clientCredentials: { enabled: true }, devInteractions: { enabled: true } },
  pkce: { required: () => true },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: { AccessToken: Number(lifetime), ClientCredentials: Number(lifetime), RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600, IdToken: 60 },
  cookies: { keys: ['for tests only'] },
});

let released = Promise.resolve();
let release = () => {};
let failing = false;
const grants = new Set();
provider.on('refresh_token.saved', (token) => grants.add(token.grantId));
provider.use(async (context, next) => {
  if (context.path !== '/token') return next();
  say({ asked: true });
  await released;
  if (context.req.socket.destroyed) return; // who asked has died meanwhile: it is as if it had never asked
  if (failing) {
    context.status = 503;
    context.body = { error: 'temporarily_unavailable' };
    return;
  }
  await next();
  const { access_token: access, refresh_token: refresh, error } = context.body ?? {};
  say({ grant: context.oidc?.params?.grant_type ?? null, access, refresh, error });
});

createInterface({ input: process.stdin }).on('line', async (command) => {
  if (command === 'hold') released = new Promise((resolve) => { release = resolve; });
  if (command === 'release') release();
  if (command === 'fail') failing = true;
  if (command === 'work') failing = false;
  if (command === 'revoke') for (const grant of grants) await provider.RefreshToken.adapter.revokeByGrantId(grant);
  say({ command });
}).on('close', () => process.exit(0));

server.on('request', provider.callback());
say({ url });
