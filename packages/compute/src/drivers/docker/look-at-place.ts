/** What the engine says of places: of the one that a handle means, and of all. It starts and ends nothing. */
import type Docker from 'dockerode';
import type { FoundPlace, PlaceReport } from '../../driver.js';
import { isId } from '../../place-id.js';
import { orNull } from './client.js';
import type { EngineClient } from './client.js';
import { toHandle } from './handle.js';
import type { DockerPlace } from './handle.js';
import { lastWordsOf } from './last-words.js';
import { labels } from './names.js';
import type { Naming } from './names.js';

export type Enforced = PlaceReport['limits'];

/** What the engine calls a container that may still do something. */
const liveStates = ['created', 'running', 'paused', 'restarting'];
/** The code of one whose end the engine did not see: it, or its machine, was restarted. */
const unseenEnd = 255;

export async function inspectPlace(
  client: EngineClient,
  { containerId }: DockerPlace,
  { isStarting, enforced }: { isStarting: boolean; enforced(): Promise<Enforced> },
): Promise<PlaceReport> {
  const docker = await client();
  const found = await orNull(docker.getContainer(containerId).inspect());
  if (found === null) return ended('stopped', 'It was stopped.');
  const { State: state, HostConfig: host } = found;
  if (!liveStates.includes(state.Status)) return endOf(found, await lastWordsOf(docker.getContainer(containerId)));
  const engine = await enforced();
  const limits = {
    memory: engine.memory && (host.Memory ?? 0) > 0,
    processes: engine.processes && (host.PidsLimit ?? 0) > 0,
    cpu: engine.cpu && (host.NanoCpus ?? 0) > 0,
  };
  const report = (status: PlaceReport['status'], reason: string | null): PlaceReport => ({
    status,
    reason,
    exitCode: null,
    cutOff: false,
    limits,
  });
  if (state.Status === 'created')
    return report('starting', isStarting ? null : 'Its start was interrupted; start or stop it again.');
  return report('running', state.Paused ? pausedWords(found.Name) : null);
}

function ended(status: 'stopped' | 'error', reason: string, exitCode: number | null = null): PlaceReport {
  return {
    status,
    reason,
    exitCode,
    cutOff: false,
    limits: { memory: false, processes: false, cpu: false },
  };
}

const plainName = (name: string): string => name.replace(/^\//, '');

const pausedWords = (name: string): string =>
  `Its container is paused by whoever runs the engine, and goes on with "docker unpause ${plainName(name)}".`;

function endOf({ State: state }: Docker.ContainerInspectInfo, lastWords: string): PlaceReport {
  const { ExitCode: code, OOMKilled: wasFull, Error: said } = state;
  if (code === 0) return ended('stopped', 'Its command has ended.', 0);
  if (code === unseenEnd) return ended('stopped', 'The machine, or its container engine, was restarted.');
  if (wasFull && code === 137) return ended('error', 'It used more memory than its limit and was killed.', code);
  if (said !== '') return ended('error', `The engine could not run it: ${said.slice(0, 300)}`, code);
  const printed = lastWords === '' ? '' : ` It printed at last: ${lastWords}`;
  // The engine gives these also to what it ends as it is restarted itself.
  if (code === 128 + 15 || code === 128 + 9)
    return ended('error', `It was ended by signal ${code - 128}, as when its engine is restarted.${printed}`, code);
  const how = code > 128 ? `signal ${code - 128}` : `code ${code}`;
  return ended('error', `Its command ended by itself with ${how}.${printed}`, code);
}

/** Those of ours that live. */
export async function findPlaces(
  client: EngineClient,
  { installation }: Naming,
  agentUid: number | null,
): Promise<FoundPlace[]> {
  const docker = await client();
  const marks = [`${labels.installation}=${installation}`, `${labels.helper}=false`];
  const found = await docker.listContainers({ all: true, filters: { label: marks, status: liveStates } });
  return found.flatMap(({ Id: containerId, Labels: marked }) => {
    const { [labels.session]: session, [labels.place]: place } = marked;
    if (!isId(session) || !isId(place)) return [];
    const handle = toHandle({ containerId, sessionId: session, placeId: place, agentUid });
    // It sees the server's files in volumes that hold copies of them.
    return [{ sessionId: session, placeId: place, handle, mounts: [] }];
  });
}
