// A whole session in a container, on each runtime that the engine has: a turn of the real Claude Code, a terminal, a file
// there and back, and the end of the container in the middle of it all.

import { providedEngine } from '@remote-claude/compute/testing';
import { routes, type SessionId } from '@remote-claude/contract';
import { always, text, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { containersConfig, endContainers, newPrefix } from '../support/containers.js';
import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { sumsUp, writesAndRuns } from '../support/program-rules.js';
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
});
