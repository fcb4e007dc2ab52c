/** The whole agent with the real Claude Code and a scripted model, driven over its control link as a server does. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { AgentEvent } from '@remote-claude/contract';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { startAgent, type AgentProcess } from '../testing/agent-process.js';
import { connectControl, newCommandId, type ControlClient } from '../testing/control-client.js';
import { startModel, type ModelProcess } from '../testing/scripted-model.js';
import { scratchFolder, until } from '../testing/scratch.js';

const rules = `
  { name: 'program', when: userSays('program'), answer: [thinking('A small file will do.'), text('I write it now.'), toolUse('Write', { file_path: 'fib.mjs', content: 'console.log(1)\\n' })] },
  { name: 'written', when: afterTool('Write', { isError: false }), answer: [toolUse('Bash', { command: 'node fib.mjs && seq 1 5000' })] },
  { name: 'not written', when: afterTool('Write', { isError: true }), answer: [text('Then I leave it.')] },
  { name: 'ran', when: afterTool('Bash'), answer: [text('It prints 1.')] },
  { name: 'long', when: userSays('long'), answer: [numbered(2000, { delayMs: 20 })] },
  { name: 'asks', when: userSays('question'), answer: [toolUse('AskUserQuestion', { questions: [{ question: 'Which colour?', header: 'Colour', multiSelect: false, options: [{ label: 'Red', description: 'warm' }, { label: 'Blue', description: 'cool' }] }] })] },
  { name: 'asked', when: afterTool('AskUserQuestion', { text: /Blue/ }), answer: [text('Blue it is.')] },
  { name: 'todo', when: userSays('list'), answer: [toolUse('TodoWrite', { todos: [{ content: 'Look', activeForm: 'Looking', status: 'in_progress' }] })] },
  { name: 'todo done', when: afterTool('TodoWrite'), answer: [text('Noted.')] },
  { name: 'cut', when: userSays('cut'), answer: [halfStream(3), text('one two three four five six')], times: 1 },
  { name: 'whole', when: userSays('cut'), answer: [text('one two three four five six')] },
  { name: 'refused', when: userSays('refused'), answer: [error(400, { message: 'This is not allowed here.' })] },
  { name: 'key', when: userSays('wrong key'), answer: [error(401)] },
  { name: 'word', when: [userSays('the word'), (conversation) => JSON.stringify(conversation).includes('PINEAPPLE')], answer: [text('It stands in CLAUDE.md.')] },
  { name: 'hello', when: userSays('hello'), answer: [text('Hello to you.')] },
`;

const scratch = scratchFolder();
let model: ModelProcess;
let agent: AgentProcess;
let control: ControlClient;

const dirOf = (name: string): string => join(scratch.path, name);
const typesOf = (client: ControlClient): AgentEvent['type'][] => client.proposed.map(({ event }) => event.type);

beforeAll(async () => {
  model = await startModel(scratch.path, rules);
});
afterAll(async () => {
  await model.close();
  scratch.remove();
});

describe('a conversation', () => {
  let count = 0;
  let dir = '';
  beforeEach(async () => {
    dir = dirOf(`s${(count += 1)}`);
    agent = await startAgent({ dir, gatewayPort: model.port });
    control = await connectControl(agent.socketPath);
  });
  afterEach(async () => {
    await control.close();
    await agent.end();
  });

  it('goes from prompt over approvals to the end of the turn', async () => {
    const started = await control.next('claude.started');
    expect(started.version).toMatch(/^\d+\.\d+/);
    expect(started.slashCommands.map(({ name }) => name)).toContain('compact');

    const prompt = control.command({ type: 'prompt', prompt: 'Write a program.' });
    control.command({ type: 'prompt', prompt: 'Write a program.' }, prompt);
    const turn = await control.next('turn.started');
    expect(turn.messageIds).toEqual([prompt]);
    expect(control.commandsOf(turn)).toEqual([prompt]);
    expect((await control.next('thinking')).text.text).toBe('A small file will do.');
    expect((await control.next('text')).text.text).toBe('I write it now.');
    expect(await control.next('tool.called')).toMatchObject({
      name: 'Write',
      title: 'Write fib.mjs',
      inputCut: false,
      turnId: turn.turnId,
    });

    const { approval } = await control.next('approval.asked');
    expect(approval).toMatchObject({
      kind: 'tool',
      tool: 'Write',
      title: 'Write fib.mjs',
      sessionRule: 'every edit of files in the work tree',
    });
    expect(existsSync(join(dir, 'workspace/fib.mjs'))).toBe(false);
    const answer = control.command({
      type: 'answer',
      approvalId: approval.approvalId,
      answer: { decision: 'allow', scope: 'once' },
    });
    const written = await control.next('tool.finished');
    expect(written).toMatchObject({ name: 'Write', outcome: 'ok' });
    expect(control.commandsOf(written)).toEqual([answer]);
    expect(readFileSync(join(dir, 'workspace/fib.mjs'), 'utf8')).toBe('console.log(1)\n');

    const asked = (await control.next('approval.asked')).approval;
    expect(asked.input).toMatchObject({ command: 'node fib.mjs && seq 1 5000' });
    control.command({ type: 'answer', approvalId: asked.approvalId, answer: { decision: 'allow', scope: 'once' } });
    const ran = await control.next('tool.finished');
    expect(ran).toMatchObject({ name: 'Bash', outcome: 'ok' });
    const whole = control.blobs.get(ran.output.blob ?? '');
    expect(whole?.length).toBe(ran.output.bytes);
    expect(whole?.startsWith(ran.output.text)).toBe(true);

    const ended = await control.next('turn.ended');
    expect(ended).toMatchObject({ outcome: 'completed', reason: null, turnId: turn.turnId });
    expect(ended.message?.text).toBe('It prints 1.');
    expect(ended.usage.outputTokens).toBeGreaterThan(0);
    expect(typesOf(control).filter((type) => type === 'turn.started')).toHaveLength(1);
  });

  it('tells Claude why a call was denied', async () => {
    control.command({ type: 'prompt', prompt: 'Write a program.' });
    const { approval } = await control.next('approval.asked');
    control.command({
      type: 'answer',
      approvalId: approval.approvalId,
      answer: { decision: 'deny', scope: 'once', reason: 'Not in this folder.' },
    });
    const finished = await control.next('tool.finished');
    expect(finished.outcome).toBe('denied');
    expect(finished.output.text).toContain('Not in this folder.');
    expect((await control.next('turn.ended')).message?.text).toBe('Then I leave it.');
    const late = control.command({
      type: 'answer',
      approvalId: approval.approvalId,
      answer: { decision: 'allow', scope: 'once' },
    });
    expect(await control.next('command.refused')).toMatchObject({ commandId: late, command: 'answer' });
  });

  it('hands a form of questions to people and their answers to Claude', async () => {
    control.command({ type: 'prompt', prompt: 'Ask me a question.' });
    const { approval } = await control.next('approval.asked');
    expect(approval).toMatchObject({ kind: 'question', title: 'Which colour?', sessionRule: null });
    control.command({
      type: 'answer',
      approvalId: approval.approvalId,
      answer: { decision: 'allow', scope: 'once', input: { answers: { 'Which colour?': 'Blue' } } },
    });
    expect((await control.next('turn.ended')).message?.text).toBe('Blue it is.');
  });

  it('shows the to-do list', async () => {
    control.command({ type: 'prompt', prompt: 'Make a list.' });
    expect((await control.next('todo.changed')).items).toEqual([
      { content: 'Look', activeForm: 'Looking', status: 'in_progress' },
    ]);
    expect((await control.next('turn.ended')).outcome).toBe('completed');
  });

  it('interrupts, keeps what was written, and goes on with what waits', async () => {
    control.command({ type: 'prompt', prompt: 'Say something long.' });
    await control.next('turn.started');
    const waiting = control.command({ type: 'prompt', prompt: 'Then say hello.' });
    const withdrawn = control.command({ type: 'prompt', prompt: 'Never mind.' });
    const withdraw = control.command({ type: 'withdraw', messageId: withdrawn });
    expect(control.commandsOf(await control.next('message.withdrawn'))).toEqual([withdraw, withdrawn]);
    await streamed(dir, 'token-0009');
    const interrupt = control.command({ type: 'interrupt' });
    control.command({ type: 'interrupt' }, interrupt);
    const cut = await control.next('block.interrupted');
    expect(cut.text.text).toContain('token-0001 token-0002 ');
    const ended = await control.next('turn.ended');
    expect(ended.outcome).toBe('interrupted');
    expect(control.commandsOf(ended)).toEqual([interrupt]);
    expect((await control.next('turn.started')).messageIds).toEqual([waiting]);
    expect((await control.next('turn.ended')).message?.text).toBe('Hello to you.');
    control.command({ type: 'interrupt' });
    expect((await control.next('command.refused')).reason).toBe('Nothing was running.');
  });

  it('repeats exactly what was not acknowledged when the link comes back', async () => {
    await control.close();
    const deaf = await connectControl(agent.socketPath, { acknowledge: false });
    deaf.command({ type: 'prompt', prompt: 'Say hello.' });
    await deaf.next('turn.ended');
    const first = [...deaf.proposed];
    await deaf.close();
    control = await connectControl(agent.socketPath);
    await until('the repeat', () => control.proposed.length >= first.length);
    expect(control.proposed.slice(0, first.length)).toEqual(first);
    const head = control.proposed.length;
    control.command({ type: 'prompt', prompt: 'Say hello.' });
    await control.next(
      'turn.started',
      (event) => !first.some((old) => old.event.type === 'turn.started' && old.event.turnId === event.turnId),
    );
    expect(control.proposed[head]?.n).toBe((control.proposed[head - 1]?.n ?? 0) + 1);
  });

  it('replaces a block that a broken line cut', async () => {
    control.command({ type: 'prompt', prompt: 'The line is cut.' });
    expect((await control.next('turn.ended')).outcome).toBe('completed');
    const texts = control.proposed.flatMap(({ event }) => (event.type === 'text' ? [event.text.text] : []));
    expect(texts).toEqual(['one two three four five six']);
    expect(typesOf(control)).not.toContain('block.interrupted');
  });

  it('ends a turn with the reason when the model refuses', async () => {
    control.command({ type: 'prompt', prompt: 'This is refused.' });
    const ended = await control.next('turn.ended');
    expect(ended).toMatchObject({ outcome: 'failed', message: null });
    expect(ended.reason).toContain('This is not allowed here.');
    expect(typesOf(control)).not.toContain('text');
  });

  it('does not go on for minutes with a wrong key', async () => {
    control.command({ type: 'prompt', prompt: 'Use the wrong key.' });
    const ended = await control.next('turn.ended');
    expect(ended.outcome).toBe('failed');
    expect(ended.reason).toContain('did not accept the key');
  });

  it('changes model, mode and effort while it runs', async () => {
    const id = control.command({
      type: 'configure',
      settings: { permissionMode: 'acceptEdits', model: 'sonnet', effort: 'low' },
    });
    const configured = await control.next('claude.configured');
    expect(configured).toEqual({
      type: 'claude.configured',
      model: 'sonnet',
      permissionMode: 'acceptEdits',
      effort: 'low',
    });
    expect(control.commandsOf(configured)).toEqual([id]);
    control.command({ type: 'prompt', prompt: 'Write a program.' });
    // The mode lets the edit through without asking; it is recorded all the same.
    expect(await control.next('tool.finished')).toMatchObject({ name: 'Write' });
    control.command({ type: 'configure', settings: { permissionMode: 'default', model: null, effort: null } });
    expect(await control.next('claude.configured')).toMatchObject({ permissionMode: 'default' });
    control.command({ type: 'interrupt' });
    await control.next('turn.ended');
  });
});

describe('what a crash leaves', () => {
  it('survives a killed Claude: the text so far, and the next prompt goes on', async () => {
    agent = await startAgent({ dir: dirOf('k'), gatewayPort: model.port });
    control = await connectControl(agent.socketPath);
    control.command({ type: 'prompt', prompt: 'Say hello.' });
    await control.next('turn.ended');
    control.command({ type: 'prompt', prompt: 'Say something long.' });
    await streamed(dirOf('k'), 'token-0005');
    const killedAt = Date.now();
    for (const pid of childrenOf(agent.child.pid ?? 0)) process.kill(pid, 'SIGKILL');
    expect((await control.next('block.interrupted')).text.text).toContain('token-0001');
    const ended = await control.next('turn.ended', ({ outcome }) => outcome === 'interrupted');
    expect(ended.reason).toContain('ended unexpectedly');
    expect(Date.now() - killedAt).toBeLessThan(3_000);
    control.command({ type: 'prompt', prompt: 'Say hello.' });
    expect((await control.next('turn.ended')).message?.text).toBe('Hello to you.');
    await control.close();
    await agent.end();
  });

  it('survives a killed agent: the next one tells what was under way', async () => {
    agent = await startAgent({ dir: dirOf('a'), gatewayPort: model.port });
    const deaf = await connectControl(agent.socketPath, { acknowledge: false });
    const prompt = deaf.command({ type: 'prompt', prompt: 'Say something long.' });
    const turn = await deaf.next('turn.started');
    await streamed(dirOf('a'), 'token-0005');
    await agent.end('SIGKILL');
    const before = [...deaf.proposed];

    agent = await startAgent({ dir: dirOf('a'), gatewayPort: model.port });
    control = await connectControl(agent.socketPath);
    const ended = await control.next('turn.ended');
    expect(ended).toMatchObject({ turnId: turn.turnId, outcome: 'interrupted' });
    const cut = await control.next('block.interrupted');
    expect(cut.turnId).toBe(turn.turnId);
    expect(cut.text.text).toContain('token-0005');
    expect(control.proposed.slice(0, before.length)).toEqual(before);
    expect(new Set(control.proposed.map(({ source }) => source)).size).toBe(2);
    // The server repeats the command whose effect it has not seen: it is done, so nothing happens.
    control.command({ type: 'prompt', prompt: 'Say something long.' }, prompt);
    control.command({ type: 'prompt', prompt: 'Say hello.' });
    expect((await control.next('turn.ended')).message?.text).toBe('Hello to you.');
    expect(typesOf(control).filter((type) => type === 'turn.started')).toHaveLength(2);
    await control.close();
    await agent.end();

    agent = await startAgent({ dir: dirOf('a'), gatewayPort: model.port });
    control = await connectControl(agent.socketPath);
    await control.next('claude.started');
    expect(typesOf(control)).not.toContain('turn.ended');
    await control.close();
    await agent.end();
  });

  it('expires a question whose call went with its process', async () => {
    agent = await startAgent({ dir: dirOf('q'), gatewayPort: model.port });
    control = await connectControl(agent.socketPath);
    control.command({ type: 'prompt', prompt: 'Ask me a question.' });
    const { approval } = await control.next('approval.asked');
    await agent.end('SIGKILL');
    agent = await startAgent({ dir: dirOf('q'), gatewayPort: model.port });
    control = await connectControl(agent.socketPath);
    expect((await control.next('approval.expired')).approvalId).toBe(approval.approvalId);
    expect(await control.next('tool.finished')).toMatchObject({
      toolUseId: approval.approvalId,
      outcome: 'interrupted',
    });
    expect((await control.next('turn.ended')).outcome).toBe('interrupted');
    const id = newCommandId();
    control.command(
      { type: 'answer', approvalId: approval.approvalId, answer: { decision: 'allow', scope: 'once' } },
      id,
    );
    expect((await control.next('command.refused')).commandId).toBe(id);
    await control.close();
    await agent.end();
  });
});

it("keeps a repository's own hooks, commands, settings and servers inert, and reads its CLAUDE.md", async () => {
  const repository = join(dirOf('r'), 'workspace');
  const touched = dirOf('touched');
  mkdirSync(join(repository, '.claude/commands'), { recursive: true });
  const hook = [{ hooks: [{ type: 'command', command: `touch ${touched}` }] }];
  const hooks = { SessionStart: hook, UserPromptSubmit: hook, PreToolUse: hook, Stop: hook };
  const settings = {
    hooks,
    permissions: { allow: ['Bash(*)', 'Write'] },
    env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' },
  };
  writeFileSync(join(repository, '.claude/settings.json'), JSON.stringify(settings));
  writeFileSync(join(repository, '.claude/settings.local.json'), JSON.stringify(settings));
  writeFileSync(join(repository, '.claude/commands/planted.md'), 'Say planted.');
  writeFileSync(
    join(repository, '.mcp.json'),
    JSON.stringify({ mcpServers: { planted: { command: 'touch', args: [touched] } } }),
  );
  writeFileSync(join(repository, 'CLAUDE.md'), 'The word of this project is PINEAPPLE.');

  agent = await startAgent({ dir: dirOf('r'), gatewayPort: model.port });
  control = await connectControl(agent.socketPath);
  control.command({ type: 'prompt', prompt: 'What is the word?' });
  expect((await control.next('turn.ended')).message?.text).toBe('It stands in CLAUDE.md.');
  const started = await control.next('claude.started', ({ tools }) => tools.length > 0);
  expect(started.slashCommands.map(({ name }) => name)).not.toContain('planted');
  control.command({ type: 'prompt', prompt: 'Write a program.' });
  // The repository's own rule would let it through.
  expect((await control.next('approval.asked')).approval.tool).toBe('Write');
  control.command({ type: 'interrupt' });
  await control.next('turn.ended');
  expect(existsSync(touched)).toBe(false);
  await control.close();
  await agent.end();
});

/** Until the record of what is under way holds these words. */
const streamed = (dir: string, words: string): Promise<boolean> => {
  const path = join(dir, 'state/chat/under-way.json');
  return until(words, () => existsSync(path) && readFileSync(path, 'utf8').includes(words));
};

const childrenOf = (pid: number): number[] =>
  execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/)
    .map(Number);
