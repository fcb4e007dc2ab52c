/**
 * The life of a scripted model: what it is made of, where it listens, what a test may do to it while it runs.
 * It does not know how a request is answered.
 */
import { createServer } from 'node:http';
import { createAnswering } from './answering.js';
import { createGates } from './gates.js';
import type { Gates } from './gates.js';
import { createHandler } from './handler.js';
import { listen } from './listen.js';
import { createRecords } from './records.js';
import type { RecordedRequest } from './records.js';
import type { Script } from './script.js';

const keepAliveMs = 120_000;
const keptRequests = 1_000;

export interface ScriptedModelOptions {
  script: Script;
  /** 0, the default, takes a free one. */
  port?: number | undefined;
  host?: string | undefined;
  /** Listens on this unix socket instead of a port. */
  socketPath?: string | undefined;
  /** When set, a request with another key is answered with 401. */
  apiKey?: string | undefined;
  /** `answer`, the default: Claude Code's side calls are answered by built-in rules. `strict`: the script must. */
  sideCalls?: 'answer' | 'strict' | undefined;
  /** How many requests `requests()` keeps, the newest. */
  keepRequests?: number | undefined;
  log?: ((line: string) => void) | undefined;
}

export interface Control extends Omit<Gates, 'pass'> {
  /** Answers from now on by this script. */
  setScript(script: Script): void;
  /** Cuts every open connection, as a restart of the model's server would. */
  dropConnections(): void;
}

export interface ScriptedModel {
  readonly url: string;
  /** 0 on a unix socket. */
  readonly port: number;
  requests(): readonly RecordedRequest[];
  /** One line for each call that nothing answered. A test ends with `expect(model.unexpected()).toEqual([])`. */
  unexpected(): readonly string[];
  /** How many requests were repetitions of an earlier one. */
  retries(): number;
  readonly control: Control;
  close(): Promise<void>;
}

export const startScriptedModel = async (options: ScriptedModelOptions): Promise<ScriptedModel> => {
  const { log = () => undefined, apiKey } = options;
  const answering = createAnswering(options.script, options.sideCalls ?? 'answer');
  const gates = createGates();
  const records = createRecords(options.keepRequests ?? keptRequests);
  const server = createServer(createHandler({ answering, gates, records, apiKey, log }));
  // Longer than clients keep an idle connection, so that none is closed under a request that is on its way.
  server.keepAliveTimeout = keepAliveMs;
  const { url, port } = await listen(server, options);
  log(`listening on ${url}`);

  return {
    url,
    port,
    requests: records.all,
    unexpected: records.unexpected,
    retries: answering.retries,
    control: {
      release: gates.release,
      hold: gates.hold,
      waiting: gates.waiting,
      untilWaiting: gates.untilWaiting,
      setScript: answering.setScript,
      dropConnections: () => server.closeAllConnections(),
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
