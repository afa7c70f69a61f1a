/** The house rules that no published plugin has. */

const DOCUMENTED = new Set([
  'FunctionDeclaration',
  'TSDeclareFunction',
  'ClassDeclaration',
  'TSInterfaceDeclaration',
  'TSTypeAliasDeclaration',
  'VariableDeclaration',
]);

/** The declaration before, if one comment stands for both: an overload, or the constant on the line above. */
function sharesDocWith(node) {
  const siblings = node.parent.body;
  const before = siblings[siblings.indexOf(node) - 1];
  if (before?.type !== 'ExportNamedDeclaration' || !before.declaration) return undefined;
  const isConstantOfGroup =
    node.declaration.type === 'VariableDeclaration' &&
    before.declaration.type === 'VariableDeclaration' &&
    before.loc.end.line === node.loc.start.line - 1;
  const isOverload =
    before.declaration.type === 'TSDeclareFunction' &&
    before.declaration.id.name === node.declaration.id?.name;
  return isConstantOfGroup || isOverload ? before : undefined;
}

const exportedDoc = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { missing: 'Say in a /** doc comment */ what this export promises.' },
  },
  create(context) {
    const isDocumented = (node) =>
      context.sourceCode
        .getCommentsBefore(node)
        .some((comment) => comment.type === 'Block' && comment.value.startsWith('*'));
    return {
      ExportNamedDeclaration(node) {
        if (!node.declaration || !DOCUMENTED.has(node.declaration.type)) return;
        let first = node;
        while (!isDocumented(first)) {
          first = sharesDocWith(first);
          if (!first) {
            context.report({ node, messageId: 'missing' });
            return;
          }
        }
      },
    };
  },
};

const kebabCaseFile = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { name: 'File names are kebab-case: "{{name}}" is not.' },
  },
  create(context) {
    return {
      Program(node) {
        const name = context.physicalFilename.split(/[/\\]/).at(-1);
        if (!/^[.]?[a-z0-9]+([.-][a-z0-9]+)*$/.test(name)) {
          context.report({ node, loc: { line: 1, column: 0 }, messageId: 'name', data: { name } });
        }
      },
    };
  },
};

/** A plugin object for a flat ESLint configuration. */
export default { rules: { 'exported-doc': exportedDoc, 'kebab-case-file': kebabCaseFile } };
