// An external system that lets npm oauth4webapi judge every request: a JWT access token (RFC 9068) of one issuer for one
// audience, as a bearer (RFC 6750) or with a DPoP proof (RFC 9449) where the token is bound to a key.
//
//   node server.mjs SETTINGS_FILE
//
// SETTINGS_FILE holds JSON: {issuer, jwks_uri, audience, nonce}. A proof is good once; with `nonce` it has to hold the
// nonce of now, which POST /rotate changes. It answers under every other path: 200 and the claims of the token, or 401
// with the challenge. GET /seen lists the answers that were given. Standard output says in one line of JSON when it is
// ready and where. It ends when its standard input ends.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { allowInsecureRequests, validateJwtAccessToken } from 'oauth4webapi';

const { issuer, jwks_uri, audience, nonce: asksForNonce } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const proofs = new Set();
const seen = [];
let nonce = randomUUID();

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** What oauth4webapi leaves to the application: the nonce, and that no proof comes twice. It has verified the proof. */
const judgeProof = (proof) => {
  const { jti, nonce: held } = JSON.parse(Buffer.from(proof.split('.')[1], 'base64url'));
  if (asksForNonce && held !== nonce) throw new Refused('use_dpop_nonce', 'got another nonce; expected the one of now');
  if (proofs.has(jti)) throw new Refused('invalid_dpop_proof', 'got a proof that was used before');
  proofs.add(jti);
};

const judge = async (request) => {
  const { method, headers } = request;
  const asked = new Request(`http://${headers.host}${request.url}`, {
    method,
    headers: Object.entries(headers).filter(([name]) => ['authorization', 'dpop'].includes(name)),
  });
  let claims;
  try {
    claims = await validateJwtAccessToken({ issuer, jwks_uri }, asked, audience, { [allowInsecureRequests]: true });
  } catch (error) {
    throw new Refused(error.message.includes('DPoP') ? 'invalid_dpop_proof' : 'invalid_token', error.message);
  }
  if (headers.dpop !== undefined) judgeProof(headers.dpop);
  return claims;
};

const server = createServer(async (request, response) => {
  response.setHeader('Content-Type', 'application/json');
  if (request.url === '/seen') return response.end(JSON.stringify(seen));
  if (request.url === '/rotate') {
    nonce = randomUUID();
    return response.end('{}');
  }
  request.resume();
  if (asksForNonce) response.setHeader('DPoP-Nonce', nonce);
  let answer;
  try {
    answer = { status: 200, claims: await judge(request) };
  } catch (error) {
    answer = { status: 401, error: error.code, error_description: error.message };
    const scheme = /^dpop /i.test(request.headers.authorization ?? '') ? 'DPoP' : 'Bearer';
    response.setHeader('WWW-Authenticate', `${scheme} error="${error.code}"`);
  }
  seen.push({ method: request.method, target: request.url, ...answer });
  response.statusCode = answer.status;
  return response.end(JSON.stringify(answer));
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ event: 'ready', url: `http://127.0.0.1:${server.address().port}` }));
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
