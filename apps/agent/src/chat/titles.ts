/** A short sentence for a tool call, for people: what it does to what. It does not know whether the call will run. */
import { relative } from 'node:path';

import { shortened } from './bounded.js';

const maxTitle = 200;
const maxCommand = 120;

type Input = Readonly<Record<string, unknown>>;

const textOf = (input: Input, ...names: string[]): string | null => {
  for (const name of names) {
    const value = input[name];
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return null;
};

/** `workspace` is the folder that paths are shown from. */
export const titleOf = (tool: string, input: Input, workspace: string): string =>
  shortened((sentences[tool] ?? otherTool)(input, { tool, workspace }).replaceAll(/\s+/g, ' '), maxTitle);

interface Context {
  tool: string;
  workspace: string;
}

const fileOf = (input: Input, workspace: string): string => {
  const path = textOf(input, 'file_path', 'notebook_path', 'path');
  if (path === null) return 'a file';
  const inside = relative(workspace, path);
  return inside === '' || inside.startsWith('..') ? path : inside;
};
const onFile =
  (verb: string) =>
  (input: Input, { workspace }: Context): string =>
    `${verb} ${fileOf(input, workspace)}`;

const hostOf = (input: Input): string => {
  const url = textOf(input, 'url') ?? '';
  return URL.canParse(url) ? new URL(url).host : url || 'a page';
};

const firstQuestion = (input: Input): string => {
  const [first] = Array.isArray(input['questions']) ? (input['questions'] as unknown[]) : [];
  return (typeof first === 'object' && first !== null && textOf(first as Input, 'question')) || 'Answer a question';
};

const otherTool = (_input: Input, { tool }: Context): string => {
  const [, server, name] = /^mcp__(.+?)__(.+)$/.exec(tool) ?? [];
  return server === undefined ? `Use ${tool}` : `Use ${name} of ${server}`;
};

/** Every line counts: what stands on the second one is run too. */
const inOneLine = (command: string): string =>
  command
    .trim()
    .split(/\s*\n\s*/)
    .join(' ↵ ');

const sentences: Readonly<Record<string, (input: Input, context: Context) => string>> = {
  Write: onFile('Write'),
  Edit: onFile('Edit'),
  MultiEdit: onFile('Edit'),
  NotebookEdit: onFile('Edit'),
  Read: onFile('Read'),
  Bash: (input) => `Run ${shortened(inOneLine(textOf(input, 'command') ?? 'a command'), maxCommand)}`,
  Glob: (input) => `Find files that match ${textOf(input, 'pattern') ?? 'a pattern'}`,
  Grep: (input) => `Search for ${textOf(input, 'pattern') ?? 'a text'}`,
  WebFetch: (input) => `Fetch ${hostOf(input)}`,
  WebSearch: (input) => `Search the web for ${textOf(input, 'query') ?? 'something'}`,
  Task: (input) => `Start a subagent: ${textOf(input, 'description', 'prompt') ?? 'no description'}`,
  Agent: (input) => `Start a subagent: ${textOf(input, 'description', 'prompt') ?? 'no description'}`,
  TodoWrite: () => 'Update the to-do list',
  AskUserQuestion: firstQuestion,
  EnterPlanMode: () => 'Begin to plan',
  ExitPlanMode: () => 'Accept this plan',
  Skill: (input) => `Use the skill ${textOf(input, 'skill', 'command', 'name') ?? ''}`.trim(),
  ToolSearch: () => 'Look for a tool',
  TaskStop: () => 'Stop a background task',
};
