// The gateway's part of the program: the door to the agents, and the sessions' only way out. Where it is another process,
// its internal port stands for it.

import {
  createDemoModel,
  createDoorRows,
  createDoors,
  createDoorsService,
  createForwarder,
  createGatewayStore,
  createModelService,
  createRemoteDoors,
  createRemoteModelChooser,
  createSessionCall,
  createUpstreams,
  type ModelChooser,
} from '../features/gateway/index.js';
import type { GatewayDoors } from '../features/places/index.js';
import { createAgentDoor, createAgentGate, createDoorStore, createRemoteDoor } from '../features/relay/index.js';
import type { AgentDoor } from '../features/relay/index.js';
import type { InternalService, Peer } from '../platform/internal/index.js';
import { createModelMetrics } from '../platform/metrics/index.js';
import type { Site } from './site.js';

/** The gateway as the other roles use it. */
export interface Gateway {
  /** To the agents. */
  door: AgentDoor;
  /** From the sessions. */
  doors: GatewayDoors;
  upstreams: ModelChooser;
}

export interface OwnGateway extends Gateway {
  /** For roles in other processes. */
  services: Record<string, InternalService>;
  /** Opens the doors by the sessions' rows, where no session-manager of this process does. */
  keepDoors(): void;
}

export const createGateway = (site: Site): OwnGateway => {
  const { assets, audit, bus, childEnv, clock, closers, config, database, events, log, metrics, models, secretBox } =
    site;
  const { secrets } = site;
  const store = createGatewayStore(database);
  const door = createAgentDoor({
    store: createDoorStore(database),
    secretOf: secrets.agent,
    log,
    timeoutMs: config.timing.agentConnectMs,
  });
  const demo = createDemoModel({
    command: [process.execPath, assets.scriptedModel, '--script', 'demo', '--until-stdin-ends'],
    env: childEnv,
    startTimeoutMs: 20_000,
    log,
  });
  closers.add('demo model', demo, (opened) => opened.close());
  const upstreams = createUpstreams({
    database,
    store,
    secretBox,
    bus,
    audit,
    demo,
    configured: { apiKey: config.claude.apiKey, baseUrl: config.claude.baseUrl, model: config.claude.model },
    models,
  });
  closers.add('model upstreams', upstreams, (opened) => opened.close());
  const forwarder = closers.add('model calls', createForwarder(), (opened) => opened.close());
  const doors = createDoors({
    tokenOf: secrets.gateway,
    call: createSessionCall({
      database,
      store,
      upstreams,
      forwarder,
      models,
      async appendEvent(trx, sessionId, event, source) {
        await events.append(sessionId, [{ source, n: 1, event }], { by: 'server' }, trx);
      },
      log,
      metrics: createModelMetrics(metrics),
    }),
    log,
  });
  metrics.gauge({
    name: 'gateway_doors_open',
    help: 'Sessions whose way out is open at this gateway.',
    read: (set) => set(doors.sessions().length),
  });
  closers.add("sessions' gateway", doors, (opened) => opened.closeAll());
  const rows = createDoorRows({ store, doors, clock, log, everyMs: config.timing.reconcileMs });
  closers.add('doors by rows', rows, (opened) => opened.close());
  return {
    door,
    doors,
    upstreams,
    services: {
      agents: createAgentGate(door),
      doors: createDoorsService(rows.look),
      model: createModelService(upstreams),
    },
    keepDoors: rows.start,
  };
};

export const reachGateway = (gateway: Peer, { config }: Site): Gateway => ({
  door: createRemoteDoor({ gateway, timeoutMs: config.timing.agentConnectMs }),
  doors: createRemoteDoors(gateway),
  upstreams: createRemoteModelChooser(gateway),
});
