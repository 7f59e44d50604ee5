// Apollo Client: typed answers, a cache that knows rows by type and id, errors with their codes, live queries.
import { OperationTypeNode } from "graphql";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createClient } from "graphql-ws";
import { CONTRACT, ME, NAME, RENAME, report, settings } from "./operations.js";

const { authorization, customer: id } = settings;
const socket = createClient({ url: settings.socket, connectionParams: { headers: { authorization } }, retryAttempts: 0 });
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    (operation) => operation.operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: settings.url, headers: { authorization } }),
  ),
});

const live: (string | null | undefined)[] = [];
let seen: (() => void) | undefined;
const subscription = client
  .subscribe({ query: NAME, variables: { id } })
  .subscribe((result) => {
    live.push(result.data?.customer_by_pk?.first_name);
    seen?.();
  });
const until = (count: number) =>
  new Promise<void>((resolve) => {
    seen = () => live.length >= count && resolve();
    seen();
  });

await until(1);
const before = await client.query({ query: ME });
await client.mutate({ mutation: RENAME, variables: { id, name: "Apollo" } });
await until(2);
// Nobody asks the endpoint again: the mutation's answer changed the row in the cache.
const cached = client.cache.readQuery({ query: ME });
let code: unknown;
try {
  await client.query({ query: CONTRACT, variables: { id: "no uuid" } });
} catch (error) {
  if (CombinedGraphQLErrors.is(error)) code = error.errors[0]?.extensions?.["code"];
}
subscription.unsubscribe();
await socket.dispose();
client.stop();
report({
  contracts: before.data?.customer[0]?.contracts.map((contract) => contract.treatment?.name),
  cached: cached?.customer[0]?.first_name,
  live,
  code,
});
