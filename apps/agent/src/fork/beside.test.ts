/** What Claude Code keeps beside a conversation goes along with a fork: two real agents, the real Claude Code. */
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';

import { agentPaths, type CommandId } from '@remote-claude/contract';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { testSecret, type AgentProcess } from '../testing/agent-process.js';
import type { ControlClient } from '../testing/control-client.js';
import { useConversations } from '../testing/conversations.js';
import { scratchFolder } from '../testing/scratch.js';
import { openBeside } from './beside.js';
import { writeConversation } from './conversation-writer.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const forkId = '00000000-0000-4000-8000-0000000000f0';
const conversations = useConversations(`
  { name: 'delegate', when: userSays('please delegate'), answer: [toolUse('Agent', { description: 'Look', prompt: 'look around', subagent_type: 'general-purpose', run_in_background: false })] },
  { name: 'look', when: userSays('look around'), answer: [text('word-subagent seen')] },
  { name: 'print', when: afterTool('Agent'), answer: [toolUse('Bash', { command: 'seq 100000' })] },
  { name: 'recall', when: userSays('please recall'), answer: (conversation) => {
    const [path] = /\\/[^"\\s\\\\]+\\/tool-results\\/[\\w.-]+/.exec(JSON.stringify(conversation)) ?? ['none'];
    return [toolUse('Bash', { command: 'tail -n 1 ' + path + '; cat ' + path.replace(/tool-results.*/, 'subagents/*.jsonl') + ' | grep -o word-subagent' })];
  } },
  { name: 'printed', when: afterTool('Bash'), answer: [text('Done.')] },
`);

