// A certified OAuth 2.0 server (npm oidc-provider, unmodified) for the tests, on a free port of the loopback address.
//
//   node server.mjs CLIENTS_FILE
//
// CLIENTS_FILE holds a JSON list: {client_id, client_secret, token_endpoint_auth_method, ttl (seconds)}, and for those
// that a person gives consent to: redirect_uris, response_types, grant_types. Refresh tokens rotate at every use, and one
// that is used again takes its whole family along. Standard output says in one line of JSON when it is ready and where.
// GET /seen lists the token requests that came: client, grant type, status and error.
// It ends when its standard input ends: no orphan outlives the tests.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Provider from 'oidc-provider';

const RESOURCE = 'urn:callout:tests:orders';
const SCOPE = 'orders.read orders.write';

const clients = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const ttl = new Map(clients.map((client) => [client.client_id, client.ttl]));
const seen = [];

const configuration = {
  clients: clients.map(({ ttl: _, ...client }) => ({
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    ...client,
  })),
  scopes: ['openid', 'offline_access', ...SCOPE.split(' ')],
  rotateRefreshToken: true,
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: {
    AccessToken: (_ctx, _token, client) => ttl.get(client.clientId) ?? 600,
    ClientCredentials: (_ctx, _token, client) => ttl.get(client.clientId) ?? 600,
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE, // without one, a scope of an API has no owner
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope: SCOPE, audience: RESOURCE, accessTokenFormat: 'opaque' }),
    },
  },
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration);
  for (const event of ['grant.error', 'introspection.error', 'revocation.error', 'server_error']) {
    provider.on(event, (_ctx, error) => console.error(event, error.message, error.error_detail ?? ''));
  }
  const note = (ctx, outcome) => {
    const { client, params } = ctx.oidc;
    seen.push({ client: client?.clientId ?? null, grant_type: params?.grant_type ?? null, ...outcome });
  };
  provider.on('grant.success', (ctx) => note(ctx, { status: 200 }));
  provider.on('grant.error', (ctx, error) => {
    note(ctx, { status: error.status, error: error.error, detail: error.error_detail ?? '' });
  });
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url !== '/seen') return answer(request, response);
    response.setHeader('Content-Type', 'application/json');
    return response.end(JSON.stringify(seen));
  });
  console.log(
    JSON.stringify({
      event: 'ready',
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      introspection_endpoint: `${issuer}/token/introspection`,
      revocation_endpoint: `${issuer}/token/revocation`,
    }),
  );
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
