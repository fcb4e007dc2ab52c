/**
 * Who types in a terminal that several people watch: one person at a time, in all of that person's windows. Who types first
 * has it as long as a window of theirs watches; another takes it by asking, which everyone is told. It knows no sockets.
 */
import { AppError, type Author } from '@remote-claude/contract';

export interface Writer {
  readonly person: Author | null;
  /** Someone is about to type or to change the size: theirs from now on where it is nobody's. Throws where it is another's. */
  claim(person: Author | null): void;
  /** Whether `claim` would not throw. */
  allows(person: Author | null): boolean;
  take(person: Author | null): void;
  /** A viewer went. */
  viewersChanged(): void;
}

export interface WriterDeps {
  /** The people whose windows watch. */
  watching(): readonly (Author | null)[];
  onChange(person: Author | null): void;
}

export const createWriter = ({ watching, onChange }: WriterDeps): Writer => {
  let writer: Author | null = null;
  const isWatching = (): boolean => watching().some((person) => person?.userId === writer?.userId);
  const change = (person: Author | null): void => {
    if (person?.userId === writer?.userId) return;
    writer = person;
    onChange(person);
  };

  const allows = (person: Author | null): boolean =>
    writer === null || writer.userId === person?.userId || !isWatching();

  return {
    allows,
    get person() {
      return writer;
    },
    claim(person) {
      if (allows(person)) return change(person);
      throw new AppError('conflict', {
        message: `${writer?.name} types in this terminal; this was not typed. Take it over first.`,
      });
    },
    take: change,
    viewersChanged() {
      if (writer !== null && !isWatching()) change(null);
    },
  };
};
