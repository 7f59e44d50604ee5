# One image for every program of Caregraph; a target each says which one it starts:
#   docker build --target agent-contract --tag caregraph-agent-contract .
# Settings come from the environment (docs/operations.md). Cloud Run gives PORT.

FROM python:3.12-slim AS caregraph
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 CAREGRAPH_LOG_FORMAT=json
WORKDIR /srv/caregraph
# First what changes seldom. The lock holds the development tools, too: one list, with hashes, for every machine.
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md ./
COPY schema schema
COPY permissions permissions
COPY resolvers resolvers
COPY triggers triggers
COPY migrations migrations
COPY integrations integrations
COPY agents agents
COPY server server
# `local` is named by the package's list of commands; nothing of it is started here.
COPY local local
# Compiled here, since the user may write nothing there: else every start of a container would compile it again.
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && python -m compileall -q --invalidation-mode unchecked-hash \
        schema permissions resolvers triggers migrations integrations agents server local
USER nobody
ENTRYPOINT ["caregraph"]

FROM caregraph AS api
CMD ["serve"]

FROM caregraph AS relay
CMD ["relay"]

FROM caregraph AS scheduler
CMD ["scheduler"]

# Agents: what each listens to is in agents/registry.py.

FROM caregraph AS agent-contract
CMD ["agent", "contract"]

FROM caregraph AS agent-notification
CMD ["agent", "notification"]

FROM caregraph AS agent-zendesk
CMD ["agent", "zendesk"]

FROM caregraph AS agent-prescription
CMD ["agent", "prescription"]

FROM caregraph AS agent-referral
CMD ["agent", "referral"]

FROM caregraph AS agent-invoice
CMD ["agent", "invoice"]

FROM caregraph AS agent-subscription-change
CMD ["agent", "subscription_change"]

FROM caregraph AS agent-chargebee
CMD ["agent", "chargebee"]

FROM caregraph AS agent-identity
CMD ["agent", "identity"]

FROM caregraph AS agent-data-deletion
CMD ["agent", "data_deletion"]

FROM caregraph AS agent-event-routing
CMD ["agent", "event_routing"]
