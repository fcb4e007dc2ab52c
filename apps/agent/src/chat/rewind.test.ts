/** Going back and forth through a session, with the real Claude Code, whose Bash changes the files. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { agentPaths, type CommandId, type RewindPreview, type RewindTarget } from '@remote-claude/contract';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { accountOf } from '../testing/account.js';
import { startAgent, testSecret, type AgentProcess } from '../testing/agent-process.js';
import { connectControl, type ControlClient } from '../testing/control-client.js';
import { startModel, type ModelProcess } from '../testing/scripted-model.js';
import { scratchFolder } from '../testing/scratch.js';

// Each test starts the real Claude Code, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

const commands = [
  "sed -i s/one/two/ src/a.txt && echo new > 'a new\nfile'",
  'rm -r src && mkdir -p made/empty && chmod 600 run.sh && ln -s run.sh link && ln -sfn nowhere dangling',
  "head -c 52428800 /dev/zero | tr '\\0' x > big.bin && chmod 755 big.bin && rm link && mkdir link && mv made moved",
];
const rules = `
  ...${JSON.stringify(commands)}.map((command, index) => ({ name: 'step ' + index, when: userSays('step ' + index), answer: [toolUse('Bash', { command })] })),
  { name: 'stays', when: userSays('beside you'), answer: [toolUse('Bash', { command: 'sleep 1000', run_in_background: true })] },
  { name: 'stepped', when: afterTool('Bash'), answer: [text('Done.')] },
  { name: 'heard', when: userSays('what did you hear'), answer: (conversation) => [text('heard ' + [...JSON.stringify(conversation).matchAll(/please step (\\d)/g)].map((match) => match[1]).join(','))] },
`;

let scratch: ReturnType<typeof scratchFolder>;
let model: ModelProcess;
let agent: AgentProcess;
let control: ControlClient;
let workspace: string;

beforeEach(async () => {
  scratch = scratchFolder();
  model = await startModel(scratch.path, rules);
  workspace = join(scratch.path, 'workspace');
  mkdirSync(join(workspace, 'src/deep'), { recursive: true });
  writeFileSync(join(workspace, 'src/a.txt'), 'one\n');
  writeFileSync(join(workspace, 'src/deep/b.txt'), 'b\n');
  writeFileSync(join(workspace, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  agent = await startAgent({ dir: scratch.path, gatewayPort: model.port });
  control = await connectControl(agent.socketPath);
});
afterEach(async () => {
  await control.close();
  await agent.end();
  await model.close();
  scratch.remove();
});

const account = (): string => accountOf(workspace);

const say = async (prompt: string) => {
  const id = control.command({ type: 'prompt', prompt });
  const started = await control.next('turn.started', ({ messageIds }) => messageIds.includes(id));
  const ended = await control.next('turn.ended', ({ turnId }) => turnId === started.turnId);
  return { id, ended };
};
const step = async (index: number) => {
  const id = control.command({ type: 'prompt', prompt: `please step ${index}` });
  const { approval } = await control.next('approval.asked');
  control.command({ type: 'answer', approvalId: approval.approvalId, answer: { decision: 'allow', scope: 'once' } });
  expect(await control.next('tool.finished')).toMatchObject({ outcome: 'ok' });
  await control.next('turn.ended');
  const after = await control.next('checkpoint.taken', ({ reason }) => reason === 'after-turn');
  return { id, after, account: account() };
};
const rewind = (target: RewindTarget, what: 'chat' | 'files' | 'both' = 'both') => {
  const id = control.command({ type: 'rewind', what, target });
  return control.next('rewind.done', ({ rewindId }) => rewindId === id);
};
const post = async (path: string, body: unknown): Promise<unknown> => {
  const { stdout } = await promisify(execFile)('curl', [
    ...['-s', '--unix-socket', agent.socketPath, '-H', `authorization: Bearer ${testSecret}`],
    ...['-d', JSON.stringify(body), `http://agent${path}`],
  ]);
  return JSON.parse(stdout);
};
const preview = async (target: RewindTarget): Promise<RewindPreview> =>
  (await post(agentPaths.rewindPreview, { target })) as RewindPreview;

it('goes three steps back to the very same tree, and forth again', async () => {
  const start = account();
  const steps = [await step(0), await step(1), await step(2)] as const;
  const first = { messageId: steps[0].id };
  const shown = await preview(first);
  expect(shown).toMatchObject({ chatRefusal: null, filesRefusal: null, files: { counts: { modified: 1 } } });
  expect(shown.files?.changes).toContainEqual({
    path: 'big.bin',
    kind: 'file',
    change: 'deleted',
    sizeNow: 52_428_800,
    sizeThen: null,
  });

  const back = await rewind(first);
  expect(back).toMatchObject({
    what: 'both',
    messageId: steps[0].id,
    undoes: null,
    files: { isExact: true, left: [] },
  });
  expect(account()).toBe(start);
  expect((await say('what did you hear')).ended.message?.text).toBe('heard ');

  const forth = await rewind({ rewindId: back.rewindId });
  expect(forth).toMatchObject({ messageId: null, undoes: back.rewindId, files: { isExact: true } });
  expect(account()).toBe(steps[2].account);
  expect((await say('what did you hear')).ended.message?.text).toBe('heard 0,1,2');

  // The conversation alone, to between two steps; then the files alone.
  await rewind({ messageId: steps[2].id }, 'chat');
  expect(account()).toBe(steps[2].account);
  expect((await say('what did you hear')).ended.message?.text).toBe('heard 0,1');
  await rewind({ messageId: steps[1].id }, 'files');
  expect(account()).toBe(steps[0].account);
  expect((await say('what did you hear')).ended.message?.text).toBe('heard 0,1');
  expect(await preview({ messageId: steps[2].id })).toMatchObject({ chatRefusal: expect.stringContaining('memory') });
});

it('refuses while work of Claude runs in the background', async () => {
  const before = account();
  const messageId = control.command({ type: 'prompt', prompt: 'please let something run beside you' });
  expect(await control.next('tool.finished')).toMatchObject({ outcome: 'ok' });
  await control.next('turn.ended');
  for (const what of ['both', 'files'] as const) {
    const id = control.command({ type: 'rewind', what, target: { messageId } });
    const refused = await control.next('command.refused', ({ commandId }) => commandId === id);
    expect(refused).toMatchObject({ command: 'rewind', reason: expect.stringContaining('in the background') });
  }
  expect(control.proposed.map(({ event }) => event.type)).not.toContain('rewind.done');
  expect(account()).toBe(before);
});

it('refuses while a turn runs, and what is not there', async () => {
  control.command({ type: 'prompt', prompt: 'please step 0' });
  const { approval } = await control.next('approval.asked');
  const early = control.command({
    type: 'rewind',
    what: 'both',
    target: { messageId: '00000000-0000-4000-8000-00000000dead' as CommandId },
  });
  expect(await control.next('command.refused')).toMatchObject({
    commandId: early,
    command: 'rewind',
    reason: expect.stringContaining('at work'),
  });
  control.command({ type: 'answer', approvalId: approval.approvalId, answer: { decision: 'deny', scope: 'once' } });
  await control.next('turn.ended');
  const unknown = control.command({
    type: 'rewind',
    what: 'files',
    target: { messageId: '00000000-0000-4000-8000-00000000dead' as CommandId },
  });
  expect(await control.next('command.refused')).toMatchObject({
    commandId: unknown,
    reason: expect.stringContaining('not kept'),
  });
});

it('changes nothing where the disk would not keep where the conversation stands', async () => {
  const { id: messageId, account: before } = await step(0);
  const inTheWay = join(scratch.path, 'state/chat/memory.json.new');
  mkdirSync(inTheWay);
  const id = control.command({ type: 'rewind', what: 'both', target: { messageId } });
  const refused = await control.next('command.refused', ({ commandId }) => commandId === id);
  expect(refused.reason).toContain('Nothing was changed');
  expect(account()).toBe(before);
  expect((await say('what did you hear')).ended.message?.text).toBe('heard 0');
  rmSync(inTheWay, { recursive: true });
  expect(await rewind({ messageId })).toMatchObject({ files: { isExact: true } });
  expect((await say('what did you hear')).ended.message?.text).toBe('heard ');
});

it('goes on with a rewind that a kill cut off, and undoes to before it', async () => {
  const { id: messageId, account: before } = await step(0);
  const id = control.command({ type: 'rewind', what: 'both', target: { messageId } });
  await control.next('checkpoint.taken', ({ reason }) => reason === 'before-rewind');
  await agent.end('SIGKILL');
  await control.close();
  agent = await startAgent({ dir: scratch.path, gatewayPort: model.port });
  control = await connectControl(agent.socketPath);
  control.command({ type: 'rewind', what: 'both', target: { messageId } }, id);
  expect((await control.next('rewind.done')).files?.isExact).toBe(true);
  expect(account()).not.toBe(before);
  rmSync(join(workspace, 'run.sh'));
  await rewind({ rewindId: id });
  // A kill may leave the name of what was being written; whoever lists its folder takes it away.
  const lines = account().split('\n');
  expect(lines.filter((line) => !/\.rc-save-[\da-f]{16}/.test(line)).join('\n')).toBe(before);
});

it('loses nothing of what is made while it puts files back', async () => {
  const { id: messageId } = await step(0);
  const made: string[] = [];
  let isOver = false;
  const making = (async () => {
    while (!isOver) {
      const path = `made-${made.length}`;
      expect(await post(agentPaths.mkdir, { path })).toMatchObject({ path });
      made.push(path);
    }
  })();
  const isMissing = (path: string): boolean => !existsSync(join(workspace, path));
  for (let round = 0; round < 5; round += 1) {
    const soFar = made.length;
    await vi.waitUntil(() => made.length > soFar, { timeout: 60_000 });
    const back = await rewind({ messageId }, 'files');
    const swept = made.slice(soFar).filter(isMissing);
    expect(swept.length).toBeGreaterThan(0);
    await rewind({ rewindId: back.rewindId }, 'files');
    expect(swept.filter(isMissing)).toEqual([]);
  }
  isOver = true;
  await making;
});
