import {
  CLIENT_KINDS,
  type ClientKind,
  type CountedRequest,
  type Permission,
  type Subject,
  subjectKey,
} from '@leastwise/audit-event';

import {
  OUTCOMES,
  RESOURCE_CLASSES,
  type ResourceClass,
  resourceClassOf,
  VERB_CLASSES,
  type VerbClass,
  verbClassOf,
} from './classes.ts';
import { parseSubjectKey } from './subject.ts';

type Outcome = CountedRequest['outcome'];

/** What is counted apart. */
export interface Cell {
  readonly verb: VerbClass;
  readonly resource: ResourceClass;
  readonly outcome: Outcome;
  /** `undefined` in the cells of `other`, where a cap summed subjects up, whatever their clients. */
  readonly sender: { readonly subject: Subject; readonly client: ClientKind } | undefined;
}

/**
 * A cell without its subject: the places of verb class, resource class, outcome and client in their lists, of five bits
 * each, so that a code is four digits to the base of 32.
 */
export type CellCode = number;

const BITS = 5;
const DIGITS = 4;
/** In the place of a client, in the cells of `other`. */
const NO_CLIENT = 31;

function codeOf(verb: VerbClass, resource: ResourceClass, outcome: Outcome, client: number): CellCode {
  const place = (VERB_CLASSES.indexOf(verb) << BITS) | RESOURCE_CLASSES.indexOf(resource);
  return (((place << BITS) | OUTCOMES.indexOf(outcome)) << BITS) | client;
}

/** The code for what an authorizer was asked, and whom it was asked by. */
export function cellCodeOf(permission: Permission, outcome: Outcome, client: ClientKind): CellCode {
  const place = CLIENT_KINDS.indexOf(client);
  return codeOf(verbClassOf(permission), resourceClassOf(permission), outcome, place);
}

/** The code of the cell of `other` that a subject's cell is summed up in. */
export function otherCodeOf(code: CellCode): CellCode {
  return code | NO_CLIENT;
}

/** What a code counts, its client left aside; `undefined` for what is no code. */
export function classesOf(
  code: CellCode,
): { readonly verb: VerbClass; readonly resource: ResourceClass; readonly outcome: Outcome } | undefined {
  const place = (index: number): number => (code >> (BITS * (DIGITS - 1 - index))) & NO_CLIENT;
  const [verb, resource, outcome] = [VERB_CLASSES[place(0)], RESOURCE_CLASSES[place(1)], OUTCOMES[place(2)]];
  return verb && resource && outcome && { verb, resource, outcome };
}

/**
 * The text of a code with a subject's key, or without one for `other`. Whatever the names are, it has neither control
 * characters nor lone surrogates, so that no encoding makes two keys one.
 */
export function cellKeyOf(code: CellCode, subject: string | undefined): string {
  const digits = code.toString(1 << BITS).padStart(DIGITS, '0');
  return subject === undefined ? digits : digits + JSON.stringify(subject).slice(1, -1);
}

/** A stable text for a cell, different for each: {@link parseCellKey} reads it. */
export function cellKey(cell: Cell): string {
  return cellKeyOf(codeOfCell(cell), cell.sender && subjectKey(cell.sender.subject));
}

function codeOfCell({ verb, resource, outcome, sender }: Cell): CellCode {
  const client = sender === undefined ? NO_CLIENT : CLIENT_KINDS.indexOf(sender.client);
  return codeOf(verb, resource, outcome, client);
}

/** The parts of a key, `undefined` where no cell has it. */
export function readCellKey(key: string): { code: CellCode; subject: string | undefined } | undefined {
  const cell = parseCellKey(key);
  if (cell === undefined) return undefined;
  return { code: codeOfCell(cell), subject: cell.sender && subjectKey(cell.sender.subject) };
}

/** The cell that has a key; `undefined` where none has it. */
export function parseCellKey(key: string): Cell | undefined {
  const code = Number.parseInt(key.slice(0, DIGITS), 1 << BITS);
  const classes = classesOf(code);
  if (classes === undefined) return undefined;
  const subject = parseSubjectKey(unescaped(key.slice(DIGITS)));
  const client = CLIENT_KINDS[code & NO_CLIENT];
  const sender = subject === undefined || client === undefined ? undefined : { subject, client };
  const cell = { ...classes, sender };
  // What is spelled in another way than the one is damaged, or of another version.
  return cellKey(cell) === key ? cell : undefined;
}

function unescaped(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return '';
  }
}
