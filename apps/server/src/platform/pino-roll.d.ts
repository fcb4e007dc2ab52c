// The part of pino-roll that is used here; it brings no types.

declare module 'pino-roll' {
  import type { EventEmitter } from 'node:events';

  export interface RollingFile extends EventEmitter {
    /** The file that is written now. */
    readonly file: string;
    readonly fd: number;
    write(text: string): boolean;
    end(): void;
    destroy(): void;
  }

  interface RollOptions {
    file: string;
    size: string;
    frequency: 'daily' | 'hourly';
    dateFormat: string;
    limit: { count: number; removeOtherLogFiles: boolean };
    mode: number;
    maxLength: number;
  }

  export default function roll(options: RollOptions): Promise<RollingFile>;
}
