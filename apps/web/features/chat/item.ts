/** What the transcript shows, an item each. */
import type {
  ApprovalScope,
  Author,
  BoundedText,
  CommandId,
  EventOf,
  RewindWhat,
  TokenUsage,
  ToolInput,
  WholeInput,
} from '@remote-claude/contract';

export interface CallApproval {
  approvalId: string;
  status: 'open' | 'allowed' | 'denied' | 'expired';
  by: string | null;
  scope: ApprovalScope | null;
  /** Name of the project for all of which it was allowed. */
  project?: string | undefined;
  reason: string | null;
  /** The person changed the input before it ran. */
  isEdited: boolean;
}

export interface Said {
  kind: 'said';
  key: string;
  text: BoundedText;
  thinking: boolean;
}

export interface ToolCall {
  kind: 'call';
  toolUseId: string;
  name: string;
  title: string;
  at: string;
  /** Null where only its end is known. */
  input: ToolInput | null;
  inputCut: boolean;
  /** Where the whole of a cut input is. */
  wholeInput?: WholeInput | undefined;
  /** Null while it runs. */
  outcome: EventOf<'tool.finished'>['outcome'] | null;
  output: BoundedText | null;
  durationMs: number | null;
  approval: CallApproval | null;
  /** What a subagent did under this call. */
  inside: readonly (ToolCall | Said)[];
}

export type Item =
  | { kind: 'message'; key: string; at: string; by: Author; text: BoundedText; messageId: CommandId; ofTask: boolean }
  | { kind: 'text'; key: string; at: string; text: BoundedText }
  | { kind: 'thinking'; key: string; at: string; text: BoundedText }
  | { kind: 'interrupted'; key: string; at: string; blockKind: 'text' | 'thinking' | 'tool'; text: BoundedText }
  | { kind: 'tools'; key: string; calls: readonly ToolCall[] }
  | {
      kind: 'turn-end';
      key: string;
      at: string;
      outcome: EventOf<'turn.ended'>['outcome'];
      reason: string | null;
      durationMs: number;
      usage: TokenUsage;
      costUsd: number;
    }
  | {
      /** What a rewind took out of the conversation, folded; or a rewind of files, which took nothing out. */
      kind: 'rewound';
      key: string;
      at: string;
      rewindId: CommandId;
      by: string | null;
      what: RewindWhat;
      /** It took an earlier rewind back. */
      isUndo: boolean;
      files: EventOf<'rewind.done'>['files'];
      items: readonly Item[];
    }
  | {
      kind: 'note';
      key: string;
      at: string;
      tone: 'plain' | 'attention' | 'danger';
      text: string;
      next: string | null;
    };
export type ItemOf<K extends Item['kind']> = Extract<Item, { kind: K }>;
