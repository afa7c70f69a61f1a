import { format, resolveConfig } from 'prettier';

/** A text in the format of this repository. @param path - of the file that it is for: its ending says what it is */
export async function formatted(path: string, text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}
