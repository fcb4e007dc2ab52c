'use client';
/** May Claude use this tool with this input? The whole input is here, by what it is. */
import { useState } from 'react';
import { ShieldQuestion } from 'lucide-react';
import { alwaysRuleOf, wordsOfRule } from '@remote-claude/contract';

import { Button } from '../../ui/button';
import { ToolInputView } from '../../ui/tool-input';
import type { CardProps } from './card-props';
import { DenyForm } from './deny';

export const ToolCard = ({ approval, busy, allowed, mayAlways, onAnswer }: CardProps) => {
  const [denying, setDenying] = useState(false);
  const always = mayAlways ? alwaysRuleOf(approval) : null;
  return (
    <>
      <header className="flex items-start gap-2.5 px-3.5 pt-3 pb-2.5">
        <ShieldQuestion size={16} className="mt-0.5 shrink-0 text-attention-mark" aria-hidden />
        <div className="min-w-0">
          <h3 className="font-semibold break-words">{approval.title}</h3>
          {approval.agent !== null && <p className="text-xs text-muted">Asked by the subagent {approval.agent}</p>}
        </div>
      </header>
      <div className="min-h-10 overflow-y-auto border-y border-line bg-sunken">
        <ToolInputView name={approval.tool} input={approval.input} />
      </div>
      <footer className="shrink-0 px-3.5 py-2.5">
        {!allowed ? (
          <p className="text-muted">Someone who may edit this session has to answer.</p>
        ) : denying ? (
          <DenyForm
            label="Deny"
            prompt="Why not? Claude is told (optional)"
            busy={busy}
            onDeny={(reason) => onAnswer({ decision: 'deny', ...(reason === '' ? {} : { reason }) })}
            onCancel={() => setDenying(false)}
          />
        ) : (
          <div className="flex flex-wrap items-center gap-2">
            <Button variant="primary" busy={busy} onClick={() => onAnswer({ decision: 'allow', scope: 'once' })}>
              Allow once
            </Button>
            {approval.sessionRule !== null && (
              <Button disabled={busy} onClick={() => onAnswer({ decision: 'allow', scope: 'session' })}>
                Allow for this session
              </Button>
            )}
            {always !== null && (
              <Button disabled={busy} onClick={() => onAnswer({ decision: 'allow', scope: 'always' })}>
                Always allow
              </Button>
            )}
            <Button variant="ghost" disabled={busy} onClick={() => setDenying(true)}>
              Deny
            </Button>
            {approval.sessionRule !== null && (
              <p className="max-h-16 w-full overflow-y-auto text-xs break-words text-muted">
                For this session allows: <span className="text-text">{approval.sessionRule}</span>
              </p>
            )}
            {always !== null && (
              <p className="max-h-16 w-full overflow-y-auto text-xs break-words text-muted">
                Always allows, in all of your sessions:{' '}
                <span className="text-text">
                  {always.kind === 'command' ? 'exactly this command' : wordsOfRule(always)}
                </span>
              </p>
            )}
          </div>
        )}
      </footer>
    </>
  );
};
