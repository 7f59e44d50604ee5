import { GraphiQL } from 'graphiql';
import { useMemo, useSyncExternalStore } from 'react';

import { EXAMPLES } from './examples';
import { createFetcher } from './fetcher';
import { IdentityBox } from './identity-box';
import mark from './mark.svg';
import type { Session } from './session';

export function App({ session }: { session: Session }) {
  const { generation } = useSyncExternalStore(session.subscribe, session.state);
  // Another identity is another schema: a new fetcher makes GraphiQL read it. Renewals keep the fetcher.
  const fetcher = useMemo(() => createFetcher(session), [session, generation]);
  return (
    <>
      <header className="bar">
        <div className="brand">
          <img src={mark} alt="" width="26" height="26" />
          <h1>
            Caregraph <small>GraphiQL</small>
          </h1>
        </div>
        <IdentityBox session={session} />
      </header>
      <main aria-busy={generation === 0}>
        {generation > 0 && (
          <GraphiQL
            fetcher={fetcher}
            defaultTabs={EXAMPLES}
            defaultEditorToolsVisibility={true}
            // Headers may hold the admin secret, which has no place in the browser's storage.
            showPersistHeadersSettings={false}
          >
            <GraphiQL.Logo>
              <code className="endpoint">POST /v1/graphql</code>
            </GraphiQL.Logo>
          </GraphiQL>
        )}
      </main>
    </>
  );
}
