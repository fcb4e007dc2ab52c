/**
 * Files of the work tree: reached by descriptors only, so that no path, link or rename leads out of it.
 * createFiles({ workspace, stateDir, log }): Promise<Files>, createFilesHttp(files, log): HttpPart. Files has `tree` for execute, and close().
 */
export { createFiles, type Files } from './files.js';
export { createFilesHttp } from './http.js';
export { mayBeLeftover, syncFolder, temporaryName } from './saving.js';
export { inFolder, itself, openPath, type WorkTree } from './work-tree.js';
export { bodyOf, readJson, sendError, sendJson, validated } from './http-answers.js';
export { asAppError, codeOf } from './failures.js';
export { openFolder } from './reading.js';
