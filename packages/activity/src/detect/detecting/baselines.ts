import { type BaselineDetection, DETECTIONS } from '../catalogue/index.ts';

type Of<Baseline> = Extract<BaselineDetection, { readonly baseline: Baseline }>;

function ofBaseline<Baseline extends 'spike' | 'hours'>(baseline: Baseline): Of<Baseline> {
  const found = DETECTIONS.find(
    (each): each is Of<Baseline> => each.available && each.kind === 'baseline' && each.baseline === baseline,
  );
  if (found === undefined) throw new Error(`the catalogue has no detection by ${baseline}`);
  return found;
}

/** What the catalogue says of spikes and of unusual hours. */
export const BASELINES: { readonly spike: Of<'spike'>; readonly hours: Of<'hours'> } = {
  spike: ofBaseline('spike'),
  hours: ofBaseline('hours'),
};
