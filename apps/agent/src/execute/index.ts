/**
 * Commands of `execute`: one `bash -c` each, bounded in time and output.
 * createExecute({ tree: files.tree, env, log }): Execute (an ActivitySource with close()), createExecuteHttp(execute, log): HttpPart.
 */
export { createExecute, type Execute, type ExecuteOutput } from './execute.js';
export { createExecuteHttp } from './http.js';
