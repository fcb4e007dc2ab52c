/**
 * What a person lets Claude always do, in all of their sessions or in all of a project's. The server makes a rule from the call that was shown,
 * never from what a session says that it is. A rule is as narrow as it can be said: a command is allowed letter by letter,
 * so no `&&`, no redirection and no `$(…)` can ride on it.
 */
import { z } from 'zod';

import { projectId, timestamp } from '../ids.js';
import type { OpenApproval, ToolInput } from './approval.js';
import { author } from './user.js';

const maxCommand = 4_000;

export const ruleId = z.uuid().brand<'RuleId'>();
export type RuleId = z.infer<typeof ruleId>;

export const approvalRule = z.discriminatedUnion('kind', [
  /** This command of Bash, letter by letter. */
  z.object({ kind: z.literal('command'), command: z.string().min(1).max(maxCommand) }),
  /** Edits of files in the work tree, where the mode "accept edits" would let them through. */
  z.object({ kind: z.literal('edits') }),
  /** Fetching pages of this host, and of none beside or below it. */
  z.object({ kind: z.literal('host'), host: z.string().min(1).max(255) }),
  /** Every use of this tool of an MCP server. */
  z.object({ kind: z.literal('tool'), tool: z.string().min(1).max(200) }),
]);
export type ApprovalRule = z.infer<typeof approvalRule>;

export const storedRule = z.object({
  id: ruleId,
  rule: approvalRule,
  /** The rule for people, to stand after "Always allowed:". */
  words: z.string(),
  /** In whose sessions it counts; null: in all of whoever allowed it. */
  project: z.object({ id: projectId, name: z.string() }).nullable(),
  /** Who allowed it. */
  by: author,
  createdAt: timestamp,
});
export type StoredRule = z.infer<typeof storedRule>;

const editTools = ['Edit', 'Write', 'MultiEdit', 'NotebookEdit'];
/** What else a call of Bash may say: anything beyond it (leaving a sandbox, say) makes it another call. */
const harmlessBashFields = ['command', 'description', 'timeout', 'run_in_background'];

const bashCommand = (input: ToolInput): string | null => {
  const { command } = input;
  if (typeof command !== 'string' || command === '' || command.length > maxCommand) return null;
  return Object.keys(input).every((field) => harmlessBashFields.includes(field)) ? command : null;
};

const hostOf = (input: ToolInput): string | null => {
  const match = /^https?:\/\/([a-z0-9][a-z0-9.-]*)(?::\d+)?(?:[/?#]|$)/i.exec(
    typeof input['url'] === 'string' ? input['url'] : '',
  );
  return match?.[1]?.toLowerCase() ?? null;
};

/** The narrowest rule that this call falls under; null for a call that is never allowed for good. */
const ruleOfCall = (tool: string, input: ToolInput): ApprovalRule | null => {
  if (tool === 'Bash') {
    const command = bashCommand(input);
    return command === null ? null : { kind: 'command', command };
  }
  if (editTools.includes(tool)) return { kind: 'edits' };
  if (tool === 'WebFetch') {
    const host = hostOf(input);
    return host === null ? null : { kind: 'host', host };
  }
  return /^mcp__.+__.+$/.test(tool) ? { kind: 'tool', tool } : null;
};

/** What the scopes `project` and `always` would allow for this question; null where they are not offered. */
export const alwaysRuleOf = (
  asked: Pick<OpenApproval, 'kind' | 'tool' | 'input' | 'wholeInput' | 'sessionRule'>,
): ApprovalRule | null =>
  asked.kind !== 'tool' || asked.sessionRule === null || asked.wholeInput !== undefined
    ? null
    : ruleOfCall(asked.tool, asked.input);

/** Whether a rule is for this call. Where edits are concerned the caller knows which ones the work tree holds. */
export const isRuleFor = (rule: ApprovalRule, tool: string, input: ToolInput): boolean => {
  const own = ruleOfCall(tool, input);
  return own !== null && own.kind === rule.kind && subjectOf(own) === subjectOf(rule);
};

const subjectOf = (rule: ApprovalRule): string => {
  switch (rule.kind) {
    case 'command':
      return rule.command;
    case 'host':
      return rule.host;
    case 'tool':
      return rule.tool;
    case 'edits':
      return '';
  }
};

export const wordsOfRule = (rule: ApprovalRule): string => {
  switch (rule.kind) {
    case 'command':
      return `exactly this command: ${rule.command}`;
    case 'edits':
      return 'every edit of files in a work tree';
    case 'host':
      return `fetching pages of ${rule.host}`;
    case 'tool':
      return `every use of ${rule.tool}`;
  }
};
