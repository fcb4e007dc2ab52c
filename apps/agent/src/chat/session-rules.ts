/**
 * What people allowed for the rest of the session. A rule comes from what Claude Code suggests for a call, so that
 * its own reading of a shell command decides what matches; where it suggests nothing, only the very same command does.
 * It does not ask anyone and does not store anything.
 */
import type { PermissionUpdate } from '@anthropic-ai/claude-agent-sdk';
import { isRuleFor, type ApprovalRule } from '@remote-claude/contract';
import { z } from 'zod';

import { shortened } from './bounded.js';

export const sessionRule = z.discriminatedUnion('kind', [
  /** Rules of Claude Code's own, such as `Bash(npm test *)`. */
  z.object({
    kind: z.literal('native'),
    rules: z.array(z.object({ toolName: z.string(), ruleContent: z.string().optional() })),
  }),
  /** Edits that the mode `acceptEdits` would let through. */
  z.object({ kind: z.literal('edits') }),
  /** This command of this tool, letter by letter. */
  z.object({ kind: z.literal('command'), tool: z.string(), command: z.string() }),
]);
export type SessionRule = z.infer<typeof sessionRule>;

/** What Claude Code says with a question; see `CanUseTool`. */
export interface AskedFor {
  tool: string;
  input: Readonly<Record<string, unknown>>;
  suggestions: readonly PermissionUpdate[];
  /** A person's own rule, or the call itself, forbids a lasting answer. */
  onceOnly: boolean;
}

const editTools = ['Edit', 'Write', 'MultiEdit', 'NotebookEdit'];
const maxWords = 400;

const wouldAcceptEdits = ({ tool, suggestions }: AskedFor): boolean =>
  editTools.includes(tool) && suggestions.some((update) => update.type === 'setMode' && update.mode === 'acceptEdits');

/** The rule that `scope: session` would set for this call; null where there is none to offer. */
export const ruleFor = (asked: AskedFor): SessionRule | null => {
  if (asked.onceOnly) return null;
  if (wouldAcceptEdits(asked)) return { kind: 'edits' };
  const rules = asked.suggestions.flatMap((update) =>
    update.type === 'addRules' && update.behavior === 'allow' ? update.rules : [],
  );
  // A suggestion that also opens folders is more than a rule about this call, so it is not offered as one.
  const isRulesAlone = asked.suggestions.every(({ type }) => type === 'addRules');
  if (rules.length > 0 && isRulesAlone) {
    return {
      kind: 'native',
      rules: rules.map(({ toolName, ruleContent }) => ({
        toolName,
        ...(ruleContent === undefined ? {} : { ruleContent }),
      })),
    };
  }
  const command = asked.input['command'];
  return asked.tool === 'Bash' && typeof command === 'string' ? { kind: 'command', tool: asked.tool, command } : null;
};

/** The rule in words, to stand after "Allow for this session:". */
export const wordsOf = (rule: SessionRule): string => {
  switch (rule.kind) {
    case 'edits':
      return 'every edit of files in the work tree';
    case 'command':
      return `exactly this command: ${shortened(rule.command, maxWords)}`;
    case 'native':
      return shortened(rule.rules.map(wordsOfNative).join(' and '), maxWords);
  }
};

const wordsOfNative = ({ toolName, ruleContent }: { toolName: string; ruleContent?: string | undefined }): string => {
  if (ruleContent === undefined) return `every use of ${toolName}`;
  const prefix = /^(.*?)(?::\*| \*)$/.exec(ruleContent)?.[1];
  if (toolName === 'Bash')
    return prefix === undefined ? `the command "${ruleContent}"` : `commands that begin with "${prefix}"`;
  if (ruleContent.startsWith('domain:')) return `${toolName} on ${ruleContent.slice('domain:'.length)}`;
  return `${toolName} on ${ruleContent}`;
};

/** Whether a call that asks is allowed by what people said before. `native` rules are matched by Claude Code itself. */
export const isAllowedBy = (rules: readonly SessionRule[], asked: AskedFor): boolean =>
  !asked.onceOnly &&
  rules.some((rule) => {
    if (rule.kind === 'edits') return wouldAcceptEdits(asked);
    return rule.kind === 'command' && rule.tool === asked.tool && rule.command === asked.input['command'];
  });

/** Whether the session's owner always allows this call. Of edits only those that the work tree holds. */
export const isAlwaysAllowed = (standing: readonly ApprovalRule[], asked: AskedFor): boolean =>
  !asked.onceOnly &&
  standing.some(
    (rule) => isRuleFor(rule, asked.tool, { ...asked.input }) && (rule.kind !== 'edits' || wouldAcceptEdits(asked)),
  );

/** For the process that asked. */
export const updatesOf = (rule: SessionRule): PermissionUpdate[] =>
  rule.kind === 'native'
    ? [
        {
          type: 'addRules',
          behavior: 'allow',
          destination: 'session',
          rules: rule.rules.map(({ toolName, ruleContent }) => ({
            toolName,
            ...(ruleContent === undefined ? {} : { ruleContent }),
          })),
        },
      ]
    : [];

/** For a new process that goes on with the session: as `allowedTools` takes them. */
export const allowedToolsOf = (rules: readonly SessionRule[]): string[] => [
  ...new Set(
    rules.flatMap((rule) =>
      rule.kind === 'native'
        ? rule.rules.map(({ toolName, ruleContent }) =>
            ruleContent === undefined ? toolName : `${toolName}(${ruleContent})`,
          )
        : [],
    ),
  ),
];
