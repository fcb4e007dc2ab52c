// The spine: one session with the real Claude Code, through approvals, a killed server, and a cut line.

import { existsSync } from 'node:fs';
import { routes, type SessionId } from '@remote-claude/contract';
import { always, gate, numbered, text, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { placesUnderTest } from '../support/config.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { placesOf, type Places } from '../support/places.js';
import { startProduct, type Product } from '../support/product.js';
import { sumsUp, writesAndRuns } from '../support/program-rules.js';
import { openTerminal } from '../support/terminal.js';
import { openViewer, type Viewer } from '../support/viewer.js';
import { until } from '../support/wait.js';

let model: ScriptedModel;
let product: Product;
let ada: Person;
let sessionId: SessionId;
let viewer: Viewer;
let places: Places;

const program = "console.log('made by claude', 6 * 7);\n";

beforeAll(async () => {
  model = await startModel([
    ...writesAndRuns(program),
    sumsUp,
    {
      name: 'count',
      when: userSays('count'),
      answer: [numbered(40, { delayMs: 5 }), gate('middle'), numbered(40, { from: 41, delayMs: 5 })],
    },
    { name: 'greet', when: always, answer: [text('Hello.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  places = placesOf(product);
  ada = await setUpAdmin(product);
  const session = await ada.client.call(routes.sessions.create, { body: { name: 'Spine' } });
  expect(session.isolation).toBe(placesUnderTest() === 'process' ? 'bubblewrap' : 'container');
  sessionId = session.id;
  viewer = openViewer(product.url, ada, sessionId);
  await viewer.event('place.changed', (event) => event.status === 'running', 90_000);
});

afterAll(async () => {
  viewer?.close();
  await places?.close();
  await product?.close();
  await model?.close();
});

/** As whoever runs the machine sees them. */
const placeIds = async (): Promise<string[]> => (await places.of(sessionId)).map(({ placeId }) => placeId);

const approve = async (tool: string): Promise<void> => {
  const asked = await viewer.event('approval.asked', (event) => event.approval.tool === tool);
  await ada.client.call(routes.claude.answer, {
    params: { id: sessionId, approvalId: asked.approval.approvalId },
    body: { decision: 'allow' },
  });
};

describe('a session', () => {
  it('works on what it is asked, and asks before it acts', async () => {
    const turn = ada.client.call(routes.claude.chat, {
      params: { id: sessionId },
      body: { message: 'Write me a program.' },
    });
    await approve('Write');
    await approve('Bash');
    expect(await turn).toMatchObject({ outcome: 'completed', message: 'It printed 42. **Done.**' });
    const run = await viewer.event('tool.finished', (event) => event.name === 'Bash');
    expect(run).toMatchObject({ outcome: 'ok', output: { text: expect.stringContaining('made by claude 42') } });
    const file = await ada.fetch(`/sessions/${sessionId}/files/answer.mjs`);
    expect(await file.text()).toBe(program);
    expect(model.unexpected()).toEqual([]);
  });

  it('counts what it cost, for the turn that was running', async () => {
    const ended = await viewer.event('turn.ended');
    const usage = await viewer.event('usage.recorded', (event) => event.turnId === ended.turnId);
    expect(usage.usage.outputTokens).toBeGreaterThan(0);
    expect(usage.priceKnown).toBe(true);
  });

  it('has a terminal', async () => {
    const terminal = await openTerminal(viewer);
    terminal.type('echo "uid:$(id -u)."\n');
    expect(await terminal.until(/uid:\d+\./)).not.toBe('uid:0.');
  });

  it('goes on without the server, which finds it again: nothing lost, nothing twice', async () => {
    const sent = await ada.client.call(routes.claude.chat, {
      params: { id: sessionId },
      body: { message: 'Please count.', wait: false },
    });
    await until(
      () =>
        viewer
          .messages()
          .some((message) => message.type === 'claude-stream' && message.payload.content.includes('token-0030')),
      {
        what: 'the stream in its middle',
      },
    );
    const before = viewer.events().length;
    const place = await placeIds();
    expect(place).toHaveLength(1);
    await product.kill();
    model.control.release('middle');
    await product.restart();
    const started = await viewer.event('turn.started', (event) => event.messageIds.includes(sent.messageId as never));
    const ended = await viewer.event('turn.ended', (event) => event.turnId === started.turnId, 90_000);
    expect(ended.outcome).toBe('completed');
    expect(viewer.events().length).toBeGreaterThan(before);
    expect(await placeIds()).toEqual(place);
    expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);

    const said = viewer
      .events()
      .flatMap(({ event }) => (event.type === 'text' && event.turnId === started.turnId ? [event.text.text] : []));
    expect(said.join('').match(/token-\d+/g)).toEqual(
      Array.from({ length: 80 }, (_, index) => `token-${String(index + 1).padStart(4, '0')}`),
    );

    const { items } = await ada.client.call(routes.claude.history, {
      params: { id: sessionId },
      query: { limit: 500 },
    });
    expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => index + 1));
    expect(items).toEqual(viewer.events());
  });

  it('is right again after a cut line', async () => {
    viewer.cut();
    const answer = await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'Hi' } });
    await viewer.event('turn.ended', (event) => event.turnId === (answer as { turnId: string }).turnId);
    expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);
  });

  it('does a message once, however often it is sent', async () => {
    const id = crypto.randomUUID() as never;
    const body = { message: 'Once only, please', id };
    const [first, second] = await Promise.all([
      ada.client.call(routes.claude.chat, { params: { id: sessionId }, body }),
      ada.client.call(routes.claude.chat, { params: { id: sessionId }, body }),
    ]);
    expect(second).toEqual(first);
    const said = viewer.events().filter(({ event }) => event.type === 'message.user' && event.messageId === id);
    expect(said).toHaveLength(1);
  });

  it('stops and starts on the same disk, as another place', async () => {
    const before = await placeIds();
    await ada.client.call(routes.sessions.stop, { params: { id: sessionId } });
    await viewer.event('place.changed', (event) => event.wanted === 'stopped' && event.status === 'stopped');
    expect(await placeIds()).toEqual([]);
    const refused = await ada.client
      .call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'Hi', wait: false } })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'session_not_running' });
    const seen = viewer.events().length;
    await ada.client.call(routes.sessions.start, { params: { id: sessionId } });
    await until(
      () =>
        viewer
          .events()
          .slice(seen)
          .some(({ event }) => event.type === 'place.changed' && event.status === 'running'),
      { what: 'the session to run again' },
    );
    expect(await placeIds()).toHaveLength(1);
    expect(await placeIds()).not.toEqual(before);
    const file = await ada.fetch(`/sessions/${sessionId}/files/answer.mjs`);
    expect(await file.text()).toBe(program);
  });

  it('answers an approval once', async () => {
    const error = await ada.client
      .call(routes.claude.answer, {
        params: { id: sessionId, approvalId: 'toolu_none' },
        body: { decision: 'allow' },
      })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'not_found' });
    const asked = await viewer.event('approval.asked');
    const again = await ada.client
      .call(routes.claude.answer, {
        params: { id: sessionId, approvalId: asked.approval.approvalId },
        body: { decision: 'deny' },
      })
      .catch((thrown: unknown) => thrown);
    expect(again).toMatchObject({ code: 'already_answered' });
  });

  it('ends, and keeps its history', async () => {
    await ada.client.call(routes.sessions.remove, { params: { id: sessionId } });
    const session = await until(
      async () => {
        const found = await ada.client.call(routes.sessions.get, { params: { id: sessionId } });
        return found.shown === 'terminated' ? found : null;
      },
      { what: 'the session to be terminated' },
    );
    expect(session.terminatedAt).not.toBeNull();
    const { head } = await ada.client.call(routes.claude.history, { params: { id: sessionId } });
    expect(head).toBeGreaterThan(10);
    expect(existsSync(product.dataDir)).toBe(true);
  });
});
