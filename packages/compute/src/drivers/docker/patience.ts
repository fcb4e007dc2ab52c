/**
 * Ends a request on which the engine is silent for too long: nothing comes and nothing is taken. So a request that only
 * asks has a deadline, and one that carries bytes goes on while they move. It does not know what is asked.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Socket } from 'node:net';

/** The engine did not answer in time. What it was asked for may be done all the same. */
class SilentEngineError extends Error {
  override readonly name = 'SilentEngineError';
  constructor(silenceMs: number) {
    super(`it did not answer within ${Math.round(silenceMs / 100) / 10} s; is it hung, or too busy?`);
  }
}

/**
 * A connection for each request, so that none is tried on one that the engine has closed meanwhile. The engine is not told
 * so: it would end the connection as soon as it has answered, and an upload whose last bytes it has not read would break.
 */
export function createPatientAgent({ isSecure, silenceMs }: { isSecure: boolean; silenceMs: number }): HttpAgent {
  const agent = isSecure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  agent.maxFreeSockets = 0;
  const connect = agent.createConnection.bind(agent);
  agent.createConnection = (options, done) => {
    const socket = connect(options, done);
    // Time counts from before the connection is there.
    if (socket instanceof Socket) socket.setTimeout(silenceMs, () => socket.destroy(new SilentEngineError(silenceMs)));
    return socket;
  };
  return agent;
}
