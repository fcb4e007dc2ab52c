// The messages that tell Claude something: the same services as over HTTP, with the envelope's id as the command's.

import type { ClientMessage, CommandId } from '@remote-claude/contract';

import type { LiveActions, LiveRequest } from './actions.js';

export type CommandMessage = Extract<
  ClientMessage,
  { type: 'claude' | 'interrupt' | 'withdraw' | 'approve' | 'configure' }
>;

const commandTypes: ReadonlySet<ClientMessage['type']> = new Set([
  'claude',
  'interrupt',
  'withdraw',
  'approve',
  'configure',
]);

export const isCommand = (message: ClientMessage): message is CommandMessage => commandTypes.has(message.type);

/** Resolves with the command's id when it is stored. */
export const carryOut = async (
  actions: LiveActions,
  request: LiveRequest,
  sessionId: string,
  message: CommandMessage,
): Promise<CommandId> => {
  const { id } = message;
  switch (message.type) {
    case 'claude':
      await actions.say(request, sessionId, { id, prompt: message.payload.prompt });
      break;
    case 'interrupt':
      await actions.interrupt(request, sessionId, { id, ...message.payload });
      break;
    case 'withdraw':
      await actions.withdraw(request, sessionId, { id, messageId: message.payload.messageId });
      break;
    case 'configure':
      await actions.configure(request, sessionId, { id, settings: message.payload });
      break;
    case 'approve': {
      const { approvalId, ...answer } = message.payload;
      await actions.answer(request, sessionId, { id, approvalId, answer });
      break;
    }
  }
  return id;
};
