/** The names that sessions and places may have. Whatever an engine is told of them is made of these alone. */
const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

export function isId(id: unknown): id is string {
  return typeof id === 'string' && idPattern.test(id);
}
