"""The API program: the GraphQL endpoint, authentication, GraphiQL, health and metrics, settings, command line."""
