export { type Client, clientText, parseClient } from './parse-client.ts';
