/** The tabs of a first visit: what anyone may ask, what a signed-in person asks, and a change. */
import type { GraphiQLProps } from 'graphiql';

type Tab = NonNullable<GraphiQLProps['defaultTabs']>[number];

const CATALOGUE = `# The treatment catalogue: everyone may read it.
# The schema follows the role chosen above.
query Catalogue {
  treatment(order_by: { name: asc }) {
    id
    name
    description
    monthly_price
    has_upfront_payment_option
    upfront_price
    currency_code
    term_months
  }
}
`;

const CONTRACTS = `# A customer sees their own contracts, the care
# team everyone's: one query, the role's rules.
query Contracts($limit: Int! = 10) {
  contract(
    order_by: { start_date: desc }
    limit: $limit
  ) {
    id
    status
    start_date
    end_date
    customer {
      email
    }
    treatment {
      name
    }
    subscription {
      id
      status
    }
  }
}

# The same rows, live.
subscription LiveContracts {
  contract(order_by: { start_date: desc }, limit: 10) {
    id
    status
    start_date
  }
}
`;

const START = `# As a customer. The status and the customer are
# preset; take a treatment's id from Catalogue.
# Then, in a terminal: caregraph trace <contract id>
mutation StartContract($treatment_id: uuid!) {
  insert_contract_one(
    object: { treatment_id: $treatment_id }
  ) {
    id
    status
    start_date
    end_date
  }
}
`;

export const EXAMPLES: Tab[] = [
  { query: CATALOGUE },
  { query: CONTRACTS, variables: '{\n  "limit": 10\n}' },
  { query: START, variables: '{\n  "treatment_id": ""\n}' },
];
