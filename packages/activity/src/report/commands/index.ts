export { type Certainty, type Command, type CommandOutcome, commandText } from './command.ts';
export { inferCommands } from './infer.ts';
