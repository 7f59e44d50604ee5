"""The limit: what Python, asyncpg and uvicorn can do when nobody generates anything.

One bare ASGI function. It reads the JSON body, runs the prepared statement that somebody wrote for the path, and writes
the bytes that PostgreSQL made. No telemetry, no error handling, no GraphQL, and whoever carries a known token is
believed.
"""
