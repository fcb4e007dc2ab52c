// A shell that a bench types into, wherever it runs.

export interface BenchShell {
  type(bytes: Buffer): void;
  onOutput: (bytes: Buffer) => void;
}

export interface PeerShell extends BenchShell {
  close(): Promise<void>;
}

const promptTimeoutMs = 20_000;

/** Resolves when one of these has come. */
export const untilOutput = (shell: BenchShell, ...texts: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`None of ${texts.join(', ')} came.`)), promptTimeoutMs);
    let seen = '';
    shell.onOutput = (bytes) => {
      seen = (seen + bytes.toString('latin1')).slice(-1_000);
      if (!texts.some((text) => seen.includes(text))) return;
      clearTimeout(timer);
      shell.onOutput = () => {};
      resolve();
    };
  });
