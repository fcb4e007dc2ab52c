/** Asks before pasted lines run one after the other. */
import { Button } from '../../ui/button';
import { Dialog, DialogButtons } from '../../ui/dialog';
import { linesOf } from './typing';

interface PasteDialogProps {
  text: string | null;
  onClose: () => void;
  onPaste: (text: string) => void;
}

export const PasteDialog = ({ text, onClose, onPaste }: PasteDialogProps) => {
  const lines = linesOf(text ?? '');
  return (
    <Dialog
      open={text !== null}
      onOpenChange={(open) => !open && onClose()}
      title={lines.length === 1 ? 'Paste and run this line?' : `Paste and run ${lines.length} lines?`}
      description="What runs in the terminal takes each line as a command as soon as it arrives."
    >
      <pre
        tabIndex={0}
        aria-label="What would be pasted"
        className="max-h-60 overflow-auto rounded-lg border border-line bg-sunken p-3 text-xs"
      >
        {text}
      </pre>
      <DialogButtons>
        <Button onClick={onClose}>Cancel</Button>
        {lines.length > 1 && <Button onClick={() => onPaste(lines.join(' '))}>Paste as one line</Button>}
        <Button variant="primary" onClick={() => text !== null && onPaste(text)}>
          Paste
        </Button>
      </DialogButtons>
    </Dialog>
  );
};
