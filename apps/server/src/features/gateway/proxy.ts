// One request from a session to the model: put the real key in, stream both ways, count what passes.
// It knows neither tokens of sessions nor where usage is written.

import { request as httpRequest, Agent as HttpAgent, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';

import { createMeter, type Metered } from './meter.js';

export interface Upstream {
  /** Where `/v1/messages` lies. */
  baseUrl: string;
  apiKey: string;
  /** Its calls cost nothing: the demo's. */
  free?: boolean;
}

export interface ForwardResult {
  /** Of the model's answer; `unreachable` where none came, `aborted` where nobody waited for one any more. */
  status: number | 'unreachable' | 'aborted';
  metered: Metered | null;
  /** From the call to the first byte of the answer's body; null where none came. */
  firstByteMs: number | null;
}

/** Headers of one hop, and those that the gateway sets itself. */
const notForwarded = new Set([
  'authorization',
  'x-api-key',
  'host',
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'accept-encoding',
  'cookie',
]);
const notReturned = new Set(['connection', 'keep-alive', 'transfer-encoding', 'trailer', 'upgrade', 'set-cookie']);

const kept = (headers: IncomingMessage['headers'], dropped: ReadonlySet<string>): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined && !dropped.has(entry[0]),
    ),
  );

/** An error in the Messages API's own form, so that Claude Code shows its sentence. */
export const refuseCall = (response: ServerResponse, status: number, type: string, message: string): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = JSON.stringify({ type: 'error', error: { type, message } });
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body);
};

export const createForwarder = () => {
  const agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };

  /** `body` stands for what `incoming` carried, where that was read already. */
  const forward = (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    upstream: Upstream,
    body?: Buffer,
  ): Promise<ForwardResult> =>
    new Promise((resolve) => {
      const target = new URL(upstream.baseUrl.replace(/\/$/, '') + (incoming.url ?? ''));
      const secure = target.protocol === 'https:';
      const begunAtMs = performance.now();
      let firstByteMs: number | null = null;
      let settled = false;
      const settle = (result: Omit<ForwardResult, 'firstByteMs'>): void => {
        if (settled) return;
        settled = true;
        resolve({ ...result, firstByteMs });
      };
      const upstreamRequest = (secure ? httpsRequest : httpRequest)(target, {
        method: incoming.method ?? 'POST',
        agent: secure ? agents['https:'] : agents['http:'],
        headers: {
          ...kept(incoming.headers, notForwarded),
          'x-api-key': upstream.apiKey,
          'accept-encoding': 'identity',
          ...(body && { 'content-length': String(body.length) }),
        },
      });
      upstreamRequest.on('response', (answer) => {
        const meter = createMeter(answer.headers['content-type']);
        outgoing.writeHead(answer.statusCode ?? 502, kept(answer.headers, notReturned));
        // The head goes out before the first token, so that waiting is seen as waiting.
        outgoing.flushHeaders();
        const status = answer.statusCode ?? 502;
        answer.on('data', (chunk: Buffer) => {
          firstByteMs ??= performance.now() - begunAtMs;
          meter.push(chunk);
          if (!outgoing.write(chunk)) {
            answer.pause();
            outgoing.once('drain', () => answer.resume());
          }
        });
        answer.on('end', () => {
          outgoing.end();
          settle({ status, metered: meter.result() });
        });
        // A broken answer must look broken to Claude Code too, or it takes half a message for a whole one.
        const broken = (): void => {
          outgoing.destroy();
          settle({ status, metered: meter.result() });
        };
        answer.on('error', broken);
        answer.on('aborted', broken);
        outgoing.on('close', () => {
          if (answer.complete) return;
          upstreamRequest.destroy();
          settle({ status, metered: meter.result() });
        });
      });
      upstreamRequest.on('error', (error) => {
        refuseCall(outgoing, 502, 'api_error', `The model's service cannot be reached: ${error.message}`);
        settle({ status: 'unreachable', metered: null });
      });
      outgoing.on('close', () => {
        upstreamRequest.destroy();
        settle({ status: 'aborted', metered: null });
      });
      incoming.on('error', () => upstreamRequest.destroy());
      if (body === undefined) incoming.pipe(upstreamRequest);
      else upstreamRequest.end(body);
    });

  return {
    forward,
    close() {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
};
export type Forwarder = ReturnType<typeof createForwarder>;
