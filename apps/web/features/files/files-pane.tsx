'use client';
/** The work tree of the session around. A file that is opened goes to the editor by way of what is open in the session. */
import { useEffect, useMemo, useRef, useState, type DragEvent } from 'react';
import { FilePlus, FolderPlus, FolderUp, FolderTree, RefreshCw, Upload } from 'lucide-react';
import { useStore } from 'zustand';
import type { FileNode } from '@remote-claude/contract';

import { useFilesAway, useSessionFiles, visibleName } from '../../lib/open-files';
import { Button, IconButton } from '../../ui/button';
import { Confirm } from '../../ui/confirm';
import { Empty } from '../../ui/empty';
import { FilesAway } from '../../ui/files-away';
import { Notice } from '../../ui/notice';
import { chosenFiles, droppedFiles } from './drop';
import { RowMenu, type MenuAt, type RowActions } from './row-menu';
import { joinPath, liesIn, nameOf, parentOf, visibleRows, type NodeRow } from './tree';
import { pathType, TreeView, type NewRow, type ShownRow } from './tree-view';
import { UploadList } from './upload-list';
import { useFiles, type Files } from './use-files';

/** A dialog lets go of the focus a moment after it is closed. */
const focusBackMs = 50;

type Creating = Pick<NewRow, 'what' | 'path'> | null;

/** Where something new goes: into the folder, or beside the file. */
const folderOf = (node: FileNode | null): string =>
  node === null ? '' : node.kind === 'folder' ? node.path : parentOf(node.path);

const withNewRow = (rows: readonly ShownRow[], creating: Creating): readonly ShownRow[] => {
  if (creating === null) return rows;
  const at = rows.findIndex((row) => row.kind === 'node' && row.path === creating.path);
  const above = rows[at];
  const row: NewRow = { kind: 'new', ...creating, level: above === undefined ? 1 : above.level + 1 };
  return rows.toSpliced(at + 1, 0, row);
};

const useChooser = (files: Files) => {
  const filesInput = useRef<HTMLInputElement>(null);
  const folderInput = useRef<HTMLInputElement>(null);
  const into = useRef('');
  const input = (ref: typeof filesInput, folder: boolean) => (
    <input
      ref={ref}
      type="file"
      multiple
      hidden
      aria-label={folder ? 'Upload a folder' : 'Upload files'}
      {...(folder ? { webkitdirectory: '' } : {})}
      onChange={({ target }) => {
        void files.upload(into.current, chosenFiles(target.files));
        target.value = '';
      }}
    />
  );
  const choose = (ref: typeof filesInput, node: FileNode | null): void => {
    into.current = folderOf(node);
    ref.current?.click();
  };
  return {
    inputs: (
      <>
        {input(filesInput, false)}
        {input(folderInput, true)}
      </>
    ),
    chooseFiles: (node: FileNode | null) => choose(filesInput, node),
    chooseFolder: (node: FileNode | null) => choose(folderInput, node),
  };
};

