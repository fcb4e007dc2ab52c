/** The agent of one session: built here, top to bottom, and ended in the opposite order. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { agentPaths } from '@remote-claude/contract';

import { createChat } from './chat/chat.js';
import { childEnvironment, readConfig } from './config.js';
import { createExecute, createExecuteHttp } from './execute/index.js';
import { createFiles, createFilesHttp } from './files/index.js';
import { createForkHttp, createForkSource, createForkTarget, createPoints, type ForkTarget } from './fork/index.js';
import { createBlobs } from './journal/blobs.js';
import { createJournal } from './journal/journal.js';
import { createControlLink } from './link/control.js';
import { createForwarder } from './link/forwarder.js';
import { createLive } from './live/index.js';
import { createLog } from './log.js';
import { createSetup, type Setup } from './setup/index.js';
import { createAgentServer } from './server.js';
import { createCheckpointsHttp, createSnapshots } from './snapshots/index.js';
import { createTerminals } from './terminal/index.js';

const agentVersion = '0.1.0';
/** What must be over when the place ends the agent by force. */
const stopGraceMs = 8_000;

const main = async (): Promise<void> => {
  const log = createLog();
  const config = readConfig();
  const { stateDir, workspace } = config;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });

  const journal = createJournal({ dir: join(stateDir, 'journal'), log });
  const blobs = createBlobs(join(stateDir, 'blobs'));
  const forwarder = await createForwarder({ gateway: config.gateway, waitMs: config.gatewayWaitMs, log });
  const environment = childEnvironment(config, forwarder.port);
  const files = await createFiles({ workspace, stateDir, log });
  const points = createPoints(stateDir);
  const snapshots = createSnapshots({
    tree: files.tree,
    stateDir,
    propose: journal.append,
    isHeld: points.holds,
    log,
  });
  const execute = createExecute({ tree: files.tree, env: environment, log });
  const terminals = await createTerminals({
    workspace,
    env: environment,
    shell: '/bin/bash',
    stateDir,
    propose: journal.append,
    log,
  });
  const target: ForkTarget = createForkTarget({
    stateDir,
    home: environment['HOME'] ?? '',
    workspace,
    isAwaited: config.awaitsFork,
    snapshots,
    become: (...what) => chat.history.become(...what),
    onFilled: () => {
      setup.open();
      chat.history.open();
    },
  });
  const chat = createChat({
    propose: journal.append,
    isDone: journal.isDone,
    whenRoom: journal.whenRoom,
    keepBlob: blobs.put,
    earlier: journal.earlier,
    snapshots,
    onAsking: forwarder.onSent,
    stateDir,
    workspace,
    claudePath: config.claudePath,
    environment,
    settings: config.claudeSettings,
    parkAfterMs: config.parkAfterMs,
    isAwaited: target.isWaiting,
    besideIdleMs: () => Math.min(terminals.idleMs(), execute.idleMs(), setup.idleMs()),
    log,
  });
  const setup: Setup = createSetup({
    ...config,
    environment,
    propose: journal.append,
    isDone: journal.isDone,
    hold: chat.hold,
    initPath: config.sessionInitPath,
    isAwaited: target.isWaiting,
    log,
  });
  journal.onTrouble((problem) =>
    chat.notice(problem === null ? 'info' : 'warning', problem ?? 'The disk can be written again.'),
  );
  journal.onRejected((event, reason) => {
    if (event.type === 'approval.asked') chat.unasked(event.approval.approvalId, reason);
  });
  const live = createLive({ terminals, files, execute, chat: chat.feed, log });
  const control = createControlLink({
    journal,
    blobs,
    agentVersion,
    onCommand: (command) => (command.type === 'setup' ? setup.command(command) : chat.command(command)),
    onRules: chat.setRules,
    idleMs: chat.idleMs,
    onOrphaned: () => void stop('No server has reached the agent for too long.'),
    orphanTimeoutMs: config.orphanTimeoutMs,
    log,
  });
  const source = createForkSource({
    points,
    snapshots,
    locate: chat.history.locate,
    home: environment['HOME'] ?? '',
    workspace,
  });
  const server = await createAgentServer({
    listen: config.listen,
    secret: config.secret,
    http: [
      createFilesHttp(files, log),
      createExecuteHttp(execute, log),
      createCheckpointsHttp({ snapshots, preview: chat.history.preview }, log),
      createForkHttp({ source, target }, log),
    ],
    isClosed: () => target.isWaiting,
    sockets: { [agentPaths.control]: control.accept, [agentPaths.live]: live.accept },
    log,
  });

  let isStopping = false;
  const stop = async (reason: string): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    log('info', 'The agent stops.', { reason });
    setTimeout(() => process.exit(1), stopGraceMs).unref();
    // Without it whoever ends would wait for room that no server makes any more.
    journal.release();
    await live.close();
    await setup.close();
    await chat.close();
    await terminals.close();
    await execute.close();
    await snapshots.close();
    await files.close();
    await journal.close();
    control.close();
    await forwarder.close();
    await server.close();
    process.exit(0);
  };
  process.on('SIGTERM', () => void stop('SIGTERM'));
  process.on('SIGINT', () => void stop('SIGINT'));
  snapshots.warm();
  log('info', 'The agent listens.', { port: server.port, source: journal.source });
};

main().catch((cause: unknown) => {
  createLog()('error', cause instanceof Error ? cause.message : String(cause));
  process.exit(1);
});
