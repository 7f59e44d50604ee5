/** How GraphiQL's operations reach the endpoint: POST, and graphql-transport-ws for subscriptions. */
import type { Fetcher, FetcherOpts, FetcherParams } from '@graphiql/toolkit';
import { type ExecutionResult, getOperationAST } from 'graphql';
import { createClient } from 'graphql-ws';

import type { Session } from './session';

const ENDPOINT = '/v1/graphql';
/** How long a socket may take to open and be acknowledged. */
const CONNECT_TIMEOUT_MS = 10_000;

/** A fetcher for `session`'s present identity. GraphiQL reads the schema anew whenever it gets another fetcher. */
export function createFetcher(session: Session): Fetcher {
  return (params, options) =>
    isSubscription(params, options) ? subscribe(session, params, options) : post(session, params, options);
}

function isSubscription(params: FetcherParams, options?: FetcherOpts): boolean {
  if (!options?.documentAST) return false;
  return getOperationAST(options.documentAST, params.operationName)?.operation === 'subscription';
}

async function post(session: Session, params: FetcherParams, options?: FetcherOpts): Promise<ExecutionResult> {
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(await headersFor(session, options)),
    },
    body: JSON.stringify(params),
  });
  const text = await response.text();
  try {
    return JSON.parse(text) as ExecutionResult;
  } catch {
    throw plainError(`${ENDPOINT} answered ${response.status} with something that is not JSON: ${text.slice(0, 200)}`);
  }
}

async function* subscribe(
  session: Session,
  params: FetcherParams,
  options?: FetcherOpts,
): AsyncGenerator<ExecutionResult<Record<string, unknown>>> {
  const client = createClient({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${ENDPOINT}`,
    // Credentials go into connection_init, as browsers can't set headers on a WebSocket.
    connectionParams: async () => ({ headers: await headersFor(session, options) }),
    connectionAckWaitTimeout: CONNECT_TIMEOUT_MS,
    // Reconnecting is for applications; here one wants to see that the connection ended, and why.
    retryAttempts: 0,
  });
  try {
    const results = client.iterate<Record<string, unknown>>({
      query: params.query,
      variables: params.variables as Record<string, unknown> | undefined,
      operationName: params.operationName,
    });
    // As they came over the wire; the types differ in how parsed the errors are.
    for await (const result of results) yield result as ExecutionResult<Record<string, unknown>>;
  } catch (error) {
    throw plainError(describe(error));
  } finally {
    await client.dispose();
  }
}

/** An error without a stack, which GraphiQL would show to people. */
function plainError(message: string): Error {
  const error = new Error(message);
  error.stack = undefined;
  return error;
}

/** What ended a subscription, in words: graphql-ws throws events of the socket and lists of GraphQL errors as they are. */
function describe(error: unknown): string {
  if (error instanceof CloseEvent) return error.reason || `The server closed the WebSocket with code ${error.code}.`;
  if (error instanceof Event) return 'The WebSocket could not be opened: the server may not offer subscriptions.';
  if (Array.isArray(error)) return error.map((one) => (one as Error).message).join('\n');
  return error instanceof Error ? error.message : String(error);
}

/** The session's headers under those of the headers editor, which win whatever their case. */
async function headersFor(session: Session, options?: FetcherOpts): Promise<Record<string, string>> {
  const own = Object.entries((options?.headers ?? {}) as Record<string, string>);
  const headers = new Headers(await session.headers());
  for (const [name, value] of own) headers.set(name, value);
  return Object.fromEntries(headers);
}
