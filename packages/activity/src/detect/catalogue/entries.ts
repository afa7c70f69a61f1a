import type { DetectionInfo, EventDetection, EventFacts, Match, UnavailableDetection } from './types.ts';
import type { Settings } from './settings.ts';
import { whatOf, whoOf } from './facts.ts';

/** What is common to most entries: Metadata suffices. */
export type Info = Omit<DetectionInfo, 'needs'> & Partial<Pick<DetectionInfo, 'needs'>>;

/** An entry that asks about one event. */
export function onEvent(
  info: Info,
  predicate: (facts: EventFacts, settings: Settings) => Match | undefined,
): EventDetection {
  return { needs: 'Metadata', ...info, kind: 'event', available: true, predicate };
}

/** An entry that matches where something is true, with the severity of the entry. */
export function whenever(
  info: Info,
  isTrue: (facts: EventFacts, settings: Settings) => boolean,
): EventDetection {
  return onEvent(info, (facts, settings) =>
    isTrue(facts, settings) ? { severity: info.severity, says: sentence(facts) } : undefined,
  );
}

/** An entry that cannot be asked. */
export function unavailable(
  info: Info & { readonly kind?: 'event' | 'window' },
  because: string,
): UnavailableDetection {
  return { needs: 'Metadata', kind: 'event', ...info, available: false, because };
}

/** Who asked for what, and what else there is to say about it. */
export function sentence(facts: EventFacts, detail = ''): string {
  const outcome = facts.outcome === 'denied' ? ', refused' : '';
  return `${whoOf(facts)}: ${whatOf(facts)}${outcome}${detail === '' ? '' : `; ${detail}`}`;
}

/** Whether somebody else than a part of the system sent a request. */
export function isByOthers({ event }: EventFacts, settings: Settings): boolean {
  return !settings.isSystem(event.user.username);
}