const post = (agent: AgentProcess, path: string, body: string | Buffer): Promise<{ status: number; body: Buffer }> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${testSecret}`, 'content-length': Buffer.byteLength(body) };
    const asked = request({ socketPath: agent.socketPath, path, method: 'POST', headers }, (response) => {
      buffer(response).then((read) => resolve({ status: response.statusCode ?? 0, body: read }), reject);
    });
    asked.on('error', reject).end(body);
  });

/** Says something, allows what is asked, and waits for the end of the turn. */
const say = async (link: ControlClient, prompt: string): Promise<CommandId> => {
  const id = link.command({ type: 'prompt', prompt });
  const { turnId } = await link.next('turn.started', ({ messageIds }) => messageIds.includes(id));
  const answered = new Set<string>();
  await vi.waitFor(
    () => {
      for (const { event } of link.proposed) {
        if (event.type !== 'approval.asked' || answered.has(event.approval.approvalId)) continue;
        answered.add(event.approval.approvalId);
        const answer = { decision: 'allow', scope: 'once' } as const;
        link.command({ type: 'answer', approvalId: event.approval.approvalId, answer });
      }
      expect(link.proposed.some(({ event }) => event.type === 'turn.ended' && event.turnId === turnId)).toBe(true);
    },
    { timeout: 120_000, interval: 50 },
  );
  return id;
};
const filesIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted() : [];
const projectsOf = (name: string): string => join(conversations.dirOf(name), 'home', '.claude', 'projects');

describe('a fork of a conversation with a subagent and an output that is kept in a file', () => {
  it('can refer to both, from the message after them on', async () => {
    const source = await conversations.start('source');
    const target = await conversations.start('target', { variables: { awaitsFork: '1' } });
    try {
      await say(source.control, 'hello, please delegate');
      const messageId = await say(source.control, 'now please delegate again');
      const kindsOf = (name: string): (string | undefined)[] =>
        filesIn(projectsOf(name)).flatMap((path) => /(tool-results|subagents)\/.*\.(txt|jsonl)$/.exec(path)?.[1] ?? []);
      expect(kindsOf('source')).toEqual(['subagents', 'subagents', 'tool-results', 'tool-results']);

      await post(source.agent, agentPaths.forkPoint, JSON.stringify({ forkId, messageId }));
      const { status, body } = await post(source.agent, agentPaths.forkExport, JSON.stringify({ forkId }));
      expect([status, body.includes('word-subagent')]).toEqual([200, true]);
      const filled = await post(target.agent, agentPaths.forkImport, body);
      expect([filled.status, String(filled.body)]).toEqual([200, expect.any(String)]);
      // What came after that message is none of its business.
      expect(kindsOf('target')).toEqual(['subagents', 'tool-results']);

      await say(target.control, 'please recall');
      const command = await target.control.next('tool.called', ({ name }) => name === 'Bash');
      expect(JSON.stringify(command)).toContain(projectsOf('target'));
      const { output } = await target.control.next('tool.finished');
      expect(output.text.split('\n').slice(0, 2)).toEqual(['100000', 'word-subagent']);
    } finally {
      await source.control.close();
      await target.control.close();
      await source.agent.end();
      await target.agent.end();
    }
  });
});

describe('what is kept beside a conversation', () => {
  const line = (content: object): string => `${JSON.stringify(content)}\n`;
  const [early, late] = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:09.000Z'];
  let scratch: ReturnType<typeof scratchFolder>;
  beforeEach(() => {
    scratch = scratchFolder();
  });
  afterEach(() => scratch.remove());

  it('is taken where the conversation names it, until then, and from nowhere else', async () => {
    const project = join(scratch.path, 'projects', 'work');
    for (const folder of ['one/subagents', 'one/tool-results', 'before/subagents'])
      mkdirSync(join(project, folder), { recursive: true });
    const write = (name: string, content: string): void => writeFileSync(join(project, name), content);
    write('one/subagents/agent-aaaa1.jsonl', line({ timestamp: early, says: 'bbbb2' }) + line({ timestamp: late }));
    write('one/subagents/agent-aaaa1.meta.json', '{}');
    write('one/tool-results/bbbb2.txt', 'of the subagent');
    write('one/tool-results/cccc3.txt', 'named by nobody');
    write('before/subagents/agent-dddd4.jsonl', line({ timestamp: early }));
    symlinkSync(join(project, 'before/subagents/agent-dddd4.jsonl'), join(project, 'one/subagents/agent-dddd4.jsonl'));
    writeFileSync(join(scratch.path, 'eeee5'), 'elsewhere');
    symlinkSync(join(scratch.path, 'eeee5'), join(project, 'one/tool-results/eeee5.txt'));

    const beside = await openBeside(join(project, 'one.jsonl'));
    beside.see(Buffer.from(line({ timestamp: early, text: 'aaaa1, dddd4 and eeee5.txt' })));
    const taken: Record<string, string> = {};
    for await (const { name, pieces } of beside.files()) {
      const parts: Buffer[] = [];
      for await (const piece of pieces) parts.push(piece);
      taken[name] = Buffer.concat(parts).toString();
    }
    expect(taken).toEqual({
      'subagents/agent-aaaa1.jsonl': line({ timestamp: early, says: 'bbbb2' }),
      'subagents/agent-aaaa1.meta.json': '{}',
      'subagents/agent-dddd4.jsonl': line({ timestamp: early }),
      'tool-results/bbbb2.txt': 'of the subagent',
    });
  });

  it('is written under its own folder alone, whatever the other session calls it', async () => {
    const [home, workspace] = [join(scratch.path, 'home'), join(scratch.path, 'work')];
    mkdirSync(workspace);
    const from = { workspace: '/there', projects: '/there/.claude/projects/-there' };
    const open = () => writeConversation({ home, workspace }, { id: 'one', from });
    for (const name of ['', '/etc/passwd', '../out', 'a/../../out', 'a//b', '.', 'a\0b', 'a/'.repeat(9) + 'b']) {
      const writer = await open();
      await expect(writer.begin(name)).rejects.toMatchObject({ code: 'upstream_failed' });
      await writer.abandon();
    }
    const twice = await open();
    await twice.begin('a/b.txt');
    for (const name of ['a/b.txt', 'a/b.txt/c', 'a'])
      await expect(twice.begin(name)).rejects.toMatchObject({ code: 'upstream_failed' });
    await twice.abandon();
    expect(filesIn(join(home, '.claude', 'projects')).filter((path) => path.includes('one'))).toEqual([]);

    const writer = await open();
    await writer.write(Buffer.from(line({ cwd: '/there', text: `see ${from.projects}/one/tool-results/b.txt` })));
    await writer.begin('tool-results/b.txt');
    await writer.write(Buffer.from('no line'));
    await writer.finish();
    await writer.place();
    await writer.abandon();
    const [folder = ''] = readdirSync(join(home, '.claude', 'projects'));
    const here = join(home, '.claude', 'projects', folder);
    expect(filesIn(here)).toEqual(['one', 'one.jsonl', 'one/tool-results', 'one/tool-results/b.txt']);
    expect(JSON.parse(readFileSync(join(here, 'one.jsonl'), 'utf8'))).toEqual({
      cwd: workspace,
      text: `see ${here}/one/tool-results/b.txt`,
    });
  });
});
