import type { Command } from 'commander';

/** Shows the flags of a command's subcommands in its own help: one look is enough. */
export function showSubcommandFlags(command: Command): void {
  command.addHelpText('after', () => {
    const help = command.createHelp();
    const parts = help.visibleCommands(command).flatMap((each) => {
      const flags = each.options.map(
        (option) => [help.optionTerm(option), help.optionDescription(option)] as const,
      );
      if (flags.length === 0) return [];
      const width = Math.max(...flags.map(([term]) => term.length));
      return [
        `\n${each.name()}:`,
        ...flags.map(([term, description]) => `  ${term.padEnd(width)}  ${description}`),
      ];
    });
    return parts.join('\n');
  });
}
