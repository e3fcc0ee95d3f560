// A directory for tests: an OpenID provider that follows the standard, run by people who are not us.
// Settings come as JSON in the first argument. PUT /people/NAME changes what is said of somebody from then on;
// /sign-out/NAME signs them out, and says so to the client.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { request as ask } from 'node:https';
import { Provider } from 'oidc-provider';

const settings = JSON.parse(process.argv[2]);
const people = new Map(Object.entries(settings.people));

const words = [];

// Words that somebody signed out are sent on as they are, or, where nobody listens, kept for GET /words.
async function deliver(url, options) {
  const body = String(options.body);
  if (!settings.deliver) {
    words.push(new URLSearchParams(body).get('logout_token'));
    return new Response(null, { status: 200 });
  }
  const there = new URL(url);
  return new Promise((done, failed) => {
    const asked = ask({
      host: '127.0.0.1', port: there.port, path: there.pathname, method: options.method, servername: there.hostname,
      ca: readFileSync(settings.deliver), headers: { ...Object.fromEntries(new Headers(options.headers)), host: there.host, 'content-length': Buffer.byteLength(body) },
    }, (answer) => { answer.resume(); answer.on('end', () => done(new Response(null, { status: answer.statusCode }))); });
    asked.on('error', failed);
    asked.end(body);
  });
}

const provider = new Provider(settings.issuer, {
  clients: [{
    client_id: settings.client_id,
    client_secret: settings.client_secret,
    redirect_uris: settings.redirect_uris,
    token_endpoint_auth_method: 'client_secret_basic',
    ...settings.client,
  }],
  cookies: { keys: ['only for tests'] },
  claims: { openid: ['sub', 'amr'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'], auth_time: null },
  conformIdTokenClaims: settings.claims_in_userinfo,
  features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  fetch: deliver,
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  pkce: { required: () => true },
  loadExistingGrant: async (context) => {
    const { client, session, params } = context.oidc;
    const grant = new context.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(params.scope);
    await grant.save();
    return grant;
  },
  findAccount: async (_context, name) => people.has(name) && {
    accountId: name,
    claims: async () => ({ sub: people.get(name).sub ?? name, ...people.get(name) }),
  },
});

const text = async (request) => { let body = ''; for await (const part of request) body += part; return body; };
const callback = provider.callback();

createServer(async (request, response) => {
  const url = new URL(request.url, settings.issuer);
  if (request.method === 'PUT' && url.pathname.startsWith('/people/')) {
    const said = JSON.parse(await text(request));
    const name = url.pathname.slice('/people/'.length);
    if (said === null) people.delete(name); else people.set(name, said);
    return response.writeHead(204).end();
  }
  if (url.pathname === '/words') return response.end(JSON.stringify(words.splice(0)));
  if (url.pathname.startsWith('/sign-out/')) {
    const client = await provider.Client.find(settings.client_id);
    const sent = client.backchannelLogout(url.pathname.slice('/sign-out/'.length), url.searchParams.get('sid') ?? undefined);
    return sent.then(() => response.writeHead(204).end(), (error) => response.writeHead(502).end(String(error)));
  }
  if (!url.pathname.startsWith('/interaction/')) return callback(request, response);
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/html' });
    return response.end('<!doctype html><title>Directory</title><form method="post"><input name="name"><button id="in">Sign in</button><button id="cancel" name="cancel" value="1">Cancel</button></form>');
  }
  const form = new URLSearchParams(await text(request));
  const name = form.get('name');
  const result = form.has('cancel') || !people.has(name)
    ? { error: 'access_denied', error_description: form.has('cancel') ? 'cancelled' : 'nobody' }
    : { login: { accountId: name, amr: people.get(name).amr, ts: Math.floor(Date.now() / 1000) } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}).listen(settings.port, '127.0.0.1', () => console.log('ready'));