export const FilesPane = () => {
  const files = useFiles();
  const { tree } = files;
  const state = useStore(tree.view);
  const { active: opened } = useSessionFiles();
  const [active, setActive] = useState<string | null>(null);
  const [creating, setCreating] = useState<Creating>(null);
  const [renaming, setRenaming] = useState<string | null>(null);
  const [removing, setRemoving] = useState<FileNode | null>(null);
  const [menu, setMenu] = useState<MenuAt | null>(null);
  const [dropInto, setDropInto] = useState<string | null>(null);
  const chooser = useChooser(files);
  const rows = useMemo(() => withNewRow(visibleRows(state), creating), [state, creating]);
  const root = state.folders.get('');
  const away = useFilesAway();
  const writable = files.writable && away === null;
  const activeNode = useMemo(() => {
    const row = rows.find((shown): shown is NodeRow => shown.kind === 'node' && shown.path === active);
    return row?.node ?? null;
  }, [rows, active]);

  const box = useRef<HTMLDivElement>(null);
  const asking = creating !== null || renaming !== null || removing !== null || menu !== null;
  useEffect(() => {
    const place = box.current;
    if (!asking) return;
    // What was asked about a row gives the focus back to the rows.
    return () => void setTimeout(() => place?.querySelector<HTMLElement>('[role=tree]')?.focus(), focusBackMs);
  }, [asking]);

  const create = (what: NewRow['what'], node: FileNode | null): void => {
    const path = folderOf(node);
    if (path !== '') tree.expand(path);
    setCreating({ what, path });
  };
  const named = async (row: NodeRow | NewRow, name: string | null): Promise<void> => {
    setCreating(null);
    setRenaming(null);
    if (name === null) return;
    if (row.kind === 'node') {
      if (name === row.node.name) return;
      if (await files.rename(row.path, name)) setActive(joinPath(parentOf(row.path), name));
      return;
    }
    const path = joinPath(row.path, name);
    const made = row.what === 'file' ? await files.newFile(path) : await files.newFolder(path);
    if (made) setActive(path);
  };
  const drop = async (folder: string, data: DataTransfer): Promise<void> => {
    setDropInto(null);
    if (!writable) return;
    const from = data.getData(pathType);
    if (from === '') {
      const chosen = await droppedFiles(data);
      if (chosen.length > 0) await files.upload(folder, chosen);
    } else if (parentOf(from) !== folder && !liesIn(folder, from)) {
      if (await files.move(from, joinPath(folder, nameOf(from)))) tree.expand(folder);
    }
  };
  const over = (event: DragEvent): void => {
    if (!writable) return;
    event.preventDefault();
    setDropInto('');
  };

  const actions: RowActions = {
    open: ({ path }) => files.open(path),
    newFile: (node) => create('file', node),
    newFolder: (node) => create('folder', node),
    uploadFiles: chooser.chooseFiles,
    uploadFolder: chooser.chooseFolder,
    download: ({ path }) => files.download(path),
    copyPath: ({ path }) => void navigator.clipboard.writeText(path).catch(() => undefined),
    rename: ({ path }) => setRenaming(path),
    remove: setRemoving,
  };

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div
        role="toolbar"
        aria-label="Files"
        className="flex h-9 shrink-0 items-center gap-0.5 border-b border-line px-1.5"
      >
        {writable && (
          <>
            <IconButton label="New file" onClick={() => create('file', activeNode)}>
              <FilePlus size={15} aria-hidden />
            </IconButton>
            <IconButton label="New folder" onClick={() => create('folder', activeNode)}>
              <FolderPlus size={15} aria-hidden />
            </IconButton>
            <IconButton label="Upload files" onClick={() => chooser.chooseFiles(activeNode)}>
              <Upload size={15} aria-hidden />
            </IconButton>
            <IconButton label="Upload a folder" onClick={() => chooser.chooseFolder(activeNode)}>
              <FolderUp size={15} aria-hidden />
            </IconButton>
          </>
        )}
        <span className="flex-1" />
        <IconButton label="Look again" disabled={away !== null} onClick={() => tree.changed(null)}>
          <RefreshCw size={14} aria-hidden />
        </IconButton>
      </div>
      {chooser.inputs}
      {files.problem !== null && (
        <Notice
          shape="bar"
          tone="danger"
          role="alert"
          action={
            <Button size="sm" variant="ghost" onClick={files.dismiss}>
              Dismiss
            </Button>
          }
        >
          {files.problem}
        </Notice>
      )}
      <div
        ref={box}
        role="presentation"
        onDragOver={over}
        onDragLeave={(event) => {
          if (!event.currentTarget.contains(event.relatedTarget as globalThis.Node | null)) setDropInto(null);
        }}
        onDrop={(event) => {
          event.preventDefault();
          void drop('', event.dataTransfer);
        }}
        onContextMenu={(event) => {
          event.preventDefault();
          setMenu({ node: null, x: event.clientX, y: event.clientY });
        }}
        className={`min-h-0 flex-1 ${dropInto === '' ? 'bg-accent-soft' : ''}`}
      >
        {away !== null ? (
          <FilesAway state={away} />
        ) : root?.status === 'failed' && root.nodes.length === 0 ? (
          <Empty
            icon={<FolderTree size={18} aria-hidden />}
            title="The files could not be read"
            action={<Button onClick={() => void tree.read('')}>Try again</Button>}
          >
            {root.error}
          </Empty>
        ) : root?.status === 'loaded' && root.nodes.length === 0 && creating === null ? (
          <Empty
            icon={<FolderTree size={18} aria-hidden />}
            title="No files yet"
            action={writable && <Button onClick={() => chooser.chooseFiles(null)}>Upload files</Button>}
          >
            What Claude or you make in this session shows here at once. You can also drop files here.
          </Empty>
        ) : (
          <TreeView
            rows={rows}
            active={active}
            opened={opened}
            renaming={renaming}
            dropInto={dropInto}
            writable={writable}
            onActive={setActive}
            onToggle={(path, open) => (open ? tree.expand(path) : tree.collapse(path))}
            onOpen={actions.open}
            onRetry={(path) => void tree.read(path)}
            onNamed={(row, name) => void named(row, name)}
            onRename={setRenaming}
            onDelete={setRemoving}
            onMenu={(node, { x, y }) => setMenu({ node, x, y })}
            onDragInto={setDropInto}
            onDrop={(folder, data) => void drop(folder, data)}
          />
        )}
      </div>
      <UploadList uploads={files.uploads} />
      <RowMenu at={menu} writable={writable} actions={actions} onClose={() => setMenu(null)} />
      <Confirm
        open={removing !== null}
        onOpenChange={(open) => !open && setRemoving(null)}
        title={`Delete ${visibleName(removing?.name ?? '')}?`}
        body={
          removing?.kind === 'folder'
            ? 'The folder and everything in it are deleted. This cannot be undone.'
            : 'The file is deleted. This cannot be undone.'
        }
        action="Delete"
        dangerous
        onConfirm={async () => {
          if (removing !== null) await files.remove(removing);
        }}
      />
    </div>
  );
};
