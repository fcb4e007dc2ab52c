/** What can be done with a row, or with the work tree where no row is meant: opened at a point of the page. */
import {
  Copy,
  Download,
  FilePlus,
  FolderPlus,
  FolderUp,
  PencilLine,
  SquareArrowOutUpRight,
  Trash2,
  Upload,
} from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { FileNode } from '@remote-claude/contract';

import { visibleName } from '../../lib/open-files';
import { MenuItem, MenuLine } from '../../ui/menu';

export interface MenuAt {
  node: FileNode | null;
  x: number;
  y: number;
}

export interface RowActions {
  open: (node: FileNode) => void;
  newFile: (node: FileNode | null) => void;
  newFolder: (node: FileNode | null) => void;
  uploadFiles: (node: FileNode | null) => void;
  uploadFolder: (node: FileNode | null) => void;
  download: (node: FileNode) => void;
  copyPath: (node: FileNode) => void;
  rename: (node: FileNode) => void;
  remove: (node: FileNode) => void;
}

interface RowMenuProps {
  at: MenuAt | null;
  writable: boolean;
  actions: RowActions;
  onClose: () => void;
}

const icon = { size: 14, 'aria-hidden': true } as const;

const NodeItems = ({ node, writable, actions }: { node: FileNode; writable: boolean; actions: RowActions }) => (
  <>
    {node.kind !== 'folder' && (
      <>
        <MenuItem icon={<SquareArrowOutUpRight {...icon} />} keys="Enter" onSelect={() => actions.open(node)}>
          Open
        </MenuItem>
        <MenuItem icon={<Download {...icon} />} onSelect={() => actions.download(node)}>
          Download
        </MenuItem>
      </>
    )}
    <MenuItem icon={<Copy {...icon} />} onSelect={() => actions.copyPath(node)}>
      Copy path
    </MenuItem>
    {writable && (
      <>
        <MenuLine />
        <MenuItem icon={<PencilLine {...icon} />} keys="F2" onSelect={() => actions.rename(node)}>
          Rename
        </MenuItem>
        <MenuItem icon={<Trash2 {...icon} />} dangerous keys="Delete" onSelect={() => actions.remove(node)}>
          Delete
        </MenuItem>
      </>
    )}
  </>
);

export const RowMenu = ({ at, writable, actions, onClose }: RowMenuProps) => {
  const node = at?.node ?? null;
  const holds = node === null || node.kind === 'folder';
  return (
    <DropdownMenu.Root open={at !== null} onOpenChange={(open) => !open && onClose()} modal={false}>
      <DropdownMenu.Trigger asChild>
        <span
          aria-hidden
          tabIndex={-1}
          className="pointer-events-none fixed"
          style={{ left: at?.x ?? 0, top: at?.y ?? 0 }}
        />
      </DropdownMenu.Trigger>
      {/* Inside of the pane, so that it belongs to its region. */}
      <DropdownMenu.Content
        align="start"
        collisionPadding={8}
        aria-label={node === null ? 'Files' : visibleName(node.name)}
        onCloseAutoFocus={(event) => event.preventDefault()}
        className="animate-appear z-50 min-w-48 rounded-lg border border-line bg-raised p-1 shadow-(--shadow)"
      >
        {holds && writable && (
          <>
            <MenuItem icon={<FilePlus {...icon} />} onSelect={() => actions.newFile(node)}>
              New file
            </MenuItem>
            <MenuItem icon={<FolderPlus {...icon} />} onSelect={() => actions.newFolder(node)}>
              New folder
            </MenuItem>
            <MenuItem icon={<Upload {...icon} />} onSelect={() => actions.uploadFiles(node)}>
              Upload files
            </MenuItem>
            <MenuItem icon={<FolderUp {...icon} />} onSelect={() => actions.uploadFolder(node)}>
              Upload a folder
            </MenuItem>
            {node !== null && <MenuLine />}
          </>
        )}
        {node !== null && <NodeItems node={node} writable={writable} actions={actions} />}
      </DropdownMenu.Content>
    </DropdownMenu.Root>
  );
};
