// Types for a customer's application, from what a customer's token is told by a running endpoint; and for the operations
// of every agent, from what its own service account is told. Those that agents share are typed by the whole role's file.
import { existsSync, readdirSync } from "node:fs";

const AGENTS = "../../../agents";
const ROLE = "../../../docs/schema/service.graphql";
const tokens = JSON.parse(process.env.CAREGRAPH_SERVICE_TOKENS);
const endpoint = (token) => [{ [process.env.CAREGRAPH_GRAPHQL_URL]: { headers: { authorization: `Bearer ${token}` } } }];

const scalars = {
  bigint: "number",
  date: "string",
  jsonb: "unknown",
  numeric: "number",
  smallint: "number",
  time: "string",
  timestamptz: "string",
  uuid: "string",
};
const typed = {
  preset: "client",
  config: { scalars, strictScalars: true, enumsAsTypes: true, useTypeImports: true },
  presetConfig: { fragmentMasking: false },
};
const agents = readdirSync(AGENTS).filter((agent) => existsSync(`${AGENTS}/${agent}/operations.graphql`));

export default {
  emitLegacyCommonJSImports: false,
  generates: {
    "generated/user/": {
      ...typed,
      schema: endpoint(process.env.CAREGRAPH_USER_TOKEN),
      documents: ["src/operations.ts"],
    },
    ...Object.fromEntries(
      agents.map((agent) => [
        `generated/${agent}/`,
        {
          ...typed,
          schema: agent in tokens ? endpoint(tokens[agent]) : ROLE,
          documents: [`${AGENTS}/${agent}/operations.graphql`],
        },
      ]),
    ),
  },
};
