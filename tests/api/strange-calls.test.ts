// Calls that no honest client makes: characters that no column holds, addresses that are no route.

import { routes, type Route, type SessionId } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { bearer, callRoute, codeOf, type Call } from '../support/calls.js';
import { configFor, startModel } from '../support/model.js';
import { addMember, setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';

let model: ScriptedModel;
let product: Product;
let ada: Person, bob: Person;
let sessionId: SessionId;
const person = { name: 'Fay', email: 'fay@example.org', password: 'a password for Fay' };

beforeAll(async () => {
  model = await startModel([{ name: 'greet', when: always, answer: [text('Hello.')] }]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  bob = await addMember(product, ada, 'Bob');
  sessionId = (await bob.client.call(routes.sessions.create, { body: {} })).id;
});
afterAll(async () => {
  await product?.close();
  await model?.close();
});

describe('refused in words', () => {
  it('characters that no database takes, in whatever a person gives', async () => {
    const own = { id: sessionId };
    for (const bad of ['a\0b', 'a\ud800b']) {
      const calls: [Route, Call, Person][] = [
        [routes.sessions.list, { query: { search: 'a\0b' } }, bob],
        [routes.sessions.create, { body: { name: bad } }, bob],
        [routes.sessions.patch, { params: own, body: { name: bad } }, bob],
        [routes.sessions.execute, { params: own, body: { command: bad } }, bob],
        [routes.tasks.create, { body: { sessionId, name: bad } }, bob],
        [routes.tasks.createInSession, { params: own, body: { name: 'ok', description: bad } }, bob],
        [routes.claude.answer, { params: { ...own, approvalId: 'a\0b' }, body: { decision: 'allow' } }, bob],
        [routes.files.list, { params: own, query: { path: 'a\0b' } }, bob],
        [routes.users.create, { body: { ...person, name: bad } }, ada],
        [routes.users.create, { body: { ...person, email: `${bad}@example.org` } }, ada],
        [routes.auth.login, { body: { email: `${bad}@example.org`, password: bad } }, bob],
      ];
      for (const [route, call, who] of calls) {
        const answer = await callRoute(product, route, bearer(who.token), call);
        expect([route.id, answer.status, await codeOf(answer)]).toEqual([route.id, 400, 'validation_failed']);
      }
    }
  });

  it('what is no route', async () => {
    const paths = [
      '/api',
      '/api/',
      '/api/nothing',
      '/api/sessions/',
      '/api/sessions/x/y/z',
      '/api/../api/users',
      '/api/users/me',
      '/api//users',
      '/api/audit',
    ];
    for (const path of paths) {
      const answer = await fetch(product.url + path, { headers: bearer(bob.token), redirect: 'manual' });
      expect([path, [403, 404].includes(answer.status)]).toEqual([path, true]);
    }
  });
});
