// Files of a session, through the door to its agent. The server never touches a work tree itself.

import { agentPaths, errorOf, type ExecuteRequest, type ExecuteResult, type FileNode } from '@remote-claude/contract';
import { executeResult, fileNode } from '@remote-claude/contract';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { z } from 'zod';

import type { Database } from '../../platform/database/index.js';
import type { Actor } from '../../platform/http/index.js';
import type { Audit } from '../audit/index.js';
import {
  askAgent,
  postingJson,
  textOfAnswer,
  type AgentDoor,
  type AgentRequest,
  type AgentResponse,
} from '../relay/index.js';
import { createUploadLimit } from './upload-limit.js';

export interface FilesDeps {
  door: AgentDoor;
  audit: Audit;
  database: Database;
  /** Of one file, however it comes. */
  maxUploadBytes: number;
}

/** Who acts in which session, for the audit row that is written before the act. */
export interface FileAct {
  actor: Actor;
  sessionId: string;
  ip: string;
}

const defaultExecuteMs = 120_000;
const nodes = z.object({ items: z.array(fileNode) });

const withPath = (address: string, path: string, more = ''): string =>
  `${address}?path=${encodeURIComponent(path)}${more}`;

/** Headers of a request that mean something to the agent. */
const passedOn = (headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])));

export const createFiles = ({ door, audit, database, maxUploadBytes }: FilesDeps) => {
  const uploadLimit = createUploadLimit(maxUploadBytes);
  const ask = <T>(sessionId: string, request: AgentRequest, schema: z.ZodType<T>): Promise<T> =>
    askAgent(door, sessionId, request, schema);

  const record = ({ actor, sessionId, ip }: FileAct, action: string, details: Record<string, unknown>): Promise<void> =>
    audit.record(database.db, { userId: actor.userId, sessionId, action, details, ip });

  const refuseErrors = async (answer: AgentResponse): Promise<AgentResponse> => {
    if (answer.status >= 400) throw errorOf(answer.status, await textOfAnswer(answer.body));
    return answer;
  };

  return {
    maxUploadBytes,

    list: async (sessionId: string, path: string): Promise<FileNode[]> =>
      (await ask(sessionId, { method: 'GET', path: withPath(agentPaths.list, path) }, nodes)).items,

    /** The answer's body must be read or destroyed. */
    read: async (
      sessionId: string,
      path: string,
      headers: IncomingHttpHeaders,
      signal: AbortSignal,
    ): Promise<AgentResponse> =>
      refuseErrors(
        await door.request(sessionId, {
          method: 'GET',
          path: withPath(agentPaths.content, path),
          headers: passedOn(headers, ['range', 'if-none-match', 'if-range']),
          signal,
        }),
      ),

    async write(
      act: FileAct,
      path: string,
      headers: IncomingHttpHeaders,
      body: Readable,
    ): Promise<{ created: boolean; node: FileNode }> {
      uploadLimit.check(headers['content-length']);
      await record(act, 'files.put', { path });
      const answer = await uploadLimit.hold(body, async (held) =>
        refuseErrors(
          await door.request(act.sessionId, {
            method: 'PUT',
            path: withPath(agentPaths.content, path),
            headers: passedOn(headers, ['if-match', 'if-none-match', 'content-length']),
            body: held,
          }),
        ),
      );
      return { created: answer.status === 201, node: fileNode.parse(JSON.parse(await textOfAnswer(answer.body))) };
    },

    async remove(act: FileAct, path: string, recursive: boolean): Promise<void> {
      await record(act, 'files.delete', { path, recursive });
      const address = withPath(agentPaths.content, path, recursive ? '&recursive=1' : '');
      await ask(act.sessionId, { method: 'DELETE', path: address }, z.unknown());
    },

    async mkdir(act: FileAct, path: string): Promise<FileNode> {
      await record(act, 'files.mkdir', { path });
      return ask(act.sessionId, postingJson(agentPaths.mkdir, { path }), fileNode);
    },

    async move(act: FileAct, path: string, to: string): Promise<FileNode> {
      await record(act, 'files.move', { path, to });
      return ask(act.sessionId, postingJson(agentPaths.move, { path, to }), fileNode);
    },

    async execute(act: FileAct, request: ExecuteRequest, signal: AbortSignal): Promise<ExecuteResult> {
      await record(act, 'sessions.execute', { command: request.command.slice(0, 2_000) });
      const thinkMs = (request.timeoutMs ?? defaultExecuteMs) + 10_000;
      return ask(act.sessionId, { ...postingJson(agentPaths.execute, request, signal), thinkMs }, executeResult);
    },

    /** One request of the tus protocol; `uploadId` null begins one. Bytes in progress are not audited one by one. */
    async upload(
      act: FileAct,
      request: { method: string; uploadId: string | null; headers: IncomingHttpHeaders; body: Readable },
    ): Promise<AgentResponse> {
      const { method, uploadId, headers } = request;
      uploadLimit.check(headers['upload-length']);
      uploadLimit.check(headers['content-length'], headers['upload-offset']);
      const audited: Readonly<Record<string, string>> = {
        POST: 'uploads.create',
        PATCH: 'uploads.append',
        DELETE: 'uploads.cancel',
      };
      const action = audited[method];
      if (action !== undefined) {
        await record(act, action, {
          uploadId,
          offset: headers['upload-offset'],
          metadata: headers['upload-metadata']?.slice(0, 2_000),
        });
      }
      return refuseErrors(
        await door.request(act.sessionId, {
          method,
          path: uploadId === null ? agentPaths.uploads : `${agentPaths.uploads}/${uploadId}`,
          headers: passedOn(headers, [
            'tus-resumable',
            'upload-length',
            'upload-offset',
            'upload-metadata',
            'upload-checksum',
            'content-type',
            'content-length',
          ]),
          ...(method === 'HEAD' || method === 'DELETE' ? {} : { body: request.body }),
        }),
      );
    },
  };
};
export type Files = ReturnType<typeof createFiles>;
