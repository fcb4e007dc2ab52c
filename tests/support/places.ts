// The places of a product as whoever runs the machine sees and breaks them, whatever they are made of.

import { join } from 'node:path';

import { driverOf, type Product } from './product.js';
import { engineClient, type Contained } from './containers.js';

export interface SeenPlace {
  sessionId: string;
  placeId: string;
  isRunning(): Promise<boolean>;
  /** Its first process is killed, and with it all of the place. */
  kill(): Promise<void>;
}

export interface Places {
  of(sessionId: string): Promise<SeenPlace[]>;
  close(): Promise<void>;
}

export const placesOf = (product: Product): Places =>
  product.contained === null ? processesOf(product.dataDir) : containersOf(product.contained);

const processesOf = (dataDir: string): Places => {
  const driver = driverOf(dataDir);
  return {
    of: async (wanted) =>
      (await driver.list())
        .filter(({ sessionId }) => sessionId === wanted)
        .map(({ sessionId, placeId, handle }) => ({
          sessionId,
          placeId,
          isRunning: async () => (await driver.inspect(handle)).status === 'running',
          kill: async () => void process.kill((handle as { init: { pid: number } }).init.pid, 'SIGKILL'),
        })),
    close: () => driver.close(),
  };
};

const containersOf = ({ engine, prefix }: Contained): Places => {
  const docker = engineClient(engine);
  return {
    of: async (sessionId) => {
      const label = [`remote-claude.session=${sessionId}`];
      const found = await docker.listContainers({ all: true, filters: { label } });
      return found
        .filter(({ Names: names, State: state }) => names.includes(`/${prefix}-${sessionId}`) && state !== 'exited')
        .map(({ Id: id, Labels: { 'remote-claude.place': placeId = '' } }) => ({
          sessionId,
          placeId,
          isRunning: async () => (await docker.getContainer(id).inspect()).State.Running,
          kill: async () => void (await docker.getContainer(id).kill({ signal: 'SIGKILL' })),
        }));
    },
    close: async () => {},
  };
};

/** Where the work tree of a session lies on this machine. */
export const workTreeOf = async ({ contained, dataDir }: Product, sessionId: string): Promise<string> => {
  if (contained === null) return join(dataDir, 'sessions', sessionId, 'workspace');
  const volume = engineClient(contained.engine).getVolume(`${contained.prefix}-${sessionId}-workspace`);
  return (await volume.inspect()).Mountpoint;
};
