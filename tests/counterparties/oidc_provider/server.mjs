// A certified OAuth 2.0 and OpenID Connect server (npm oidc-provider, unmodified) for the tests, on free ports of the
// loopback address.
//
//   node server.mjs SETTINGS_FILE
//
// SETTINGS_FILE holds JSON: {clients, dpop_nonce, certificate, authority} as provider.py describes them. Refresh tokens
// rotate at every use, and one that is used again takes its whole family along. PKCE is required of everybody. Standard
// output says in one line of JSON when it is ready and where. GET /seen lists the token requests that came: client, grant
// type, resource, whether a DPoP proof was there, status and error. It ends when its standard input ends: no orphan
// outlives the tests.
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

import Provider, { errors } from 'oidc-provider';

const ORDERS = 'urn:callout:tests:orders';
const INVOICES = 'urn:callout:tests:invoices';
const SCOPE = 'orders.read orders.write';
const FORMATS = new Map([[ORDERS, 'opaque'], [INVOICES, 'jwt']]);

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const own = new Map(settings.clients.map(({ client_id: id, ttl, resource }) => [id, { ttl: ttl ?? 600, resource }]));
const seen = [];

const ttl = (_ctx, _token, client) => own.get(client.clientId).ttl;
const certificateOf = (ctx) => {
  const raw = ctx.socket.getPeerCertificate?.()?.raw;
  return raw === undefined ? undefined : new X509Certificate(raw);
};
/** Whether the subject or an alternative name of the certificate is the one that the client was registered with. */
const certificateSubjectMatches = (ctx, property, expected) => {
  const { subject, subjectAltName = '' } = certificateOf(ctx);
  if (property === 'tls_client_auth_subject_dn') return subject.split('\n').reverse().join(',') === expected; // RFC 4514
  const kind = { dns: 'DNS', ip: 'IP Address', email: 'email', uri: 'URI' }[property.replace('tls_client_auth_san_', '')];
  return subjectAltName.split(', ').includes(`${kind}:${expected}`);
};
const page = (title, body) => `<!DOCTYPE html><html lang="en"><title>${title}</title><h1>${title}</h1>${body}</html>`;

const features = {
  clientCredentials: { enabled: true },
  devInteractions: { enabled: true },
  introspection: { enabled: true },
  revocation: { enabled: true },
  dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => settings.dpop_nonce },
  mTLS: {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate: certificateOf,
    certificateAuthorized: (ctx) => ctx.socket.authorized,
    certificateSubjectMatches,
  },
  deviceFlow: {
    enabled: true,
    userCodeInputSource: (ctx, form) => {
      ctx.body = page('Enter the code', `${form}<button type="submit" form="op.deviceInputForm">Continue</button>`);
    },
    userCodeConfirmSource: (ctx, form, _client, _device, code) => {
      const abort = '<button type="submit" form="op.deviceConfirmForm" name="abort" value="yes">Abort</button>';
      const go = '<button type="submit" form="op.deviceConfirmForm">Continue</button>';
      ctx.body = page('Confirm the device', `<p>${code}</p>${form}${go}${abort}`);
    },
    successSource: (ctx) => {
      ctx.body = page('The device is connected', '');
    },
  },
  resourceIndicators: {
    enabled: true,
    // Without one, a scope of an API has no owner.
    defaultResource: (_ctx, client, oneOf) => {
      const { resource } = own.get(client.clientId);
      return oneOf ?? (resource === undefined ? ORDERS : resource ?? undefined);
    },
    useGrantedResource: () => true,
    getResourceServerInfo: (_ctx, resource) => {
      if (!FORMATS.has(resource)) throw new errors.InvalidTarget();
      return { scope: SCOPE, audience: resource, accessTokenFormat: FORMATS.get(resource) };
    },
  },
};
const configuration = {
  clients: settings.clients.map(({ ttl: _ttl, resource: _resource, ...client }) => ({
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    ...client,
  })),
  clientAuthMethods: [
    'none',
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'tls_client_auth',
    'self_signed_tls_client_auth',
  ],
  scopes: ['openid', 'offline_access', ...SCOPE.split(' ')],
  pkce: { required: () => true },
  rotateRefreshToken: true,
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { AccessToken: ttl, ClientCredentials: ttl },
  features,
};

const ENDPOINTS = {
  authorization_endpoint: '/auth',
  token_endpoint: '/token',
  introspection_endpoint: '/token/introspection',
  revocation_endpoint: '/token/revocation',
  device_authorization_endpoint: '/device/auth',
  userinfo_endpoint: '/me',
};
const endpointsAt = (origin) =>
  Object.fromEntries(Object.entries(ENDPOINTS).map(([name, path]) => [name, origin + path]));
const listening = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

const plain = createServer();
const issuer = `http://127.0.0.1:${await listening(plain)}`;
let secure;
let aliases;
if (settings.certificate) {
  const pem = readFileSync(settings.certificate);
  // A certificate is asked for; whether one came, and whose it is, is for the provider to judge (RFC 8705 2.1, 2.2).
  const ca = readFileSync(settings.authority);
  secure = createTlsServer({ cert: pem, key: pem, ca, requestCert: true, rejectUnauthorized: false });
  aliases = endpointsAt(`https://127.0.0.1:${await listening(secure)}`);
  configuration.discovery = { mtls_endpoint_aliases: aliases }; // RFC 8705 5
}

const provider = new Provider(issuer, configuration);
for (const event of ['grant.error', 'introspection.error', 'revocation.error', 'userinfo.error', 'server_error']) {
  provider.on(event, (_ctx, error) => console.error(event, error.message, error.error_detail ?? ''));
}
const note = (ctx, outcome) => {
  const { client, params } = ctx.oidc;
  seen.push({
    client: client?.clientId ?? null,
    grant_type: params?.grant_type ?? null,
    resource: params?.resource ?? null,
    proof: ctx.get('DPoP') !== '',
    ...outcome,
  });
};
provider.on('grant.success', (ctx) => note(ctx, { status: 200 }));
provider.on('grant.error', (ctx, error) => {
  note(ctx, { status: error.status, error: error.error, detail: error.error_detail ?? '' });
});

const answer = provider.callback();
for (const server of [plain, secure]) {
  server?.on('request', (request, response) => {
    if (request.url !== '/seen') return answer(request, response);
    response.setHeader('Content-Type', 'application/json');
    return response.end(JSON.stringify(seen));
  });
}
console.log(
  JSON.stringify({
    event: 'ready',
    issuer,
    ...endpointsAt(issuer),
    ...(aliases && { mtls_endpoint_aliases: aliases }),
  }),
);

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
