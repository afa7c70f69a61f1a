/** A text as one word of a shell, for commands that somebody is told to run: names come from configurations and servers. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
