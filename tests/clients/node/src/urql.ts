// urql: the same with its document cache, which asks again what a mutation's types concern.
import { Client, cacheExchange, fetchExchange, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import { CONTRACT, ME, NAME, RENAME, report, settings } from "./operations.js";

const { authorization, customer: id } = settings;
const socket = createClient({ url: settings.socket, connectionParams: { headers: { authorization } }, retryAttempts: 0 });
const client = new Client({
  url: settings.url,
  preferGetMethod: false,
  fetchOptions: { headers: { authorization } },
  exchanges: [
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({
          unsubscribe: socket.subscribe({ query: request.query ?? "", variables: request.variables }, sink),
        }),
      }),
    }),
  ],
});

const live: (string | null | undefined)[] = [];
let seen: (() => void) | undefined;
const subscription = client.subscription(NAME, { id }).subscribe((result) => {
  live.push(result.data?.customer_by_pk?.first_name);
  seen?.();
});
const until = (count: number) =>
  new Promise<void>((resolve) => {
    seen = () => live.length >= count && resolve();
    seen();
  });

await until(1);
const before = await client.query(ME, {}).toPromise();
const kept = await client.query(ME, {}).toPromise();
await client.mutation(RENAME, { id, name: "Urql" }).toPromise();
await until(2);
const after = await client.query(ME, {}).toPromise();
const failed = await client.query(CONTRACT, { id: "no uuid" }).toPromise();
subscription.unsubscribe();
await socket.dispose();
report({
  contracts: before.data?.customer[0]?.contracts.map((contract) => contract.treatment?.name),
  kept: kept.operation.context.meta?.cacheOutcome,
  asked: after.operation.context.meta?.cacheOutcome,
  name: after.data?.customer[0]?.first_name,
  live,
  code: failed.error?.graphQLErrors[0]?.extensions["code"],
});
