'use client';
/** Copies text and says so. */
import { useEffect, useState } from 'react';
import { Check, Copy } from 'lucide-react';

import { IconButton } from './button';

export const CopyButton = ({ text, label = 'Copy' }: { text: string; label?: string }) => {
  const [copied, setCopied] = useState<boolean | null>(null);
  useEffect(() => {
    if (copied === null) return;
    const timer = setTimeout(() => setCopied(null), 1_600);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      setCopied(false);
    }
  };
  return (
    <IconButton
      size="sm"
      label={copied === null ? label : copied ? 'Copied' : 'This browser does not allow copying'}
      onClick={() => void copy()}
    >
      {copied === true ? <Check size={14} className="text-ok" aria-hidden /> : <Copy size={14} aria-hidden />}
    </IconButton>
  );
};
