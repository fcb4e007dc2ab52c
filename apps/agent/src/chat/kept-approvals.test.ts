/** A question outlives the process that asked: the real Claude Code and a scripted model, killed and stopped while it waits. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { AgentEvent, ApprovalAnswer, ApprovalId, CommandId } from '@remote-claude/contract';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';

import { startAgent, type AgentProcess } from '../testing/agent-process.js';
import { connectControl, newCommandId, type ControlClient } from '../testing/control-client.js';
import { claudesOf } from '../testing/processes.js';
import { startModel, type ModelProcess } from '../testing/scripted-model.js';
import { scratchFolder, until } from '../testing/scratch.js';

// Each test starts the real Claude Code, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const command = 'echo ran >> ran.txt';
const rules = `
  { name: 'again', when: userSays(/did not run. The user has allowed it[^]*echo ran/), answer: [toolUse('Bash', { command: '${command}' })] },
  { name: 'another', when: userSays(/did not run. The user has allowed it[^]*echo one/), answer: [toolUse('Bash', { command: 'echo two >> ran.txt' })] },
  { name: 'again asked', when: userSays(/did not run. The user has allowed it[^]*colour/), answer: [toolUse('AskUserQuestion', { questions: [{ question: 'Which colour?', header: 'Colour', multiSelect: false, options: [{ label: 'Red', description: 'warm' }, { label: 'Blue', description: 'cool' }] }] })] },
  { name: 'told', when: userSays(/The user has denied it since and said: Not like this/), answer: [text('Then I leave it.')] },
  { name: 'append', when: userSays('append'), answer: [toolUse('Bash', { command: '${command}' })] },
  { name: 'changes', when: userSays('changeable'), answer: [toolUse('Bash', { command: 'echo one >> ran.txt' })] },
  { name: 'asks', when: userSays('question'), answer: [toolUse('AskUserQuestion', { questions: [{ question: 'Which colour?', header: 'Colour', multiSelect: false, options: [{ label: 'Red', description: 'warm' }, { label: 'Blue', description: 'cool' }] }] })] },
  { name: 'asked', when: afterTool('AskUserQuestion', { text: /Blue/ }), answer: [text('Blue it is.')] },
  { name: 'appended', when: afterTool('Bash', { isError: false }), answer: [text('Appended.')] },
  { name: 'not appended', when: afterTool('Bash', { isError: true }), answer: [text('Not appended.')] },
`;

const scratch = scratchFolder();
let model: ModelProcess;
let agent: AgentProcess;
let control: ControlClient;
let count = 0;
let dir = '';

const start = async (): Promise<void> => {
  agent = await startAgent({ dir, gatewayPort: model.port });
  control = await connectControl(agent.socketPath);
};
const ran = (): string => {
  const path = join(dir, 'workspace/ran.txt');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};
const typesOf = (client: ControlClient): AgentEvent['type'][] => client.proposed.map(({ event }) => event.type);
const answer = (approvalId: ApprovalId, more: Partial<ApprovalAnswer> = {}, id?: CommandId): CommandId =>
  control.command({ type: 'answer', approvalId, answer: { decision: 'allow', scope: 'once', ...more } }, id);
const raise = async (prompt: string) => {
  control.command({ type: 'prompt', prompt });
  const turn = await control.next('turn.started');
  const { approval } = await control.next('approval.asked');
  return { approval, turn };
};
const loseClaude = async (): Promise<void> => {
  for (const pid of claudesOf(agent.child.pid)) process.kill(pid, 'SIGKILL');
  expect((await control.next('turn.ended')).reason).toContain('answer it');
};
const loseAgent = (signal: NodeJS.Signals) => async (): Promise<void> => {
  await control.close();
  await agent.end(signal);
  await start();
};

beforeAll(async () => {
  model = await startModel(scratch.path, rules);
});
afterAll(async () => {
  await model.close();
  scratch.remove();
});
beforeEach(async () => {
  dir = join(scratch.path, `k${(count += 1)}`);
  await start();
});
afterEach(async () => {
  await control.close();
  await agent.end();
});

it.each([
  ['Claude was killed', loseClaude],
  ['the agent was killed', loseAgent('SIGKILL')],
  ['the session was stopped and started', loseAgent('SIGTERM')],
])('%s: the same question is answered, and its call runs once', async (_what, lose) => {
  const { approval, turn } = await raise('Please append.');
  await lose();
  expect(ran()).toBe('');
  const id = answer(approval.approvalId);
  const resumed = await control.next('turn.started', ({ turnId }) => turnId !== turn.turnId);
  expect(resumed.messageIds).toEqual(turn.messageIds);
  // The message has its checkpoint already: the files as they were before its first turn.
  const before = ({ reason }: { reason: string }): boolean => reason === 'before-turn';
  const taken = await control.next('checkpoint.taken', (one) => before(one) && one.turnId === resumed.turnId);
  expect(taken.messageIds).toEqual([]);
  const finished = await control.next('tool.finished', ({ toolUseId }) => toolUseId !== approval.approvalId);
  expect(finished).toMatchObject({ outcome: 'ok', name: 'Bash' });
  expect(control.commandsOf(finished)).toEqual([id]);
  const ended = await control.next('turn.ended', ({ turnId }) => turnId === resumed.turnId);
  expect(ended).toMatchObject({ outcome: 'completed', message: { text: 'Appended.' } });
  // A server that has not seen the effect tells it again.
  answer(approval.approvalId, {}, id);
  control.command({ type: 'prompt', prompt: 'Please append.' });
  await control.next('approval.asked', (asked) => asked.approval.approvalId !== approval.approvalId);
  expect(ran()).toBe('ran\n');
  expect(typesOf(control)).not.toContain('approval.expired');
  expect(typesOf(control)).not.toContain('command.refused');
});

it('comes through one loss after another, also while Claude is asked for the call again', async () => {
  const { approval } = await raise('Please append.');
  await loseClaude();
  await loseAgent('SIGKILL')();
  const id = answer(approval.approvalId);
  await control.next('turn.started');
  await loseAgent('SIGKILL')();
  await loseAgent('SIGTERM')();
  answer(approval.approvalId, {}, id);
  const finished = await control.next('tool.finished', ({ outcome }) => outcome === 'ok');
  expect(control.commandsOf(finished)).toEqual([id]);
  expect(ran()).toBe('ran\n');
});

it('is the same question where Claude makes the call again by itself', async () => {
  const { approval } = await raise('Please append.');
  await loseClaude();
  control.command({ type: 'prompt', prompt: 'Do append it.' });
  await until('the call', () => typesOf(control).filter((type) => type === 'tool.called').length === 2);
  answer(approval.approvalId);
  expect(await control.next('tool.finished', ({ outcome }) => outcome === 'ok')).toMatchObject({ name: 'Bash' });
  await control.next('turn.ended');
  expect(ran()).toBe('ran\n');
  expect(typesOf(control).filter((type) => type === 'approval.asked')).toHaveLength(1);
});

it('tells Claude a denial with its reason', async () => {
  const { approval, turn } = await raise('Please append.');
  await loseAgent('SIGKILL')();
  const id = answer(approval.approvalId, { decision: 'deny', reason: 'Not like this.' });
  const told = await control.next('turn.started', ({ turnId }) => turnId !== turn.turnId);
  expect(control.commandsOf(told)).toEqual([id]);
  const ended = await control.next('turn.ended', ({ outcome }) => outcome === 'completed');
  expect(ended.message?.text).toBe('Then I leave it.');
  expect(ran()).toBe('');
});

it('hands on the answers of a form', async () => {
  const { approval } = await raise('Ask me a question.');
  await loseClaude();
  answer(approval.approvalId, { input: { answers: { 'Which colour?': 'Blue' } } });
  const ended = await control.next('turn.ended', ({ outcome }) => outcome === 'completed');
  expect(ended.message?.text).toBe('Blue it is.');
});

it('lets no other call through, and says that the answer was not used', async () => {
  const { approval } = await raise('Something changeable.');
  await loseClaude();
  const id = answer(approval.approvalId);
  const other = (await control.next('approval.asked')).approval;
  expect(other.input).toMatchObject({ command: 'echo two >> ran.txt' });
  answer(other.approvalId, { decision: 'deny' });
  expect(await control.next('command.refused')).toMatchObject({ commandId: id });
  expect(ran()).toBe('');
});

it('refuses an answer whose question a rewind takes away meanwhile, and goes on', async () => {
  const { approval, turn } = await raise('Please append.');
  await loseClaude();
  const [messageId] = turn.messageIds;
  if (messageId === undefined) throw new Error('The turn names no message.');
  control.command({ type: 'rewind', what: 'both', target: { messageId } });
  const id = answer(approval.approvalId);
  expect(await control.next('rewind.done')).toMatchObject({ messageId });
  expect(await control.next('approval.expired')).toMatchObject({ approvalId: approval.approvalId });
  expect(await control.next('command.refused')).toMatchObject({ commandId: id, command: 'answer' });
  await raise('Please append.');
  expect(ran()).toBe('');
});

it('never repeats a call that was released', async () => {
  const { approval } = await raise('Please append.');
  const id = newCommandId();
  answer(approval.approvalId, {}, id);
  await until('the run', () => ran() !== '');
  await loseAgent('SIGKILL')();
  answer(approval.approvalId, {}, id);
  await control.next('claude.started');
  control.command({ type: 'prompt', prompt: 'Ask me a question.' });
  await control.next('approval.asked');
  expect(ran()).toBe('ran\n');
  expect(typesOf(control).filter((type) => type === 'turn.started').length).toBeLessThanOrEqual(2);
});

it('does not ask for what its owner always allows, letter by letter, until that is revoked', async () => {
  control.send({ type: 'rules', rules: [{ kind: 'command', command }] });
  control.command({ type: 'prompt', prompt: 'Please append.' });
  expect(await control.next('tool.finished')).toMatchObject({ outcome: 'ok' });
  await control.next('turn.ended');
  expect(ran()).toBe('ran\n');
  const other = await raise('Something changeable.');
  expect(other.approval.input).toMatchObject({ command: 'echo one >> ran.txt' });
  answer(other.approval.approvalId, { decision: 'deny' });
  await control.next('turn.ended');
  control.send({ type: 'rules', rules: [] });
  await raise('Please append.');
  expect(ran()).toBe('ran\n');
});
