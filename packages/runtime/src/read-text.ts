import { readFile, stat } from 'node:fs/promises';

/**
 * The text of a file of bounded size.
 * @throws Error that names the file where it is larger, and what the file system says
 */
export async function readText(file: string, maxBytes: number): Promise<string> {
  const { size } = await stat(file);
  if (size > maxBytes) throw new Error(`${file}: larger than ${maxBytes} bytes`);
  return readFile(file, 'utf8');
}
