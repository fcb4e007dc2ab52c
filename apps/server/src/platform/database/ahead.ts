// Statements of a transaction that are sent without waiting for their answers: what comes next is written behind them on
// the same connection, and PostgreSQL takes all of it in order. The commit waits for every answer. It knows no table.

import {
  CompiledQuery,
  PostgresDialect,
  PostgresDriver,
  type Compilable,
  type DatabaseConnection,
  type QueryResult,
} from 'kysely';

import type { Executor } from './executor.js';

type DialectConfig = ConstructorParameters<typeof PostgresDialect>[0];
export type OnAnswer = (durationMs: number, failed: boolean) => void;

const aheadOnes = new WeakSet<CompiledQuery>();

/**
 * Nobody looks at its result, and a failure fails the transaction: what follows is refused, and the error is this one's.
 * Outside of a transaction it is waited for.
 */
export const sendAhead = async (executor: Executor, query: Compilable): Promise<void> => {
  const compiled = query.compile();
  if (executor.isTransaction) aheadOnes.add(compiled);
  await executor.executeQuery(compiled);
};

/** A transaction's connection, told to send without waiting. */
interface Line {
  execute(query: CompiledQuery): Promise<QueryResult<unknown>>;
  /** Of the transaction that is open; none of them rejects unseen. */
  sent: Promise<unknown>[];
}

class AheadDriver extends PostgresDriver {
  readonly #lines = new WeakMap<DatabaseConnection, Line>();
  readonly #onAnswer: OnAnswer;

  constructor(config: DialectConfig, onAnswer: OnAnswer) {
    super(config);
    this.#onAnswer = onAnswer;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    if (this.#lines.has(connection)) return connection;
    const line: Line = { execute: timed(connection.executeQuery.bind(connection), this.#onAnswer), sent: [] };
    this.#lines.set(connection, line);
    connection.executeQuery = async <R>(query: CompiledQuery) => {
      if (aheadOnes.has(query)) {
        send(line, query);
        return { rows: [] };
      }
      try {
        return (await line.execute(query)) as QueryResult<R>;
      } catch (error) {
        throw (await firstFailure(line.sent)) ?? error;
      }
    };
    return connection;
  }

  override async beginTransaction(
    connection: DatabaseConnection,
    settings: Parameters<PostgresDriver['beginTransaction']>[1],
  ): Promise<void> {
    const line = this.#lines.get(connection);
    if (line === undefined || settings.isolationLevel !== undefined || settings.accessMode !== undefined)
      return super.beginTransaction(connection, settings);
    line.sent = [];
    send(line, CompiledQuery.raw('begin'));
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const line = this.#lines.get(connection);
    if (line === undefined) return super.commitTransaction(connection);
    // Behind a statement that failed it is a rollback, and says nothing against it.
    send(line, CompiledQuery.raw('commit'));
    const failure = await firstFailure(line.sent);
    if (failure !== undefined) throw failure;
  }
}

/** From a statement to its answer, also of one that nobody waits for. */
const timed =
  (execute: Line['execute'], onAnswer: OnAnswer): Line['execute'] =>
  async (query) => {
    const sentAtMs = performance.now();
    let failed = true;
    try {
      const answer = await execute(query);
      failed = false;
      return answer;
    } finally {
      onAnswer(performance.now() - sentAtMs, failed);
    }
  };

const send = (line: Line, query: CompiledQuery): void => {
  const answer = line.execute(query);
  answer.catch(() => {});
  line.sent.push(answer);
};

const firstFailure = async (sent: readonly Promise<unknown>[]): Promise<Error | undefined> => {
  const answers = await Promise.allSettled(sent);
  return answers.find((answer) => answer.status === 'rejected')?.reason as Error | undefined;
};

/** Its pool's connections have `pipeline` set: else each statement waits for the answer to the one before. */
export class AheadDialect extends PostgresDialect {
  readonly #config: DialectConfig;
  readonly #onAnswer: OnAnswer;

  constructor(config: DialectConfig, onAnswer: OnAnswer = () => {}) {
    super(config);
    this.#config = config;
    this.#onAnswer = onAnswer;
  }

  override createDriver(): PostgresDriver {
    return new AheadDriver(this.#config, this.#onAnswer);
  }
}
