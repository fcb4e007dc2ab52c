'use client';
/** Changing the input before it runs. What stands in the text is what runs; closing this changes nothing. */
import { useId, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { OpenApproval, ToolInput } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import { shortPath, viewTool } from '../../lib/tool-view';
import { Button } from '../../ui/button';
import { controlClass } from '../../ui/field';
import { editableOf, editedInput } from './editing';

/** Beyond this it scrolls: the answer stays in view. */
const maxHeightPx = 280;

interface EditFormProps {
  approval: OpenApproval;
  busy: boolean;
  /** Null where nothing was changed. */
  onAllow: (input: ToolInput | null) => void;
  onCancel: () => void;
}

export const EditForm = ({ approval: { tool, input }, busy, onAllow, onCancel }: EditFormProps) => {
  const editable = useMemo(() => editableOf(tool, input), [tool, input]);
  const [text, setText] = useState(editable.text);
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  // Nobody is to allow what lies beneath an edge.
  useLayoutEffect(() => {
    const element = area.current;
    if (element === null) return;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight + 2, maxHeightPx)}px`;
  }, [text]);
  const edited = useMemo(() => editedInput(tool, input, text), [tool, input, text]);
  const view = viewTool(tool, input);
  const isChanged = text !== editable.text;
  const before = tool === 'Edit' && editable.field !== null ? input['old_string'] : null;
  return (
    <form
      className="flex min-h-0 flex-col"
      onSubmit={(event) => {
        event.preventDefault();
        if (edited.input !== null) onAllow(isChanged ? edited.input : null);
      }}
    >
      <div className="min-h-0 overflow-y-auto border-y border-line bg-sunken px-3.5 py-2.5">
        {(view.kind === 'edit' || view.kind === 'write') && editable.field !== null && (
          <p className="mb-1.5 font-mono text-xs break-all text-muted">{shortPath(view.path)}</p>
        )}
        {typeof before === 'string' && (
          <pre
            tabIndex={0}
            aria-label="Text that is replaced"
            className="mb-2 max-h-32 overflow-auto rounded-md border border-line bg-danger-soft px-2.5 py-1.5 text-xs leading-[19px] break-words whitespace-pre-wrap text-code"
          >
            {before}
          </pre>
        )}
        <label htmlFor={id} className="mb-1 block text-xs text-muted">
          {editable.label}
        </label>
        <textarea
          ref={area}
          id={id}
          autoFocus
          value={text}
          rows={2}
          spellCheck={false}
          autoCapitalize="off"
          autoCorrect="off"
          autoComplete="off"
          aria-invalid={edited.error !== null || undefined}
          aria-describedby={`${id}-note`}
          onChange={(event) => setText(event.target.value)}
          className={cx(
            controlClass,
            'block resize-y px-2.5 py-2 font-mono text-xs leading-[19px] break-words pointer-coarse:leading-6',
          )}
        />
        <p
          id={`${id}-note`}
          role={edited.error === null ? undefined : 'alert'}
          className={cx('mt-1 text-xs', edited.error === null ? 'text-muted' : 'text-danger')}
        >
          {edited.error ?? 'This runs exactly as it stands here, once.'}
        </p>
      </div>
      <div className="flex shrink-0 flex-wrap gap-2 px-3.5 py-2.5">
        <Button type="submit" variant="primary" busy={busy} disabled={edited.error !== null}>
          {isChanged ? 'Allow as edited' : 'Allow once'}
        </Button>
        <Button variant="ghost" disabled={busy} onClick={onCancel}>
          Back
        </Button>
      </div>
    </form>
  );
};
