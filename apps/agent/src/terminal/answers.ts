/**
 * What an emulator answers by itself to a program's question, as against what a person types. With several viewers
 * each would answer; one of them may. It does not know who that is.
 */
// Device attributes, cursor position, status, mode and window reports; colours and other OSC reports; DCS reports. None
// holds a control character, or a line that a shell runs would pass for an answer.
const answer =
  /^(?:\u001b\[[?>=]?[\d;]*(?:c|\$y)|\u001b\[\??\d+(?:;\d+)+R|\u001b\[\??0n|\u001b\[\d+(?:;\d+)*t|\u001b\](?:4;\d+|1\d);rgb:[\da-fA-F/]+(?:\u0007|\u001b\\)|\u001bP[\d>!$+][^\u0000-\u001f\u007f-\u009f]*\u001b\\)+$/;
const maxAnswerBytes = 512;

/** Whether all of these bytes are answers. Cheap for what a person types: that is short or does not begin with an escape. */
export const isAnswer = (bytes: Uint8Array): boolean => {
  if (bytes[0] !== 0x1b || bytes.length < 4 || bytes.length > maxAnswerBytes) return false;
  return answer.test(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'));
};
