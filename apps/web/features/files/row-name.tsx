/** A field in place of a row's name: for a new file or folder, or another name. */
import { useId, useRef, useState } from 'react';

import { nameProblem } from './tree';

interface NameFieldProps {
  label: string;
  initial: string;
  /** null where it was given up. */
  onDone: (name: string | null) => void;
}

/** What is before the extension is what one wants to change. */
const stemEnd = (name: string): number => {
  const dot = name.lastIndexOf('.');
  return dot > 0 ? dot : name.length;
};

export const NameField = ({ label, initial, onDone }: NameFieldProps) => {
  const [name, setName] = useState(initial);
  const [touched, setTouched] = useState(false);
  const id = useId();
  /** Giving it up takes the field away, which takes the focus from it: it is said once. */
  const said = useRef(false);
  const say = (done: string | null): void => {
    if (!said.current) onDone(done);
    said.current = true;
  };
  const problem = touched ? nameProblem(name) : null;
  return (
    <span className="relative min-w-0 flex-1">
      <input
        // The person asked for it just now.
        autoFocus
        type="text"
        value={name}
        aria-label={label}
        aria-invalid={problem !== null || undefined}
        aria-describedby={problem === null ? undefined : id}
        spellCheck={false}
        autoComplete="off"
        onFocus={({ target }) => target.setSelectionRange(0, stemEnd(initial))}
        onChange={({ target }) => {
          setName(target.value);
          setTouched(true);
        }}
        onBlur={() => say(nameProblem(name) === null ? name : null)}
        onClick={(event) => event.stopPropagation()}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === 'Escape') say(null);
          if (event.key !== 'Enter') return;
          if (nameProblem(name) === null) say(name);
          else setTouched(true);
        }}
        className="h-6 w-full rounded-sm border border-accent bg-surface px-1 text-sm outline-none aria-invalid:border-danger pointer-coarse:text-[16px]"
      />
      {problem !== null && (
        <span
          id={id}
          role="alert"
          className="absolute top-7 left-0 z-10 rounded-md border border-line bg-raised px-2 py-1 text-xs whitespace-nowrap text-danger shadow-(--shadow)"
        >
          {problem}
        </span>
      )}
    </span>
  );
};
