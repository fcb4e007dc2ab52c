// Where a page of a list ended, as a word for its reader to hand back. It knows no list.

import { AppError } from '@remote-claude/contract';
import { z } from 'zod';

export interface PageEnd {
  at: Date;
  id: string;
}

/** Years that every database and every clock can tell. */
const time = z.int().min(0).max(253_402_300_799_999);

export const encodeCursor = ({ at, id }: PageEnd): string =>
  Buffer.from(JSON.stringify([at.getTime(), id])).toString('base64url');

/** `id` is the form of the list's ids. Throws `validation_failed` for what no page of such a list ends with. */
export const decodeCursor = (cursor: string, id: z.ZodType<string>): PageEnd => {
  const parsed = z.tuple([time, id]).safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (!parsed.success) throw wrongCursor();
  return { at: new Date(parsed.data[0]), id: parsed.data[1] };
};

export const wrongCursor = (): AppError =>
  new AppError('validation_failed', {
    message: 'This cursor is not one of this list. Begin again without it.',
    fields: [{ path: 'cursor', message: 'This is not a cursor of this list.' }],
  });

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
