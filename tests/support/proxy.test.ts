import { createServer, connect, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { startProxy, type Proxy } from './proxy.js';
import { until } from './wait.js';

let target: Server;
let heard: string;
let ends: Socket[];
const proxies: Proxy[] = [];
const callers: Caller[] = [];

beforeEach(async () => {
  [heard, ends] = ['', []];
  target = createServer((socket) => {
    ends.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      heard += bytes.toString();
      socket.write(`<${bytes.toString()}>`);
    });
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  for (const { socket } of callers.splice(0)) socket.destroy();
  for (const proxy of proxies.splice(0)) await proxy.close();
  for (const socket of ends) socket.destroy();
  await new Promise((resolve) => target.close(resolve));
});

interface Caller {
  socket: Socket;
  text(): string;
  closed(): boolean;
}
const call = (url: string): Caller => {
  const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
  const caller = { text: '', closed: false };
  socket.on('error', () => {});
  socket.on('data', (bytes) => (caller.text += bytes.toString()));
  socket.on('close', () => (caller.closed = true));
  const made = { socket, text: () => caller.text, closed: () => caller.closed };
  callers.push(made);
  return made;
};
const open = async (options: Partial<Parameters<typeof startProxy>[0]> = {}): Promise<Proxy> => {
  const { port } = target.address() as { port: number };
  const proxy = await startProxy({ to: `http://127.0.0.1:${port}`, ...options });
  proxies.push(proxy);
  return proxy;
};
const untilText = (caller: Caller, text: string) =>
  until(() => caller.text() === text, { what: () => `${text}; there is ${caller.text()}`, timeoutMs: 20_000 });
/** A round trip past the proxy's event loop: what would pass has passed. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 50));

it('passes both ways, ends what an end has ended, and resets what it cuts', async () => {
  const proxy = await open();
  const one = call(proxy.url);
  one.socket.write('a');
  await untilText(one, '<a>');
  one.socket.end('b');
  await until(() => heard === 'ab' && one.closed(), { what: 'the ending', timeoutMs: 20_000 });
  await until(() => proxy.open() === 0, { what: 'the line to be forgotten', timeoutMs: 20_000 });

  const two = call(proxy.url);
  two.socket.write('c');
  await untilText(two, '<c>');
  const reset: unknown[] = [];
  two.socket.on('error', (error: NodeJS.ErrnoException) => reset.push(error.code));
  proxy.cut();
  await until(() => two.closed() && ends[1]?.destroyed, { what: 'both ends', timeoutMs: 20_000 });
  expect(reset).toEqual(['ECONNRESET']);
});

it('holds back what is under way and what is new, and tells no end of the other', async () => {
  const proxy = await open();
  const old = call(proxy.url);
  old.socket.write('a');
  await untilText(old, '<a>');
  proxy.freeze();
  old.socket.write('b');
  const fresh = call(proxy.url);
  fresh.socket.write('c');
  await until(() => proxy.taken() === 2, { what: 'the new one', timeoutMs: 20_000 });
  ends[0]?.destroy();
  await until(() => proxy.gone('far') === 1, { what: 'the end to be gone', timeoutMs: 20_000 });
  await turn();
  expect([heard, fresh.text(), old.closed()]).toEqual(['a', '', false]);
  proxy.thaw();
  await untilText(fresh, '<c>');
  await until(() => old.closed(), { what: 'the old one to learn of its end', timeoutMs: 20_000 });
});

it('leaves the lines of a lost network silent while new ones pass', async () => {
  const proxy = await open();
  const old = call(proxy.url);
  old.socket.write('a');
  await untilText(old, '<a>');
  proxy.strand();
  old.socket.write('b');
  const fresh = call(proxy.url);
  fresh.socket.write('c');
  await untilText(fresh, '<c>');
  proxy.thaw();
  await turn();
  expect([heard, old.text(), old.closed()]).toEqual(['ac', '<a>', false]);
});

it('delays in order, and gives a tamperer what comes from each end', async () => {
  const proxy = await open({
    tamper: (from, pass) => (bytes) => {
      pass(bytes);
      if (from === 'near') pass(bytes);
    },
  });
  proxy.delay(100);
  const one = call(proxy.url);
  const startMs = performance.now();
  for (const letter of 'abcd') one.socket.write(letter);
  await until(() => heard.length === 8, { what: 'all of it twice', timeoutMs: 20_000 });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(95);
  expect([...new Set(heard)].join('')).toBe('abcd');
});

it('keeps the order of what comes, also when a delay ends', async () => {
  const proxy = await open();
  const one = call(proxy.url);
  one.socket.write('a');
  await untilText(one, '<a>');
  proxy.delay(300);
  ends[0]?.write('late');
  // It is in the proxy, which holds it.
  await turn();
  proxy.delay(0);
  ends[0]?.write('later');
  await until(() => one.text().length === '<a>latelater'.length, { what: 'all of it', timeoutMs: 20_000 });
  expect(one.text()).toBe('<a>latelater');
});
