/**
 * The demo conversation for a first-run user without a key: Claude Code really writes, runs and mends a small program.
 * It follows from the tools' results alone, so it holds after a restart, a denied tool, or a tool that fails.
 */
import type { Conversation, ToolResult } from '../conversation.js';
import { numbered, text, thinking, toolUse } from '../script.js';
import type { Script, Step } from '../script.js';
import { denied, diagnosis, help, intro, mending, plan, rerunning, running, summary, trouble } from './demo-texts.js';
import { loadTodoTools, todoSteps } from './demo-todo.js';
import type { TodoItem } from './demo-todo.js';
import { program, programName, rightLine, wrongLine } from './prime-program.js';

const items: readonly TodoItem[] = [
  { content: `Write ${programName}`, activeForm: `Writing ${programName}` },
  { content: 'Run it', activeForm: 'Running it' },
  { content: 'Mend what is wrong', activeForm: 'Mending what is wrong' },
  { content: 'Run it again', activeForm: 'Running it again' },
];

const workTools: readonly string[] = ['Write', 'Bash', 'Edit'];
const maxQuotedChars = 600;
const countTo = 200;

/** `delayMs` is the pause before each word. */
export const createDemoScript = ({ delayMs = 25 }: { delayMs?: number } = {}): Script => [
  {
    name: 'demo: count',
    when: (conversation) => conversation.userTurns > 1 && /\bcount\b/i.test(conversation.userText),
    answer: [numbered(countTo, { prefix: '', delayMs: delayMs * 2 })],
  },
  {
    name: 'demo: program',
    when: (conversation) => conversation.userTurns <= 1 || /\b(program|again|demo)\b/i.test(conversation.userText),
    answer: (conversation) => programAnswer(conversation).map((step) => paced(step, delayMs)),
  },
  { name: 'demo: help', when: [], answer: [text(help, { delayMs })] },
];

export const demoScript: Script = createDemoScript();

const paced = (step: Step, delayMs: number): Step =>
  step.kind === 'text' || step.kind === 'thinking' || step.kind === 'toolUse' ? { ...step, delayMs } : step;

/** Where the turn stands is told by the work tools that answered in it; the todo list only goes along. */
const programAnswer = (conversation: Conversation): readonly Step[] => {
  const refused = conversation.newResults.find(isDenial);
  if (refused !== undefined) return [text(denied(refused.tool, refused.text.slice(0, maxQuotedChars)))];
  const done = conversation.turnResults.filter((result) => workTools.includes(result.tool));
  const last = done.at(-1);
  if (last === undefined) return beginning(conversation);
  if (last.tool === 'Bash') return afterRun(conversation, done, last);
  if (last.isError) return failed(last);
  if (last.tool === 'Write') return [text(running), ...todoSteps(conversation, items, 1), run('Run the program')];
  return [text(rerunning), ...todoSteps(conversation, items, 3), run('Run the mended program')];
};

const beginning = (conversation: Conversation): readonly Step[] => {
  const greeting = conversation.turnResults.length === 0 ? [thinking(plan), text(intro)] : [];
  const loading = loadTodoTools(conversation);
  if (loading.length > 0) return [...greeting, ...loading];
  return [...greeting, ...todoSteps(conversation, items, 0), write(conversation)];
};

const afterRun = (conversation: Conversation, done: readonly ToolResult[], last: ToolResult): readonly Step[] => {
  const mended = done.some((result) => result.tool === 'Edit');
  if (!mended) {
    if (!last.isError || !last.text.includes('AssertionError')) return failed(last);
    const edit = toolUse('Edit', { file_path: pathOf(conversation), old_string: wrongLine, new_string: rightLine });
    return [thinking(diagnosis), text(mending), ...todoSteps(conversation, items, 2), edit];
  }
  if (last.isError) return failed(last);
  const closing = conversation.newResults.includes(last) ? todoSteps(conversation, items, items.length) : [];
  return closing.length > 0 ? closing : [text(summary)];
};

const write = (conversation: Conversation): Step =>
  toolUse('Write', { file_path: pathOf(conversation), content: program });
const run = (description: string): Step => toolUse('Bash', { command: `node ${programName}`, description });
const failed = (result: ToolResult): readonly Step[] => [
  text(trouble(result.tool, result.text.slice(0, maxQuotedChars))),
];

const pathOf = ({ system }: Conversation): string => {
  const folder =
    /^[ \t*-]*(?:Primary working directory|Working directory|cwd): (\/.*)$/im.exec(system)?.[1]?.trim() ?? '/workspace';
  return `${folder.replace(/\/+$/, '')}/${programName}`;
};

/** A person's refusal is an error in their own words; a tool's failure says that it is one. */
const isDenial = ({ tool, isError, text: words }: ToolResult): boolean =>
  workTools.includes(tool) &&
  isError &&
  !/^\s*(<tool_use_error>|Error\b|Exit code \d|InputValidationError)/.test(words);
