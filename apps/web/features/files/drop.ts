/** Files and folders that a person chose or dropped, as a flat list with their paths. It does not know where they go. */

export interface Chosen {
  file: File;
  /** With the folders above it that came along. */
  path: string;
}

export const chosenFiles = (files: FileList | null): Chosen[] =>
  [...(files ?? [])].map((file) => ({
    file,
    path: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath,
  }));

const entriesOf = (folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> => {
  const reader = folder.createReader();
  // A reader gives some at a time, and an empty list at the end.
  const more = async (before: FileSystemEntry[]): Promise<FileSystemEntry[]> => {
    const next = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    return next.length === 0 ? before : more([...before, ...next]);
  };
  return more([]);
};

const filesOf = async (entry: FileSystemEntry, above: string): Promise<Chosen[]> => {
  const path = above === '' ? entry.name : `${above}/${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ file, path }];
  }
  const inside = await entriesOf(entry as FileSystemDirectoryEntry);
  return (await Promise.all(inside.map((child) => filesOf(child, path)))).flat();
};

/** Call it while the drop is handled: afterwards the browser has let go of what was dropped. */
export const droppedFiles = async (data: DataTransfer): Promise<Chosen[]> => {
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (entries.length === 0) return chosenFiles(data.files);
  return (await Promise.all(entries.map((entry) => filesOf(entry, '')))).flat();
};
