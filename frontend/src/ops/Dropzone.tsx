import { Button, FileButton } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import styles from './Dropzone.module.css';

interface DropzoneProps {
  /** What the button says. */
  label: string;
  accept: string;
  many?: boolean;
  onFiles: (files: File[]) => void;
  children: ReactNode;
}

/** Files chosen by the button, or dropped on its field. */
export function Dropzone({ label, accept, many = false, onFiles, children }: DropzoneProps) {
  const [over, setOver] = useState(false);
  const take = (files: File[]) => {
    if (files.length > 0) onFiles(many ? files : files.slice(0, 1));
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one way of two, the button the other
    <div
      className={styles.drop}
      data-over={over || undefined}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take([...event.dataTransfer.files]);
      }}
    >
      <p>{children}</p>
      <FileButton
        accept={accept}
        multiple={many}
        onChange={(chosen: File | File[] | null) =>
          take(Array.isArray(chosen) ? chosen : chosen ? [chosen] : [])
        }
      >
        {(props) => (
          <Button variant="default" {...props}>
            {label}
          </Button>
        )}
      </FileButton>
    </div>
  );
}
