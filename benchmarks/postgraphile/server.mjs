// PostGraphile as one would run it in production: the amber preset, no GraphiQL, no watching, its own HTTP adaptor.
// Settings: DATABASE_URL, PORT, POOL_SIZE, JWT_KEY (PEM). Prints "listening" when it is.

import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { PgAggregatesPreset } from "@graphile/pg-aggregates";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { jsonPgSmartTags } from "postgraphile/utils";

const publicKey = createPublicKey(process.env.JWT_KEY);
const known = new Map();

// Verifies a token once; what it grants becomes settings of the transaction.
function settingsOf(authorization) {
  let found = known.get(authorization);
  if (found === undefined || found.expires < Date.now() / 1000) {
    const [head, payload, signature] = authorization.slice("Bearer ".length).split(".");
    const signed = Buffer.from(`${head}.${payload}`);
    if (!verify("RSA-SHA256", signed, publicKey, Buffer.from(signature, "base64url"))) {
      throw new Error("invalid token");
    }
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    const session = claims["https://hasura.io/jwt/claims"];
    found = {
      expires: claims.exp,
      settings: {
        role: "benchmark_customer",
        "app.session": JSON.stringify(session),
        "app.user_id": session["x-hasura-user-id"],
      },
    };
    known.set(authorization, found);
  }
  return found.settings;
}

// The mirror of billing has no foreign keys; lists beside connections; the end of a contract is a trigger's work.
const tags = {
  version: 1,
  config: {
    class: {
      "chargebee.invoice": {
        tags: {
          foreignKey:
            "(customer_id) references public.customer (chargebee_customer_id)|@fieldName profile|@foreignFieldName invoices",
        },
      },
      "chargebee.subscription": {
        tags: {
          foreignKey:
            "(customer_id) references public.customer (chargebee_customer_id)|@fieldName profile|@foreignFieldName subscriptions",
        },
      },
    },
    attribute: { "public.contract.end_date": { tags: { hasDefault: true } } },
  },
};

const instance = postgraphile({
  extends: [PostGraphileAmberPreset, PgAggregatesPreset],
  plugins: [jsonPgSmartTags(tags)],
  pgServices: [
    makePgService({
      connectionString: process.env.DATABASE_URL,
      schemas: ["public", "chargebee"],
      poolConfig: { max: Number(process.env.POOL_SIZE) },
      pubsub: false,
    }),
  ],
  schema: { defaultBehavior: "+list" },
  grafast: {
    explain: false,
    context: (request) => {
      const authorization = request.node?.req.headers.authorization;
      return authorization === undefined ? {} : { pgSettings: settingsOf(authorization) };
    },
  },
  grafserv: { graphiql: false, watch: false },
});

const server = createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("listening"));
