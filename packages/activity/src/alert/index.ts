export {
  WINDOW_FINDING_KINDS,
  WindowJudge,
  type WindowFinding,
  type WindowFindingKind,
  type WindowJudgeOptions,
} from './window-judge.ts';
export {
  type ClosedWindow,
  CLOSING,
  type ClosingOptions,
  type LookTime,
  OpenWindows,
  type SourceLook,
} from './open-windows.ts';
export {
  type Alert,
  alertField,
  decodeAlert,
  encodeAlert,
  findingOf,
  firesUntilUs,
  isAlertField,
} from './alert.ts';
