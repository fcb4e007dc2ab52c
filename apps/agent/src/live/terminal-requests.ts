/** `terminal` messages and input frames of one socket: its viewers and what it asks. It does not know ptys. */
import type { ServerMessage, TerminalFrame, TerminalId, TerminalRequest } from '@remote-claude/contract';

import type { Terminals, Viewer, ViewerSink } from '../terminal/index.js';
import type { Connection } from './connection.js';
import { createTypedInput } from './typed-input.js';

export interface TerminalRequests {
  /** Resolves when it is done; throws what went wrong. */
  answer(request: TerminalRequest): Promise<void>;
  input(frame: TerminalFrame): void;
  close(): void;
}

export const createTerminalRequests = (
  terminals: Terminals,
  connection: Connection,
  { person, mayType }: Pick<ViewerSink, 'person' | 'mayType'>,
): TerminalRequests => {
  const viewers = new Map<TerminalId, Viewer>();
  const typed = createTypedInput({
    write: (id, bytes) => terminals.write(id, bytes, { person, viewer: viewers.get(id) }),
    untakenBytes: (id) => terminals.untakenBytes(id),
    acknowledge: (terminalId, input) =>
      connection.send({ id: '', type: 'terminal-ack', payload: { terminalId, input } }),
  });
  let closed = false;

  const sink: ViewerSink = {
    person,
    mayType,
    output: (frame) => connection.sendFrame(frame),
    message: (message: ServerMessage) => connection.send(message),
    writable: () => connection.writable(),
  };
  connection.onDrained(() => {
    for (const viewer of viewers.values()) viewer.resume();
  });

  const detach = (id: TerminalId): void => {
    viewers.get(id)?.detach();
    viewers.delete(id);
  };

  const attach = async (id: TerminalId, after?: number): Promise<void> => {
    detach(id);
    const viewer = await terminals.attach(id, sink, after);
    detach(id);
    if (closed) viewer.detach();
    else viewers.set(id, viewer);
  };

  return {
    async answer(request) {
      const id = request.terminalId;
      switch (request.action) {
        case 'create':
          await terminals.create({ terminalId: id, name: request.name, cols: request.cols, rows: request.rows });
          return attach(id);
        case 'attach':
          return attach(id, request.after);
        case 'detach':
          return detach(id);
        case 'write':
          return terminals.write(id, Buffer.from(request.data), { person, viewer: viewers.get(id) });
        case 'resize':
          return terminals.resize(id, { cols: request.cols, rows: request.rows }, person);
        case 'take':
          return terminals.take(id, person);
        case 'ack':
          return viewers.get(id)?.ack(request.offset);
        case 'rename':
          return terminals.rename(id, request.name);
        case 'destroy':
          detach(id);
          typed.forget(id);
          return terminals.destroy(id);
      }
    },
    input: (frame) => typed.take(frame),
    close() {
      closed = true;
      typed.close();
      for (const viewer of viewers.values()) viewer.detach();
      viewers.clear();
    },
  };
};
