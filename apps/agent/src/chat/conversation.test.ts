/** The whole agent with the real Claude Code and a scripted model, driven over its control link as a server does. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { agentPaths, serverMessage, type ServerMessage } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';

import { testSecret, type AgentProcess } from '../testing/agent-process.js';
import { connectControl, type ControlClient } from '../testing/control-client.js';
import { conversationRules as rules } from '../testing/conversation-rules.js';
import { typesOf, useConversations } from '../testing/conversations.js';
import { streamed } from '../testing/processes.js';
import { until } from '../testing/scratch.js';

// Each test starts the real Claude Code, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const { dirOf, start } = useConversations(rules);
let agent: AgentProcess;
let control: ControlClient;

afterEach(async () => {
  await control.close();
  await agent.end();
});

describe('a conversation', () => {
  let count = 0;
  let dir = '';
  beforeEach(async () => {
    const name = `s${(count += 1)}`;
    dir = dirOf(name);
    ({ agent, control } = await start(name));
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
    const { turnId } = await control.next('turn.started');
    const waiting = control.command({ type: 'prompt', prompt: 'Then say hello.' });
    const withdrawn = control.command({ type: 'prompt', prompt: 'Never mind.' });
    const withdraw = control.command({ type: 'withdraw', messageId: withdrawn });
    expect(control.commandsOf(await control.next('message.withdrawn'))).toEqual([withdraw, withdrawn]);
    await streamed(dir, 'token-0009');
    const interrupt = control.command({ type: 'interrupt', turnId });
    control.command({ type: 'interrupt', turnId }, interrupt);
    const cut = await control.next('block.interrupted');
    expect(cut.text.text).toContain('token-0001 token-0002 ');
    const ended = await control.next('turn.ended');
    expect(ended.outcome).toBe('interrupted');
    expect(control.commandsOf(ended)).toEqual([interrupt]);
    expect((await control.next('turn.started')).messageIds).toEqual([waiting]);
    expect((await control.next('turn.ended')).message?.text).toBe('Hello to you.');
    control.command({ type: 'interrupt', turnId: null });
    expect((await control.next('command.refused')).reason).toBe('Nothing was running.');
  });

  it('stops no other turn than the one that an interrupt names', async () => {
    control.command({ type: 'prompt', prompt: 'Say hello.' });
    const { turnId } = await control.next('turn.started');
    await control.next('turn.ended');
    const late = control.command({ type: 'interrupt', turnId });
    expect((await control.next('command.refused')).reason).toBe('That turn has ended already.');
    control.command({ type: 'prompt', prompt: 'Write a program.' });
    const second = await control.next('turn.started');
    await control.next('approval.asked');
    const tooLate = control.command({ type: 'interrupt', turnId });
    const refused = await control.next('command.refused');
    expect(refused).toMatchObject({ commandId: tooLate, reason: 'That turn has ended already.' });
    expect(tooLate).not.toBe(late);
    expect(typesOf(control).filter((type) => type === 'turn.ended')).toHaveLength(1);
    control.command({ type: 'interrupt', turnId: second.turnId });
    expect(await control.next('turn.ended')).toMatchObject({ turnId: second.turnId, outcome: 'interrupted' });
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

  it('streams to live sockets under the id that the final text has', async () => {
    const live = new WebSocket(`ws+unix:${agent.socketPath}:${agentPaths.live}`, {
      headers: { authorization: `Bearer ${testSecret}` },
    });
    const heard: ServerMessage[] = [];
    live.on('message', (data) => void heard.push(serverMessage.parse(JSON.parse(String(data)))));
    await new Promise((resolve) => live.once('open', resolve));
    live.send(JSON.stringify({ id: '1', type: 'stream', payload: { action: 'subscribe', of: 'events' } }));
    live.send(JSON.stringify({ id: '2', type: 'ping', payload: {} }));
    await until('the subscription', () => heard.some(({ type }) => type === 'pong'));
    control.command({ type: 'prompt', prompt: 'Show some code.' });
    const final = await control.next('text');
    await until('the end', () => heard.some(({ type }) => type === 'claude-complete'));
    const streamed = heard.flatMap((message) => (message.type === 'claude-stream' ? [message.payload] : []));
    expect(new Set(streamed.map(({ blockId }) => blockId))).toEqual(new Set([final.blockId]));
    expect(streamed.map(({ content }) => content).join('')).toBe(final.text.text);
    for (const [index, { offset }] of streamed.entries()) {
      expect(offset).toBe(streamed.slice(0, index).reduce((sum, { content }) => sum + content.length, 0));
    }
    expect(
      streamed
        .filter(({ type }) => type === 'code')
        .map(({ content }) => content)
        .join(''),
    ).toContain('let a = 1;');
    live.close();
  });

  it('ends a turn with the reason when the model refuses', async () => {
    control.command({ type: 'prompt', prompt: 'This is refused.' });
    const ended = await control.next('turn.ended');
    expect(ended).toMatchObject({ outcome: 'failed', message: null });
    expect(ended.reason).toContain('This is not allowed here.');
    expect(typesOf(control)).not.toContain('text');
  });

  it('tries again when the model is overloaded', async () => {
    control.command({ type: 'prompt', prompt: 'You may be busy.' });
    const ended = await control.next('turn.ended');
    expect(ended).toMatchObject({ outcome: 'completed' });
    expect(ended.message?.text).toBe('Now I have time.');
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
