// The healthcheck of the server's image: ends with 0 where the server answers. It asks /healthz on every port that
// something in this container listens on, since each role has a port of its own; an address as argument is asked alone.
// It does not say whether the server can work: that is /readyz, and restarting does not mend it.
import { readFileSync } from 'node:fs';

const timeoutMs = 4_000;
const listening = '0A';

/** The ports of the kernel's table: lines of "slot local:port remote:port state …" in hexadecimal. */
function listeningPorts() {
  const lines = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => {
    try {
      return readFileSync(path, 'utf8').split('\n').slice(1);
    } catch {
      return [];
    }
  });
  const rows = lines.map((line) => line.trim().split(/\s+/)).filter(([, , , state]) => state === listening);
  return [...new Set(rows.map(([, local]) => Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16)))];
}

async function isHealthy(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
    return answer.status === 200 && (await answer.json()).ok === true;
  } catch {
    // Another protocol, or nobody.
    return false;
  }
}

const [given] = process.argv.slice(2);
const urls = given === undefined ? listeningPorts().map((port) => `http://127.0.0.1:${port}/healthz`) : [given];
const answers = await Promise.all(urls.map(isHealthy));
if (answers.includes(true)) process.exit(0);
process.stdout.write(urls.length === 0 ? 'nothing listens here\n' : `no healthy answer from ${urls.join(', ')}\n`);
process.exitCode = 1;
