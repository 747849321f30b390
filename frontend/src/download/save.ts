/** Hands bytes to the reader as a file. */
export function save(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** A file name any system takes: deaths_total-2019.csv */
export function fileName(parts: readonly string[], extension: string): string {
  const stem = parts.map((part) => part.replace(/[^\w-]+/g, '_')).join('-');
  return `atalaia-${stem}.${extension}`;
}
