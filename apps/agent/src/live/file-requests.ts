/** `file` messages: small contents and lists by socket; what is larger goes by HTTP. It does not know the socket. */
import { isUtf8 } from 'node:buffer';

import { AppError, maxFrameBytes, type FileRequest, type FileResult } from '@remote-claude/contract';

import type { Files } from '../files/index.js';

const maxReadBytes = 1024 * 1024;
type Data = NonNullable<FileResult['data']>;
type Request<A extends FileRequest['action']> = Extract<FileRequest, { action: A }>;

const read = async (files: Files, { path, encoding }: Request<'read'>): Promise<Data> => {
  const { handle, node } = await files.open(path);
  try {
    if (node.size > maxReadBytes)
      throw new AppError('payload_too_large', { message: 'Files over 1 MiB are read by HTTP.', size: node.size });
    const bytes = Buffer.alloc(maxReadBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
      if (length > maxReadBytes)
        throw new AppError('payload_too_large', { message: 'Files over 1 MiB are read by HTTP.' });
    }
    const content = bytes.subarray(0, length);
    // Text that is not UTF-8 would come back changed when it is saved.
    const chosen = encoding === 'utf8' && isUtf8(content) ? 'utf8' : 'base64';
    return { node, content: content.toString(chosen), encoding: chosen };
  } finally {
    await handle.close();
  }
};

const write = async (files: Files, { path, content, encoding, ifMatch }: Request<'write'>): Promise<Data> => {
  const bytes = Buffer.from(content, encoding);
  return { node: await files.save(path, [bytes], { ifMatch }) };
};

const act = async (files: Files, request: FileRequest): Promise<Data> => {
  switch (request.action) {
    case 'list':
      return { nodes: await files.list(request.path) };
    case 'stat':
      return { node: await files.stat(request.path) };
    case 'read':
      return read(files, request);
    case 'write':
      return write(files, request);
    case 'delete':
      await files.remove(request.path, request.recursive);
      return {};
    case 'mkdir':
      return { node: await files.mkdir(request.path) };
    case 'move':
      return { node: await files.move(request.path, request.to) };
  }
};

/** A frame's ceiling holds for answers too. Each character of JSON is at least a byte. */
const fits = (data: Data): boolean => {
  const nodes = data.nodes?.length ?? 0;
  if (nodes < 500 && (data.content?.length ?? 0) * 6 < maxFrameBytes) return true;
  return Buffer.byteLength(JSON.stringify(data)) < maxFrameBytes - 1_000;
};

export const answerFileRequest = async (files: Files, request: FileRequest): Promise<FileResult> => {
  const data = await act(files, request);
  if (fits(data)) return { success: true, data };
  if (data.content !== undefined && data.encoding === 'utf8') {
    return {
      success: true,
      data: { ...data, content: Buffer.from(data.content).toString('base64'), encoding: 'base64' },
    };
  }
  throw new AppError('payload_too_large', {
    message: 'This folder has too many entries for a message; list it by HTTP.',
  });
};
