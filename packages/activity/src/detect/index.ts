export { type Calendar, createCalendar, WEEK_BUCKETS } from './calendar.ts';
export * from './catalogue/index.ts';
export * from './detecting/index.ts';
export * from './first-seen/index.ts';
export * from './hours/index.ts';
export { isPerson } from './person.ts';
export * from './spike/index.ts';
