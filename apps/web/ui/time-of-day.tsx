'use client';
/** When something was, short; the whole of it in its title. */
import { exactTime, timeOfDay } from '../lib/time';
import { useNow } from '../lib/use-now';

export const TimeOfDay = ({ at, className = '' }: { at: string; className?: string }) => {
  const now = useNow(null);
  return (
    <time dateTime={at} title={exactTime(at)} className={`text-xs text-faint ${className}`}>
      {timeOfDay(at, now)}
    </time>
  );
};
