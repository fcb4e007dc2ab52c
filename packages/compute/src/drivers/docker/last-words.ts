/**
 * The last that a container printed, for the sentence that says how it ended: its log goes with it when the next place of
 * the session is made. It does not know what it means.
 */
import type Docker from 'dockerode';

const lines = 3;
const maxLetters = 400;
const headerBytes = 8;
/** Colours and the like. */
const escapes = /\u001b\[[0-?]*[ -/]*[@-~]/g;

/** Empty where it printed nothing or the engine does not say. */
export async function lastWordsOf(container: Docker.Container): Promise<string> {
  try {
    const said = await container.logs({ stdout: true, stderr: true, tail: lines });
    // One line of printable text, whatever a program wrote.
    return textOf(said)
      .replace(escapes, '')
      .replace(/[^\P{C}\n]/gu, '')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(-maxLetters);
  } catch {
    return '';
  }
}

/** Frames: kind, three zeros, length, text. */
function textOf(said: Buffer): string {
  const texts: Buffer[] = [];
  for (let at = 0; at + headerBytes <= said.length;) {
    const bytes = said.readUInt32BE(at + 4);
    texts.push(said.subarray(at + headerBytes, at + headerBytes + bytes));
    at += headerBytes + bytes;
  }
  return Buffer.concat(texts).toString('utf8');
}
