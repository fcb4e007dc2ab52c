/** Runs one of the system's tools to its end, by argument array and with a given environment. It knows no tool. */
import { execFile } from 'node:child_process';

export interface ToolResult {
  /** Null where it could not be started or was killed. */
  code: number | null;
  output: string;
}

export function runTool(argv: string[], env: Record<string, string>, timeoutMs = 15_000): Promise<ToolResult> {
  const [file, ...args] = argv;
  return new Promise((resolve) => {
    execFile(
      file ?? '',
      args,
      { env, timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ code: 0, output: `${stdout}${stderr}` });
        const code = typeof error.code === 'number' ? error.code : null;
        resolve({ code, output: `${stdout}${stderr}` || error.message });
      },
    );
  });
}
