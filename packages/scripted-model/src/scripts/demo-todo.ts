/**
 * The demo's todo list, written with whichever todo tool the installed Claude Code offers; without one there is no
 * list. It does not know what the steps of the list are for.
 */
import type { Conversation } from '../conversation.js';
import { toolUse } from '../script.js';
import type { Step } from '../script.js';

export interface TodoItem {
  readonly content: string;
  /** The same while it is being done. */
  readonly activeForm: string;
}

const families = [['TodoWrite'], ['TaskCreate', 'TaskUpdate']] as const;
type Family = (typeof families)[number];

/** Tools that Claude Code only names, each on a line of its own, until ToolSearch has loaded their schemas. */
const isNamed = ({ system }: Conversation, tool: string): boolean => system.split('\n').includes(tool);

const loaded = (conversation: Conversation): Family | undefined =>
  families.find((family) => family.every((tool) => conversation.tools.includes(tool)));

/** Loads the todo tools where they come only on demand; [] when there is nothing to load or it was tried. */
export const loadTodoTools = (conversation: Conversation): readonly Step[] => {
  if (loaded(conversation) !== undefined || !conversation.tools.includes('ToolSearch')) return [];
  if (conversation.turnResults.some((result) => result.tool === 'ToolSearch')) return [];
  const family = families.find((one) => one.every((tool) => isNamed(conversation, tool)));
  return family === undefined
    ? []
    : [toolUse('ToolSearch', { query: `select:${family.join(',')}`, max_results: family.length })];
};

/** Brings the list to the state in which the first `done` items are done and the next is under way. */
export const todoSteps = (conversation: Conversation, items: readonly TodoItem[], done: number): readonly Step[] => {
  const family = loaded(conversation);
  if (family === undefined) return [];
  if (family[0] === 'TodoWrite') {
    const todos = items.map((item, index) => ({ ...item, status: statusOf(index, done) }));
    return [toolUse('TodoWrite', { todos })];
  }
  if (done === 0) {
    return items.map(({ content, activeForm }) =>
      toolUse('TaskCreate', { subject: content, description: content, activeForm }),
    );
  }
  const ids = taskIds(conversation);
  return [done - 1, done].flatMap((index) => {
    const taskId = ids[index];
    return taskId === undefined ? [] : [toolUse('TaskUpdate', { taskId, status: statusOf(index, done) })];
  });
};

const statusOf = (index: number, done: number): string => {
  if (index < done) return 'completed';
  return index === done ? 'in_progress' : 'pending';
};

/** Task ids are given by Claude Code, so they are read from what this turn's TaskCreate calls answered. */
const taskIds = ({ turnResults }: Conversation): readonly string[] =>
  turnResults
    .filter((result) => result.tool === 'TaskCreate')
    .map((result) => /#(\w+)/.exec(result.text)?.[1])
    .filter((id) => id !== undefined);
