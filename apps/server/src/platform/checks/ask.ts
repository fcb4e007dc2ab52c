// One request of a check, and its answer. It knows no check.

import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';

const withinMs = 10_000;
const maxAnswerCharacters = 10_000;

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
}

/** One request, whose upgrade is taken as an answer too. */
export const ask = (url: URL, method: string, headers: Record<string, string> = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const outgoing = request(url, { method, headers, timeout: withinMs, agent: false });
    const take = (answer: IncomingMessage): void => {
      text(answer).then(
        (body) =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: body.slice(0, maxAnswerCharacters),
          }),
        reject,
      );
    };
    outgoing.on('response', take);
    outgoing.on('upgrade', (answer, socket) => {
      socket.destroy();
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: '' });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${withinMs / 1000} s`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
