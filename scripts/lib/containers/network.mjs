// A network namespace for an engine of the tests. Two engines in one namespace flush each other's firewall rules, and one
// that a test starts must not touch those of the machine. It has no route but the one to this machine, so nothing that
// runs in it reaches anything else. It does not know the engine.
import { randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { must } from './tools.mjs';

const ip = (...args) => must('ip', args);

/** Two addresses of a link of its own, from the block that is set aside for benches of network devices. */
function freePair() {
  const taken = Object.values(networkInterfaces()).flatMap((all) => all.map(({ address }) => address));
  for (;;) {
    const block = `198.${18 + randomInt(2)}.${randomInt(256)}`;
    const first = randomInt(64) * 4;
    const pair = { host: `${block}.${first + 1}`, engine: `${block}.${first + 2}` };
    if (!taken.includes(pair.host)) return pair;
  }
}

const namesOf = (id) => ({ name: `rc-${id}`, outside: `rch-${id}`, inside: `rce-${id}` });

/** Takes the namespace and its link away; either may be gone. */
export async function removeNetwork(id) {
  const { name, outside } = namesOf(id);
  // The link goes with either of its ends, and the namespace with the last process in it.
  await ip('link', 'delete', outside).catch(() => undefined);
  await ip('netns', 'delete', name).catch(() => undefined);
}

/** `id`: up to 8 letters and digits, which name the namespace and its link. */
export async function createNetwork(id) {
  const { name, outside, inside } = namesOf(id);
  const { host, engine } = freePair();
  const within = (...args) => ip('-n', name, ...args);
  try {
    await ip('netns', 'add', name);
    await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', name);
    await ip('address', 'add', `${host}/30`, 'dev', outside);
    await ip('link', 'set', outside, 'up');
    await within('address', 'add', `${engine}/30`, 'dev', inside);
    await within('link', 'set', inside, 'up');
    await within('link', 'set', 'lo', 'up');
    // What goes elsewhere is told so at once, and does not wait for an answer.
    await within('route', 'add', 'unreachable', 'default');
  } catch (error) {
    await removeNetwork(id);
    throw error;
  }
  return {
    /** What a program is started by to be in it. It keeps the machine's mounts, which "ip netns exec" would not. */
    enter: ['nsenter', `--net=/run/netns/${name}`, '--'],
    /** Where this machine listens for what runs in containers. */
    hostAddress: host,
    /** Where this machine reaches the engine, and the ports that its containers publish. */
    address: engine,
  };
}
