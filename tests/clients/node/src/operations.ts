// What a customer's application asks; the answers' types are generated from the endpoint.
import { graphql } from "../generated/user/gql.js";

export const ME = graphql(`
  query Me {
    customer {
      id
      first_name
      contracts(order_by: [{ start_date: asc }, { id: asc }]) {
        id
        status
        treatment {
          id
          name
        }
      }
    }
  }
`);

export const RENAME = graphql(`
  mutation Rename($id: uuid!, $name: String!) {
    update_customer_by_pk(pk_columns: { id: $id }, _set: { first_name: $name }) {
      id
      first_name
    }
  }
`);

export const NAME = graphql(`
  subscription Name($id: uuid!) {
    customer_by_pk(id: $id) {
      id
      first_name
    }
  }
`);

export const CONTRACT = graphql(`
  query Contract($id: uuid!) {
    contract_by_pk(id: $id) {
      id
    }
  }
`);

/** Where the endpoint is, and who asks. */
export const settings = {
  url: process.env["CAREGRAPH_GRAPHQL_URL"]!,
  socket: process.env["CAREGRAPH_GRAPHQL_URL"]!.replace(/^http/, "ws"),
  authorization: `Bearer ${process.env["CAREGRAPH_USER_TOKEN"]}`,
  customer: process.env["CAREGRAPH_CUSTOMER"]!,
};

/** What a script found out; the test reads it. */
export function report(found: Record<string, unknown>): void {
  process.stdout.write(JSON.stringify(found));
}
