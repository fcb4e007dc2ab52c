// Going back in a real place: Claude's own Bash changes the work tree in three turns, and everything comes back.

import { routes, type CommandId, type RewindTarget, type RewindWhat, type SessionId } from '@remote-claude/contract';
import { afterTool, text, toolUse, userSays, type ScriptedModel } from '@remote-claude/scripted-model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { configFor, startModel } from '../support/model.js';
import { setUpAdmin, type Person } from '../support/people.js';
import { startProduct, type Product } from '../support/product.js';
import { openViewer, type Viewer } from '../support/viewer.js';

const steps = [
  "sed -i s/one/two/ src/a.txt && chmod 000 src/deep/b.txt && echo x > 'new\nline'",
  'rm -r src && mkdir -p made/empty && chmod 600 run.sh && ln -s run.sh link && ln -sfn nowhere dangling',
  "head -c 52428800 /dev/zero | tr '\\0' x > big.bin && chmod 755 big.bin && rm link && mkdir link && mv made moved",
];
const start =
  'mkdir -p src/deep && echo one > src/a.txt && echo b > src/deep/b.txt && printf "#!/bin/sh\n" > run.sh && chmod 755 run.sh';
const account =
  'find . -mindepth 1 -printf "%P %y %m %l\\n" | sort; find . -type f -readable -print0 | sort -z | xargs -0 -r sha256sum';

let model: ScriptedModel;
let product: Product;
let ada: Person;
let sessionId: SessionId;
let viewer: Viewer;

beforeAll(async () => {
  model = await startModel([
    ...steps.map((command, index) => ({
      name: `step ${index}`,
      when: userSays(`step ${index}`),
      answer: [toolUse('Bash', { command })],
    })),
    { name: 'stepped', when: afterTool('Bash'), answer: [text('Done.')] },
  ]);
  product = await startProduct({ config: configFor(model) });
  ada = await setUpAdmin(product);
  sessionId = (await ada.client.call(routes.sessions.create, { body: { name: 'Rewind' } })).id;
  viewer = openViewer(product.url, ada, sessionId);
  await viewer.event('place.changed', (event) => event.status === 'running', 90_000);
});
afterAll(async () => {
  viewer?.close();
  await product?.close();
  await model?.close();
});

const params = () => ({ id: sessionId });
const run = async (command: string): Promise<string> => {
  const result = await ada.client.call(routes.sessions.execute, { params: params(), body: { command } });
  expect(result).toMatchObject({ exitCode: 0, truncated: false });
  return result.stdout;
};
const step = async (index: number) => {
  const { messageId } = await ada.client.call(routes.claude.chat, {
    params: params(),
    body: { message: `Please step ${index}`, wait: false },
  });
  const { turnId } = await viewer.event('turn.started', (event) => event.messageIds.includes(messageId));
  const { approval } = await viewer.event('approval.asked', (event) => event.approval.turnId === turnId);
  await ada.client.call(routes.claude.answer, {
    params: { id: sessionId, approvalId: approval.approvalId },
    body: { decision: 'allow' },
  });
  const isOfTurn = (event: { turnId: string | null }): boolean => event.turnId === turnId;
  const before = await viewer.event('checkpoint.taken', (event) => event.reason === 'before-turn' && isOfTurn(event));
  const after = await viewer.event('checkpoint.taken', (event) => event.reason === 'after-turn' && isOfTurn(event));
  return { messageId, before, after };
};
const rewind = async (target: RewindTarget, what: RewindWhat = 'both') => {
  const { commandId } = await ada.client.call(routes.checkpoints.rewind, { params: params(), body: { target, what } });
  return viewer.event('rewind.done', (event) => event.rewindId === commandId);
};
/** The tree's hash as a new checkpoint says it. */
const hashNow = async (): Promise<string> => {
  const known = viewer.events().length;
  await ada.client.call(routes.checkpoints.take, { params: params(), body: {} });
  const taken = await viewer.event(
    'checkpoint.taken',
    (event) => event.reason === 'asked' && viewer.events().findIndex((one) => one.event === event) >= known,
  );
  return taken.tree;
};

describe('a session', () => {
  it('goes three steps back and forth again, to the very same trees', async () => {
    await run(start);
    const first = await run(account);
    const [one, two, three] = [await step(0), await step(1), await step(2)];
    expect(two.before.tree).toBe(one.after.tree);
    const last = await run(account);
    expect(last).toContain('big.bin f 755');

    const preview = await ada.client.call(routes.checkpoints.preview, {
      params: params(),
      query: { messageId: one.messageId },
    });
    expect(preview).toMatchObject({ chatRefusal: null, filesRefusal: null, files: { to: one.before.tree } });
    expect(preview.files?.changes).toContainEqual(
      expect.objectContaining({ path: 'src/a.txt', change: 'added', sizeThen: 4 }),
    );
    const { from = '', to = '' } = preview.files ?? {};
    const diff = await ada.client.call(routes.checkpoints.diff, {
      params: params(),
      query: { from, to, path: 'src/a.txt' },
    });
    expect(diff).toEqual({ now: null, rewound: 'one\n', shown: true });

    const back = await rewind({ messageId: one.messageId });
    expect(back.files).toMatchObject({ isExact: true, left: [] });
    expect(await run(account)).toBe(first);
    expect(await hashNow()).toBe(one.before.tree);

    const forth = await rewind({ rewindId: back.rewindId });
    expect(forth).toMatchObject({ undoes: back.rewindId, files: { isExact: true } });
    expect(await run(account)).toBe(last);
    expect(await hashNow()).toBe(three.after.tree);

    await rewind({ messageId: three.messageId }, 'files');
    expect(await hashNow()).toBe(two.after.tree);
  }, 240_000);

  it('is not rewound while Claude works, and says so', async () => {
    await ada.client.call(routes.claude.chat, { params: params(), body: { message: 'Please step 0', wait: false } });
    const body = { target: { messageId: '00000000-0000-4000-8000-000000000000' as CommandId }, what: 'both' as const };
    await expect(ada.client.call(routes.checkpoints.rewind, { params: params(), body })).rejects.toThrow(/at work/);
  });
});
