/** What an error of the file system means to a person. It does not know which operation it was. */
import { AppError, type ErrorCode } from '@remote-claude/contract';

const meanings: Readonly<Record<string, [ErrorCode, string?]>> = {
  ENOENT: ['not_found', 'There is no such file or folder.'],
  ENOTDIR: ['wrong_kind', 'A part of this path is not a folder.'],
  EISDIR: ['wrong_kind', 'This is a folder.'],
  ENOTEMPTY: ['not_empty'],
  EEXIST: ['already_exists'],
  EACCES: ['forbidden', 'The session’s user may not do this: the permissions on disk refuse it.'],
  EPERM: ['forbidden', 'The session’s user may not do this: the permissions on disk refuse it.'],
  EROFS: ['forbidden', 'This part of the disk is read-only.'],
  ENAMETOOLONG: ['validation_failed', 'This name is too long for the disk.'],
  EILSEQ: ['validation_failed', 'The disk does not take this name.'],
  EINVAL: ['validation_failed', 'The disk refuses this, for instance to move a folder into itself.'],
  ELOOP: ['not_found', 'The links on this path lead in a circle.'],
  EXDEV: ['conflict', 'This lies on another volume; copy it and delete the original.'],
  EBUSY: ['conflict', 'This is in use, for instance as a mount point.'],
  ETXTBSY: ['conflict', 'This program is running and cannot be written to.'],
  ENOSPC: ['no_space'],
  EDQUOT: ['no_space'],
  EFBIG: ['payload_too_large', 'This is larger than the disk takes.'],
  EMFILE: ['unavailable'],
  ENFILE: ['unavailable'],
};

export const codeOf = (error: unknown): string | undefined => {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return typeof code === 'string' ? code : undefined;
};

/** An `AppError` as it is, an error of the file system as one; anything else is a bug and stays what it is. */
export const asAppError = (error: unknown): unknown => {
  if (error instanceof AppError) return error;
  const meaning = meanings[codeOf(error) ?? ''];
  if (!meaning) return error;
  return new AppError(meaning[0], meaning[1] === undefined ? {} : { message: meaning[1] }, { cause: error });
};
