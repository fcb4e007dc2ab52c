'use client';
/** May Claude use this tool with this input? The whole input is here, by what it is. */
import { useRef, useState } from 'react';
import { ShieldQuestion } from 'lucide-react';
import { alwaysRuleOf, wordsOfRule, type ApprovalRule } from '@remote-claude/contract';

import { cx } from '../../lib/cx';
import { Button } from '../../ui/button';
import { ToolInputView } from '../../ui/tool-input';
import type { CardProps } from './card-props';
import { DenyForm } from './deny';
import { EditForm } from './edit-form';

const LastingNote = ({ where, rule }: { where: string; rule: ApprovalRule }) => (
  <p className="max-h-16 w-full overflow-y-auto text-xs break-words text-muted">
    {where}: <span className="text-text">{rule.kind === 'command' ? 'exactly this command' : wordsOfRule(rule)}</span>
  </p>
);

export const ToolCard = ({ approval, busy, allowed, lasting, onAnswer }: CardProps) => {
  const [denying, setDenying] = useState(false);
  const [editing, setEditing] = useState(false);
  // The keyboard comes back to where it left.
  const cameBack = useRef(false);
  const isEditing = editing && allowed;
  const rule = alwaysRuleOf(approval);
  const { always, project } = rule === null ? { always: false, project: null } : lasting;
  return (
    <>
      <header className="flex items-start gap-2.5 px-3.5 pt-3 pb-2.5">
        <ShieldQuestion size={16} className="mt-0.5 shrink-0 text-attention-mark" aria-hidden />
        <div className="min-w-0">
          <h3 className="font-semibold break-words">{isEditing ? 'Edit what runs' : approval.title}</h3>
          {isEditing && <p className="text-xs break-words text-muted">Claude asked: {approval.title}</p>}
          {approval.agent !== null && <p className="text-xs text-muted">Asked by the subagent {approval.agent}</p>}
        </div>
      </header>
      {isEditing ? (
        <EditForm
          approval={approval}
          busy={busy}
          onAllow={(input) => onAnswer({ decision: 'allow', scope: 'once', ...(input === null ? {} : { input }) })}
          onCancel={() => {
            cameBack.current = true;
            setEditing(false);
          }}
        />
      ) : (
        <div className="min-h-10 overflow-y-auto border-y border-line bg-sunken">
          <ToolInputView name={approval.tool} input={approval.input} />
        </div>
      )}
      <footer className={cx('shrink-0 px-3.5 py-2.5', isEditing && 'hidden')}>
        {isEditing ? null : !allowed ? (
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
            {project !== null && (
              <Button disabled={busy} onClick={() => onAnswer({ decision: 'allow', scope: 'project' })}>
                Always for this project
              </Button>
            )}
            {always && (
              <Button disabled={busy} onClick={() => onAnswer({ decision: 'allow', scope: 'always' })}>
                Always allow
              </Button>
            )}
            {/* What is not here in full could only be changed blindly. */}
            {approval.wholeInput === undefined && (
              <Button
                disabled={busy}
                ref={(button) => {
                  if (button !== null && cameBack.current) button.focus();
                  cameBack.current = false;
                }}
                onClick={() => setEditing(true)}
              >
                Edit…
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
            {rule !== null && project !== null && (
              <LastingNote
                where={`For this project allows, in all sessions of ${project.isPersonal ? 'your personal project' : `“${project.name}”`}`}
                rule={rule}
              />
            )}
            {rule !== null && always && <LastingNote where="Always allows, in all of your sessions" rule={rule} />}
          </div>
        )}
      </footer>
    </>
  );
};
