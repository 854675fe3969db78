// An external system that asks for HTTP message signatures (RFC 9421) and lets npm http-message-signatures judge them.
//
//   node server.mjs SETTINGS_FILE
//
// SETTINGS_FILE holds JSON: {keys: {KEYID: {algorithm, key}}, required: [COMPONENT, …]}; `key` is a public key (PEM) or,
// for hmac-sha256, the secret in base64. It answers under every path: 200 and what was signed by whom, or 401 and why
// not. A nonce is good once, and a Content-Digest (RFC 9530) has to be that of the body. Standard output says in one line
// of JSON when it is ready and where; GET /seen lists the answers that were given. It ends when its standard input ends.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { createVerifier, httpbis } from 'http-message-signatures';

const { keys, required } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const nonces = new Set();
const seen = [];

const verifiers = new Map(
  Object.entries(keys).map(([id, { algorithm, key }]) => {
    const material = algorithm === 'hmac-sha256' ? Buffer.from(key, 'base64') : key;
    return [id, { id, algs: [algorithm], verify: createVerifier(material, algorithm) }];
  }),
);

/** Throws where a digest that the request names is not that of its body; returns what it names. */
const judgeDigest = (header, body) => {
  for (const [, name, value] of (header ?? '').matchAll(/(sha-256|sha-512)=:([^:]*):/g)) {
    const digest = createHash(name.replace('-', '')).update(body).digest('base64');
    if (digest !== value) throw new Error(`got a ${name} that is not that of the body`);
  }
};

const judge = async (request, body) => {
  judgeDigest(request.headers['content-digest'], body);
  let told;
  const verified = await httpbis.verifyMessage(
    {
      keyLookup: async (parameters) => {
        told = parameters;
        return verifiers.get(parameters.keyid) ?? null;
      },
      requiredFields: required,
      tolerance: 5, // seconds: clocks that round differently
      all: true,
    },
    {
      method: request.method,
      url: `http://${request.headers.host}${request.url}`,
      headers: Object.fromEntries(Object.entries(request.headersDistinct)),
    },
  );
  if (verified !== true) throw new Error(verified === null ? 'got no signature' : 'got a signature that is wrong');
  if (told.nonce !== undefined && nonces.has(told.nonce)) throw new Error('got a nonce that was used before');
  nonces.add(told.nonce);
  return { ...told, signature_input: request.headers['signature-input'] };
};

const server = createServer(async (request, response) => {
  response.setHeader('Content-Type', 'application/json');
  if (request.url === '/seen') return response.end(JSON.stringify(seen));
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  let answer;
  try {
    answer = { status: 200, ...(await judge(request, Buffer.concat(pieces))) };
  } catch (error) {
    answer = { status: 401, error: error.message };
  }
  seen.push(answer);
  response.statusCode = answer.status;
  return response.end(JSON.stringify(answer));
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ event: 'ready', url: `http://127.0.0.1:${server.address().port}` }));
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
