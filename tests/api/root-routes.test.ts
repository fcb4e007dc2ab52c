// What machines ask at the root of a process, as everybody: answered without a sign-in, told right where it is refused.

import { rootRoutes } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer, codeOf } from '../support/calls.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { rawRequest } from '../support/raw-request.js';

const token = 'the-token-of-a-prometheus';
let model: ScriptedModel;
/** As it comes; with a token for metrics, below a path; and without metrics. */
let plain: Product;
let withToken: Product;
let without: Product;
let ada: Person;

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  const monitoring = (metrics: string): string => `monitoring: { metrics: ${metrics} }\n`;
  plain = await startProduct({ config: configFor(model) });
  withToken = await startProduct({
    config: configFor(model, `${monitoring(`{ token: ${token} }`)}server: { basePath: /claude }\n`),
  });
  without = await startProduct({ config: configFor(model, monitoring('{ enabled: false }')) });
  ada = await setUpAdmin(plain);
});
afterAll(async () => {
  for (const product of [plain, withToken, without]) await product?.close();
  await model?.close();
});

const proxied = { 'x-forwarded-for': '203.0.113.7' };
const at = (product: Product, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(product.url + path, { headers });

describe('each route at the root', () => {
  it.each(Object.values(rootRoutes))('$path is answered without a sign-in and as it is documented', async (route) => {
    for (const product of [plain, withToken]) {
      const answer = await at(product, route.path, route.id === 'metrics' ? bearer(token) : {});
      // Where no token is set, who brings one from here is read without it.
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      const schema = route.responses[200];
      const body = await answer.text();
      if (schema === null) expect(body).toContain('remote_claude_build_info');
      else expect(schema.parse(JSON.parse(body))).toEqual(JSON.parse(body));
    }
  });

  it.each(Object.values(rootRoutes))(
    '$path is answered under any name of this machine, or not for its name',
    async (route) => {
      const { status } = await rawRequest(plain, null, { path: route.path, headers: { host: 'monitor.example' } });
      expect(status).toBe(route.id === 'metrics' ? 404 : 200);
    },
  );

  it.each(Object.values(rootRoutes))('$path changes nothing: other methods are not there', async (route) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await fetch(plain.url + route.path, { method, headers: { origin: plain.url } });
      expect([method, answer.status, await codeOf(answer)]).toEqual([method, 404, 'not_found']);
    }
  });
});

describe('/metrics', () => {
  it('is told to nobody behind a proxy where there is no token, whoever they are', async () => {
    for (const headers of [proxied, { ...proxied, ...bearer(ada.token) }, { ...proxied, ...bearer(token) }]) {
      const answer = await at(plain, '/metrics', headers);
      expect([answer.status, await codeOf(answer)]).toEqual([404, 'not_found']);
    }
  });

  it('asks who comes through a proxy for the token, and takes no sign-in for one', async () => {
    for (const headers of [proxied, { ...proxied, ...bearer('wrong') }, { ...proxied, ...bearer(ada.token) }]) {
      const answer = await at(withToken, '/metrics', headers);
      expect([answer.status, answer.headers.get('www-authenticate'), await codeOf(answer)]).toEqual([
        401,
        'Bearer',
        'unauthenticated',
      ]);
    }
    expect((await at(withToken, '/metrics', { ...proxied, ...bearer(token) })).status).toBe(200);
    expect((await at(withToken, '/metrics')).status).toBe(200);
  });

  it('is not there where it is switched off', async () => {
    const answer = await at(without, '/metrics');
    expect([answer.status, await codeOf(answer)]).toEqual([404, 'not_found']);
  });

  it('counts what was answered by route, and names nobody', async () => {
    await at(plain, '/api/sessions/0b0e6c3a-52d1-4a55-9f0e-0c1d2e3f4a5b', bearer(ada.token));
    await at(plain, '/api/auth/user', bearer(ada.token));
    const said = await (await at(plain, '/metrics')).text();
    expect(said).toContain('remote_claude_http_requests_total{route="/api/auth/user",method="GET",status="200"} 1');
    expect(said).toContain('remote_claude_http_requests_total{route="/api/sessions/:id",method="GET",status="404"} 1');
    expect(said).toMatch(/remote_claude_errors_total\{code="not_found",at="http"\} \d+/);
    expect(said).toContain('remote_claude_sessions{state="idle"} 0');
    expect(said).not.toMatch(/0b0e6c3a|ada@|example\.org/);
    for (const product of [plain, withToken, without]) expect(product.output()).not.toContain(token);
  });
});
