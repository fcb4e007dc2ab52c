// A whole session in a container, on each runtime that the engine has: a turn of the real Claude Code, a terminal, a file
// there and back, and the end of the container in the middle of it all.

import { randomBytes } from 'node:crypto';
import { providedEngine } from '@remote-claude/compute/testing';
import { routes, type SessionId } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { containersConfig, endContainers, engineClient, newPrefix } from '../support/containers.js';
import { stopSession, untilRunning } from '../support/inside.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { sumsUp, writesAndRuns } from '../support/program-rules.js';
import { openTerminal } from '../support/terminal.js';
import { openViewer, type Viewer } from '../support/viewer.js';

const engine = providedEngine();
const program = "console.log('made by claude', 6 * 7);\n";

describe.each(engine.runtimes)('a session in a container of %s', (runtime) => {
  const contained = { engine, runtime, prefix: newPrefix() };
  let model: ScriptedModel;
  let product: Product;
  let ada: Person;
  let sessionId: SessionId;
  let viewer: Viewer;

  beforeAll(async () => {
    model = await startModel([
      ...writesAndRuns(program),
      sumsUp,
      { name: 'greet', when: always, answer: [text('Hello.')] },
    ]);
    product = await startProduct({
      config: configFor(model, containersConfig(contained)),
      endPlaces: () => endContainers(contained),
    });
    ada = await setUpAdmin(product);
    const session = await ada.client.call(routes.sessions.create, { body: { name: 'Contained' } });
    expect(session.isolation).toBe('container');
    sessionId = session.id;
    viewer = openViewer(product.url, ada, sessionId);
    await viewer.event('place.changed', (event) => event.status === 'running', 90_000);
  });

  afterAll(async () => {
    viewer?.close();
    await product?.close();
    await model?.close();
  });

  const containerIds = async (): Promise<string[]> =>
    (await engineClient(engine).listContainers({ filters: { name: [contained.prefix] } })).map(({ Id: id }) => id);

  const approve = async (tool: string): Promise<void> => {
    const asked = await viewer.event('approval.asked', (event) => event.approval.tool === tool);
    await ada.client.call(routes.claude.answer, {
      params: { id: sessionId, approvalId: asked.approval.approvalId },
      body: { decision: 'allow' },
    });
  };

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
  });

  it('has a terminal, in which one is nobody and sees no network', async () => {
    const terminal = await openTerminal(viewer);
    terminal.type('echo "uid:$(id -u) net:$(tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d \' \\n\')."\n');
    expect(await terminal.until(/uid:\d+ net:\w*\./)).toBe('uid:1000 net:lo.');
  });

  it('takes a file and gives it back, whole', async () => {
    const content = new Uint8Array(randomBytes(3_000_000));
    const path = `/sessions/${sessionId}/files/sample.bin`;
    const saved = await ada.fetch(path, { method: 'PUT', headers: { 'if-none-match': '*' }, body: content });
    expect(saved.status).toBe(201);
    const back = new Uint8Array(await (await ada.fetch(path)).arrayBuffer());
    expect(Buffer.compare(back, content)).toBe(0);
  });

  it('stops and starts on the same disk, as another container', async () => {
    const before = await containerIds();
    await stopSession(ada, sessionId);
    expect(await containerIds()).toEqual([]);
    await ada.client.call(routes.sessions.start, { params: { id: sessionId } });
    await untilRunning(ada, sessionId);
    const file = await ada.fetch(`/sessions/${sessionId}/files/answer.mjs`);
    expect(await file.text()).toBe(program);
    expect(await containerIds()).toHaveLength(1);
    expect(await containerIds()).not.toEqual(before);
  });

  it('outlives its server, which finds it again', async () => {
    const before = await containerIds();
    await product.kill();
    expect(await containerIds()).toEqual(before);
    await product.restart();
    await untilRunning(ada, sessionId);
    expect(await containerIds()).toEqual(before);
    const turn = await ada.client.call(routes.claude.chat, { params: { id: sessionId }, body: { message: 'Hi.' } });
    expect(turn).toMatchObject({ outcome: 'completed', message: 'Hello.' });
    expect([viewer.gaps(), viewer.repeats()]).toEqual([[], []]);
  });
});
