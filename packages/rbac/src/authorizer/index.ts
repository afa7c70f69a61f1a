export {
  createAuthorizer,
  type Authorization,
  type Authorizer,
  type GrantedRule,
  type GrantPath,
} from './authorizer.ts';
export { boundSubject } from './subjects.ts';
