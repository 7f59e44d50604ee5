"""Tests that look at pages in headless Chromium; `make test-browser` runs them, `make test` does not.

They need Debian's `chromium` (or another Chromium or Chrome on the PATH) and the built page (`make graphiql`).
"""
