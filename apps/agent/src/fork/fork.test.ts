/** Two real agents with the real Claude Code: one is forked, the other becomes what it was. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';

import { agentPaths, type CommandId, type ForkFilled, type ForkPoint } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { accountOf } from '../testing/account.js';
import { startAgent, testSecret, type AgentProcess } from '../testing/agent-process.js';
import { connectControl, type ControlClient } from '../testing/control-client.js';
import { startModel, type ModelProcess } from '../testing/scripted-model.js';
import { scratchFolder } from '../testing/scratch.js';

// Each test starts the real Claude Code, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const rules = `
  { name: 'change', when: userSays('please change'), answer: [toolUse('Bash', { command: 'rm -r src && echo two > b.txt && ln -sfn b.txt link' })] },
  { name: 'changed', when: afterTool('Bash'), answer: [text('Done.')] },
  { name: 'heard', when: userSays('what did you hear'), answer: (conversation) => [text('heard ' + [...new Set([...JSON.stringify(conversation).matchAll(/word-(\\w+)/g)].map((match) => match[1]))].join(','))] },
  { name: 'remember', when: userSays('remember'), answer: [text('I do.')] },
`;
const forkId = '00000000-0000-4000-8000-0000000000f0';

let scratch: ReturnType<typeof scratchFolder>;
let model: ModelProcess;
let source: AgentProcess;
let target: AgentProcess;
let control: ControlClient;
let forked: ControlClient;
const folderOf = (name: string, ...path: string[]): string => join(scratch.path, name, ...path);

const startTarget = async (): Promise<void> => {
  target = await startAgent({ dir: folderOf('target'), gatewayPort: model.port, variables: { awaitsFork: '1' } });
  forked = await connectControl(target.socketPath);
};

beforeEach(async () => {
  scratch = scratchFolder();
  model = await startModel(scratch.path, rules);
  const workspace = folderOf('source', 'workspace');
  mkdirSync(join(workspace, 'src/deep/empty'), { recursive: true });
  mkdirSync(join(workspace, 'node_modules/left-out'), { recursive: true });
  mkdirSync(folderOf('target'));
  writeFileSync(join(workspace, 'src/a.txt'), 'one\n', { mode: 0o600 });
  writeFileSync(join(workspace, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(join(workspace, 'big.bin'), Buffer.alloc(50 * 1024 * 1024, 'fork'));
  symlinkSync('/nowhere/at/all', join(workspace, 'dangling'));
  source = await startAgent({ dir: folderOf('source'), gatewayPort: model.port });
  control = await connectControl(source.socketPath);
  await startTarget();
});
afterEach(async () => {
  await control.close();
  await forked.close();
  await source.end();
  await target.end();
  await model.close();
  scratch.remove();
});

interface Answer {
  status: number;
  body: Buffer;
}
const ask = (agent: AgentProcess, path: string, body: string | Buffer | null, cutAfter = Infinity): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${testSecret}`, ...(body !== null && { 'content-length': body.length }) };
    const method = body === null ? 'GET' : 'POST';
    const asked = request({ socketPath: agent.socketPath, path, method, headers }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
      response.on('error', reject);
    });
    asked.on('error', reject);
    if (body === null || cutAfter === Infinity) return void asked.end(body ?? undefined);
    asked.write(body.slice(0, cutAfter), () => asked.destroy(new Error('cut')));
  });
const json = async <T>(agent: AgentProcess, path: string, body: unknown): Promise<T> => {
  const answer = await ask(agent, path, body === null ? null : JSON.stringify(body));
  expect([answer.status, answer.status === 200 ? '' : String(answer.body)]).toEqual([200, '']);
  return JSON.parse(String(answer.body)) as T;
};
const keep = (messageId: CommandId | null): Promise<ForkPoint> =>
  json<ForkPoint>(source, agentPaths.forkPoint, { forkId, messageId });
const pour = async (): Promise<Buffer> => {
  const { status, body } = await ask(source, agentPaths.forkExport, JSON.stringify({ forkId }));
  expect(status).toBe(200);
  return body;
};
const fill = async (bytes: Buffer): Promise<ForkFilled> => {
  const { status, body } = await ask(target, agentPaths.forkImport, bytes);
  expect([status, status === 200 ? '' : String(body)]).toEqual([200, '']);
  return JSON.parse(String(body)) as ForkFilled;
};
const say = async (link: ControlClient, prompt: string) => {
  const id = link.command({ type: 'prompt', prompt });
  const { turnId } = await link.next('turn.started', ({ messageIds }) => messageIds.includes(id));
  const ended = await link.next('turn.ended', (event) => event.turnId === turnId);
  return { id, said: ended.message?.text };
};
const change = async (): Promise<CommandId> => {
  const id = control.command({ type: 'prompt', prompt: 'please change, word-two' });
  const { approval } = await control.next('approval.asked');
  control.command({ type: 'answer', approvalId: approval.approvalId, answer: { decision: 'allow', scope: 'once' } });
  await control.next('turn.ended');
  await control.next('checkpoint.taken', ({ reason }) => reason === 'after-turn');
  return id;
};
const account = (name: string): string => accountOf(folderOf(name, 'workspace'));
const withoutLeftOut = (text: string): string => text.replaceAll(/^node_modules.*\n/gm, '');

describe('a fork', () => {
  it('from an earlier message has those files and remembers what was said before it', async () => {
    const before = withoutLeftOut(account('source'));
    await say(control, 'remember word-one');
    const messageId = await change();
    const after = account('source');
    expect(withoutLeftOut(after)).not.toBe(before);

    const point = await keep(messageId);
    expect(point.turnId).toBeNull();
    // Asked again it is the same one.
    expect(await keep(messageId)).toEqual(point);
    const bytes = await pour();
    // What was said later is none of its business.
    expect(bytes.includes('word-one')).toBe(true);
    expect(bytes.includes('word-two')).toBe(false);

    // What is said before the files are there waits for them.
    const early = forked.command({ type: 'prompt', prompt: 'what did you hear' });
    expect(await ask(target, `${agentPaths.list}?path=`, null)).toMatchObject({ status: 503 });
    const result = await fill(bytes);
    expect(result).toMatchObject({ isExact: true, leftOut: 1, skipped: { count: 0 } });
    expect(account('target')).toBe(before);
    const { turnId } = await forked.next('turn.started', ({ messageIds }) => messageIds.includes(early));
    expect((await forked.next('turn.ended', (event) => event.turnId === turnId)).message?.text).toBe('heard one');
    expect(forked.proposed.findIndex(({ event }) => event.type === 'checkpoint.taken')).toBeLessThan(
      forked.proposed.findIndex(({ event }) => event.type === 'turn.started'),
    );

    expect(account('source')).toBe(after);
    expect((await say(control, 'what did you hear')).said).toBe('heard one,two');
    await json(source, agentPaths.forkRelease, { forkId });
    expect(await ask(source, agentPaths.forkExport, JSON.stringify({ forkId }))).toMatchObject({ status: 404 });
  });

  it('of the session as it is has all of it, goes its own way, and can be rewound to before it', async () => {
    const first = await say(control, 'remember word-one');
    await change();
    const { turnId, tree } = await keep(null);
    expect(turnId).not.toBeNull();
    // What happens from now on is not in it.
    await say(control, 'remember word-late');
    writeFileSync(folderOf('source', 'workspace', 'late.txt'), 'late');
    await fill(await pour());
    expect(await json(target, agentPaths.forkState, null)).toMatchObject({ filled: { isExact: true } });
    expect(existsSync(folderOf('target', 'workspace', 'late.txt'))).toBe(false);
    expect(existsSync(folderOf('target', 'workspace', 'link'))).toBe(true);
    expect((await say(forked, 'what did you hear')).said).toBe('heard one,two');
    const taken = forked.proposed.flatMap(({ event }) => (event.type === 'checkpoint.taken' ? [event] : []));
    expect(taken[0]?.tree).toBe(tree);

    const rewindId = forked.command({ type: 'rewind', what: 'chat', target: { messageId: first.id } });
    await forked.next('rewind.done', (event) => event.rewindId === rewindId);
    expect((await say(forked, 'what did you hear')).said).toBe('heard ');
    expect((await say(control, 'what did you hear')).said).toBe('heard one,two,late');
  });

  it('is not taken while Claude works, nor from what it does not remember', async () => {
    control.command({ type: 'prompt', prompt: 'please change, word-two' });
    const { approval } = await control.next('approval.asked');
    const now = await ask(source, agentPaths.forkPoint, JSON.stringify({ forkId, messageId: null }));
    expect([now.status, String(now.body)]).toEqual([409, expect.stringContaining('at work')]);
    control.command({ type: 'answer', approvalId: approval.approvalId, answer: { decision: 'deny', scope: 'once' } });
    await control.next('turn.ended');
    const unknown = await ask(source, agentPaths.forkPoint, JSON.stringify({ forkId, messageId: forkId }));
    expect([unknown.status, String(unknown.body)]).toEqual([409, expect.stringContaining('memory')]);
  });
});

describe('a fork that is not whole', () => {
  const isEmpty = (): boolean => readdirSync(folderOf('target', 'workspace')).length === 0;

  it('keeps nothing of a stream that is cut or changed, and takes the next one', async () => {
    const before = withoutLeftOut(account('source'));
    await keep(null);
    const bytes = await pour();
    await expect(ask(target, agentPaths.forkImport, bytes, bytes.length - 100_000)).rejects.toThrow('cut');
    for (const at of [20, Math.floor(bytes.length / 2), bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      // The cut one may be noticed only now.
      const refused = await vi.waitFor(
        async () => {
          const answer = await ask(target, agentPaths.forkImport, changed);
          expect(answer.status).not.toBe(503);
          return answer;
        },
        { timeout: 60_000, interval: 100 },
      );
      expect([refused.status, String(refused.body)]).toEqual([502, expect.any(String)]);
      expect(isEmpty()).toBe(true);
    }
    expect(await json(target, agentPaths.forkState, null)).toEqual({ filled: null });
    await fill(bytes);
    expect(account('target')).toBe(before);
  });

  it('refuses an object that is missing although the stream is whole', async () => {
    await keep(null);
    const bytes = await pour();
    // The first object goes, which is the work tree's own folder, and the end says so.
    const end = bytes.length - 5 - 32;
    const pieces: Buffer[] = [];
    for (let at = 8; at < end; at += pieces.at(-1)?.length ?? 0)
      pieces.push(bytes.subarray(at, at + 5 + bytes.readUInt32BE(at + 1)));
    const root = pieces.findIndex((piece) => piece[0] === 2);
    const kept = Buffer.concat([bytes.subarray(0, 8), ...pieces.filter((_, index) => index !== root)]);
    const sum = createHash('sha256').update(kept).digest();
    const forged = Buffer.concat([kept, bytes.subarray(end, end + 5), sum]);
    expect(await ask(target, agentPaths.forkImport, forged)).toMatchObject({ status: 409 });
    expect(isEmpty()).toBe(true);
    expect(await json(target, agentPaths.forkState, null)).toEqual({ filled: null });
  });

  it.each([0.1, 0.6, 1])('is whole after a kill when %d of it had come', async (share) => {
    const before = withoutLeftOut(account('source'));
    await say(control, 'remember word-one');
    await keep(null);
    const bytes = await pour();
    const dying = ask(target, agentPaths.forkImport, bytes, Math.floor(bytes.length * share)).catch(() => 'cut');
    await dying;
    await target.end('SIGKILL');
    await forked.close();
    // As if the kill had come in the middle of putting files there.
    execFileSync('bash', ['-c', 'mkdir -p half; echo half > run.sh'], { cwd: folderOf('target', 'workspace') });
    await startTarget();
    await fill(bytes);
    expect(account('target')).toBe(before);
    expect((await say(forked, 'what did you hear')).said).toBe('heard one');
    // Done, it stays so, and another life asks for nothing.
    await target.end('SIGKILL');
    await forked.close();
    await startTarget();
    expect(await json(target, agentPaths.forkState, null)).toMatchObject({ filled: { isExact: true } });
    expect((await say(forked, 'what did you hear')).said).toBe('heard one');
  });

  it('is filled from a source that was killed meanwhile', async () => {
    await say(control, 'remember word-one');
    await keep(null);
    const before = withoutLeftOut(account('source'));
    await source.end('SIGKILL');
    await control.close();
    source = await startAgent({ dir: folderOf('source'), gatewayPort: model.port });
    control = await connectControl(source.socketPath);
    await fill(await pour());
    expect(account('target')).toBe(before);
    expect((await say(forked, 'what did you hear')).said).toBe('heard one');
  });
});
