/** One live socket from its first message to its close. It knows the parts only by what they offer. */
import {
  AppError,
  closeCodeOf,
  decodeTerminalFrame,
  maxFrameBytes,
  type Author,
  type ErrorPayload,
  type LiveMessage,
} from '@remote-claude/contract';
import type { RawData, WebSocket } from 'ws';

import type { Execute } from '../execute/index.js';
import { asAppError, type Files } from '../files/index.js';
import type { ChatFeed, Log } from '../parts.js';
import type { Terminals } from '../terminal/index.js';
import { createChatRelay } from './chat-relay.js';
import { createConnection } from './connection.js';
import { answerFileRequest } from './file-requests.js';
import { FrameError, parseMessage } from './messages.js';
import { createSubscriptions } from './subscriptions.js';
import { createTerminalRequests } from './terminal-requests.js';

export interface LiveOptions {
  terminals: Terminals;
  files: Files;
  execute: Execute;
  chat: ChatFeed;
  log: Log;
  /** Frames that are no messages, after which the socket is closed. */
  maxProtocolErrors?: number;
}

const defaultProtocolErrors = 10;
/** Requests of one socket that are under way at a time. */
const maxUnderWay = 64;

type Of<T extends LiveMessage['type']> = Extract<LiveMessage, { type: T }>;

const bytesOf = (data: RawData): Buffer => {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
};

/** Whose window it is. */
export interface SocketViewer {
  person: Author | null;
  mayType: boolean;
}

export const serveSocket = (socket: WebSocket, options: LiveOptions, viewer: SocketViewer): void => {
  const { terminals, files, execute, chat, log, maxProtocolErrors = defaultProtocolErrors } = options;
  const connection = createConnection(socket);
  const terminalRequests = createTerminalRequests(terminals, connection, viewer);
  const subscriptions = createSubscriptions({ connection, files, execute, relay: createChatRelay(chat, connection) });
  const gone = new AbortController();
  let protocolErrors = 0;
  let underWay = 0;

  const payloadOf = (thrown: unknown): ErrorPayload => {
    const known = asAppError(thrown);
    if (known instanceof AppError) return known.toPayload();
    log('error', 'a live message failed', { error: thrown instanceof Error ? thrown.stack : String(thrown) });
    return new AppError('internal').toPayload();
  };
  const sendError = (id: string, thrown: unknown): void =>
    connection.send({ id, type: 'error', payload: payloadOf(thrown) });

  const answerTerminal = async ({ id, payload }: Of<'terminal'>): Promise<void> => {
    const { terminalId } = payload;
    try {
      await terminalRequests.answer(payload);
      // Credit comes many times a second: nobody waits for an answer to it.
      if (payload.action !== 'ack')
        connection.send({ id, type: 'terminal-result', payload: { terminalId, success: true } });
    } catch (error) {
      connection.send({
        id,
        type: 'terminal-result',
        payload: { terminalId, success: false, error: payloadOf(error) },
      });
    }
  };

  const answerFile = async ({ id, payload }: Of<'file'>): Promise<void> => {
    const result = await answerFileRequest(files, payload).catch((error: unknown) => ({
      success: false,
      error: payloadOf(error),
    }));
    connection.send({ id, type: 'file-result', payload: result });
  };

  const answerExecute = async ({ id, payload }: Of<'execute'>): Promise<void> => {
    try {
      const result = await subscriptions.ownRun(id, (onOutput) =>
        execute.run(payload, { signal: gone.signal, onOutput }),
      );
      connection.send({ id, type: 'execute-result', payload: result });
    } catch (error) {
      sendError(id, error);
    }
  };

  const answer = async (message: LiveMessage): Promise<void> => {
    switch (message.type) {
      case 'ping':
        return connection.send({ id: message.id, type: 'pong', payload: {} });
      case 'terminal':
        return answerTerminal(message);
      case 'file':
        return answerFile(message);
      case 'execute':
        return answerExecute(message);
      case 'stream':
        return subscriptions.change(message).catch((error: unknown) => sendError(message.id, error));
    }
  };

  const protocolError = (id: string, error: unknown): void => {
    sendError(id, error);
    protocolErrors += 1;
    if (protocolErrors >= maxProtocolErrors)
      socket.close(closeCodeOf('bad_request'), 'too many frames that are no messages');
  };

  const onText = (text: string): void => {
    const message = parseMessage(text);
    // Credit is no request: many of it come in one read, and one that is refused is never said again, so its terminal
    // would stand still for ever.
    if (message.type === 'terminal' && message.payload.action === 'ack') return void answer(message);
    if (underWay >= maxUnderWay) {
      sendError(
        message.id,
        new AppError('rate_limited', { message: `At most ${maxUnderWay} requests are under way at a time.` }),
      );
      return;
    }
    underWay += 1;
    void answer(message).finally(() => (underWay -= 1));
  };

  const onBinary = (bytes: Buffer): void => {
    const frame = decodeTerminalFrame(bytes);
    if (!frame)
      throw new FrameError('', new AppError('validation_failed', { message: 'This is not a terminal frame.' }));
    try {
      terminalRequests.input(frame);
    } catch (error) {
      sendError('', error);
    }
  };

  socket.on('message', (data, binary) => {
    if (socket.readyState !== socket.OPEN) return;
    const bytes = bytesOf(data);
    if (bytes.length > maxFrameBytes) return socket.close(closeCodeOf('payload_too_large'), 'a frame was too large');
    try {
      if (binary) onBinary(bytes);
      else onText(bytes.toString('utf8'));
    } catch (error) {
      if (error instanceof FrameError) protocolError(error.id, error.error);
      else sendError('', error);
    }
  });
  // An error is followed by `close`, which cleans up.
  socket.on('error', () => {});
  socket.on('close', () => {
    gone.abort();
    terminalRequests.close();
    subscriptions.close();
  });
};
