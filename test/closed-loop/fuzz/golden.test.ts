import { createAuthorizer } from '@leastwise/rbac';
import { expect, test } from 'vitest';

import { goldenCases, goldenRequests } from './golden.ts';

// Without a server: what one answered is in the file, and the fuzz asks one again.
test.each(goldenCases())('$name', (golden) => {
  const authorizer = createAuthorizer(golden.objects);
  for (const { request, allowed } of goldenRequests(golden)) {
    expect({ request, allowed: authorizer.authorize(request).allowed }).toEqual({ request, allowed });
  }
});
