/** Branded identifiers. It does not know what they name beyond their form. */
import { z } from 'zod';

import { plainText } from './model/plain-text.js';

export const userId = z.uuid().brand<'UserId'>();
export type UserId = z.infer<typeof userId>;

export const sessionId = z.uuid().brand<'SessionId'>();
export type SessionId = z.infer<typeof sessionId>;

export const projectId = z.uuid().brand<'ProjectId'>();
export type ProjectId = z.infer<typeof projectId>;

/** One start of a session's isolated place; a new one for each start. */
export const placeId = z.uuid().brand<'PlaceId'>();
export type PlaceId = z.infer<typeof placeId>;

/** Chosen by the sender; doing a command twice under one id has the effect of once. */
export const commandId = z.uuid().brand<'CommandId'>();
export type CommandId = z.infer<typeof commandId>;

export const turnId = z.uuid().brand<'TurnId'>();
export type TurnId = z.infer<typeof turnId>;

export const terminalId = z.uuid().brand<'TerminalId'>();
export type TerminalId = z.infer<typeof terminalId>;

export const checkpointId = z.uuid().brand<'CheckpointId'>();
export type CheckpointId = z.infer<typeof checkpointId>;

export const taskId = z.uuid().brand<'TaskId'>();
export type TaskId = z.infer<typeof taskId>;

/** The tool-use id under which Claude asked: unique within its session. */
export const approvalId = plainText.min(1).max(128).brand<'ApprovalId'>();
export type ApprovalId = z.infer<typeof approvalId>;

/** A content block while it streams and when it is final: message id and block index. */
export const blockId = z.string().min(1).max(160).brand<'BlockId'>();
export type BlockId = z.infer<typeof blockId>;

/** SHA-256 of the content, lower-case hex. */
export const blobHash = z.string().regex(/^[0-9a-f]{64}$/);

/** ISO 8601 in UTC. */
export const timestamp = z.iso.datetime();
