/** What a tool call is about, read from its name and input. An input is whatever a model wrote: nothing is taken for granted. */
import type { ToolInput } from '@remote-claude/contract';

export interface Edit {
  before: string;
  after: string;
}
export type ToolView =
  | { kind: 'edit'; path: string; edits: Edit[]; replaceAll: boolean }
  | { kind: 'write'; path: string; content: string }
  | { kind: 'command'; command: string; description: string | null; background: boolean }
  | { kind: 'read'; path: string; range: string | null }
  | { kind: 'search'; pattern: string; where: string | null }
  | { kind: 'web'; url: string | null; query: string | null }
  | { kind: 'agent'; description: string; prompt: string }
  | { kind: 'todo' }
  | { kind: 'plan'; plan: string }
  | { kind: 'other' };

const text = (input: ToolInput, ...names: string[]): string | null => {
  for (const name of names) {
    const value = input[name];
    if (typeof value === 'string') return value;
  }
  return null;
};
const number = (input: ToolInput, name: string): number | null => {
  const value = input[name];
  return typeof value === 'number' ? value : null;
};

const editOf = (value: unknown): Edit[] => {
  const edit = (typeof value === 'object' && value !== null ? value : {}) as ToolInput;
  const before = text(edit, 'old_string');
  const after = text(edit, 'new_string');
  return before === null && after === null ? [] : [{ before: before ?? '', after: after ?? '' }];
};

const rangeOf = (input: ToolInput): string | null => {
  const offset = number(input, 'offset');
  const limit = number(input, 'limit');
  if (offset === null && limit === null) return null;
  const from = offset ?? 1;
  return limit === null ? `from line ${from}` : `lines ${from}–${from + limit - 1}`;
};

export const viewTool = (name: string, input: ToolInput): ToolView => {
  const path = text(input, 'file_path', 'path', 'notebook_path') ?? '';
  switch (name) {
    case 'Edit':
      return { kind: 'edit', path, edits: editOf(input), replaceAll: input['replace_all'] === true };
    case 'MultiEdit':
      return {
        kind: 'edit',
        path,
        edits: Array.isArray(input['edits']) ? input['edits'].flatMap(editOf) : [],
        replaceAll: false,
      };
    case 'Write':
      return { kind: 'write', path, content: text(input, 'content') ?? '' };
    case 'NotebookEdit':
      return { kind: 'write', path, content: text(input, 'new_source') ?? '' };
    case 'Bash':
      return {
        kind: 'command',
        command: text(input, 'command') ?? '',
        description: text(input, 'description'),
        background: input['run_in_background'] === true,
      };
    case 'Read':
      return { kind: 'read', path, range: rangeOf(input) };
    case 'Grep':
    case 'Glob':
      return { kind: 'search', pattern: text(input, 'pattern', 'query') ?? '', where: text(input, 'path', 'glob') };
    case 'LS':
      return { kind: 'search', pattern: '', where: path };
    case 'WebFetch':
    case 'WebSearch':
      return { kind: 'web', url: text(input, 'url'), query: text(input, 'query', 'prompt') };
    case 'Task':
    case 'Agent':
      return { kind: 'agent', description: text(input, 'description') ?? '', prompt: text(input, 'prompt') ?? '' };
    case 'TodoWrite':
      return { kind: 'todo' };
    case 'ExitPlanMode':
      return { kind: 'plan', plan: text(input, 'plan') ?? '' };
    default:
      return { kind: 'other' };
  }
};

/** What Claude does now, as a verb, for the line that shows that it works. */
export const verbOf = (name: string, input: ToolInput): string => {
  switch (viewTool(name, input).kind) {
    case 'edit':
      return 'Editing';
    case 'write':
      return 'Writing a file';
    case 'command':
      return 'Running a command';
    case 'read':
      return 'Reading';
    case 'search':
      return 'Searching';
    case 'web':
      return 'Looking on the web';
    case 'agent':
      return 'A subagent works';
    case 'todo':
    case 'plan':
      return 'Planning';
    case 'other':
      return 'Using a tool';
  }
};

/** The path without what leads to the work tree, which is the same everywhere. */
export const shortPath = (path: string): string => path.replace(/^\/workspace\/?/, '') || path;

/** `server:tool` for a tool of an MCP server, the name itself for others. */
export const shortToolName = (name: string): string => {
  const match = /^mcp__(.+?)__(.+)$/.exec(name);
  return match ? `${match[1] ?? ''}: ${match[2] ?? ''}` : name;
};
